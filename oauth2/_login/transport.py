"""Send a request of RFC 5849 section 2 to a service, and read its response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Protocol, TypedDict

import httplib2

from .._sending.signer import HEADER
from .._wire.form import FORM, add_to_query, build_form
from .._wire.text import to_text
from ..client import Client
from ..clients.explanation import Explanation
from ..credentials import Credentials
from ..errors import InvalidAnswer, ServiceRefused
from ..request import Request
from ..signature import SignatureMethod
from .endpoints import Endpoints
from .limits import limited
from .response import read_response, refusal

_HTTP_TIMEOUT = 30.0  # In seconds. The timeout of the default Client.
_OWN = ("oauth_callback", "oauth_session_handle")  # A Client does not add these parameters, so this module adds them.
_SECRET_ATTRIBUTES = ("key", "secret", "verifier", "session_handle")


class SendingOptions(TypedDict, total=False):
    """Options for sending the requests of section 2. Every option may be omitted.

    Attributes:
        signature_method: The signature method; defaults to the method of the service profile, or to HMAC-SHA1.
        client: A function that is called with the consumer and the token (or None). The function must return the
            :class:`~oauth2.client.Client` for one request.
        headers: Further header fields of the request.
        on_refusal: A function that is called with the :class:`~oauth2.clients.explanation.Explanation` of a refusal,
            before :class:`~oauth2.errors.ServiceRefused` is raised.
    """

    signature_method: SignatureMethod | None
    client: Callable[[Credentials, Credentials | None], Client] | None
    headers: Mapping[str, str] | None
    on_refusal: Callable[[Explanation], object] | None


class HasEndpoints(Protocol):
    """A service profile, for example from :mod:`oauth2.services`."""

    def endpoints(self) -> Endpoints:
        """Return the endpoints of the service."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceResponse:
    """The response of a service to a request of section 2.

    Attributes:
        status: HTTP status.
        authenticate: The value of the WWW-Authenticate header field; ``""`` if there is none.
        body: The received body.
        secrets: The confidential values of the request, such as the token secret. An error must not contain them.
    """

    status: int
    authenticate: str = field(repr=False)
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def has_credentials(self) -> bool:
        """Whether the body contains credentials."""
        return b"oauth_token_secret" in self.body

    def credentials(self) -> bytes:
        """Return the body, which contains credentials.

        Raises:
            ServiceRefused: The response contains no credentials.
        """
        return read_response(self.status, self.body, authenticate=self.authenticate, secrets=self.secrets)

    def refusal(self) -> ServiceRefused:
        """Return the error for this response."""
        return refusal(self.status, self.body, authenticate=self.authenticate, secrets=self.secrets)


def endpoints_of(service: Endpoints | HasEndpoints) -> Endpoints:
    """Return the endpoints of a service.

    Raises:
        TypeError: *service* is neither Endpoints nor a service profile.
    """
    if isinstance(service, Endpoints):
        return service
    if isinstance(service, type) or not hasattr(service, "endpoints"):
        raise TypeError("endpoints: must be Endpoints or a profile of oauth2.services")
    return service.endpoints()


def send(
    consumer: Credentials,
    token: Credentials | None,
    request: Request,
    service: Endpoints | HasEndpoints,
    *,
    signature_method: SignatureMethod | None = None,
    client: Callable[[Credentials, Credentials | None], Client] | None = None,
    headers: Mapping[str, str] | None = None,
    on_refusal: Callable[[Explanation], object] | None = None,
) -> ServiceResponse:
    """Sign and send *request*; for the options see :class:`SendingOptions`.

    Raises:
        ServiceRefused: The service answered 401 with a malformed challenge.
        InvalidAnswer: The response is not valid HTTP, or exceeds a limit.
        TimeoutError: The service did not answer in time.
        OSError, httplib2.HttpLib2Error: The service cannot be reached.
    """
    http = _client(consumer, token, service, signature_method, client)
    if on_refusal is not None:
        http.on_refusal = on_refusal
    # Redirects are not followed, because credentials must not be sent to another URL.
    http.follow_redirects = False
    form = request.get_nonoauth_parameters()
    uri, body, fields = _message(request, form, headers)
    try:
        response, content = http.request(uri, request.method, body, fields, connection_type=_connection_type(uri))
    # "from None" hides the original errors. The original errors contain parts of the response, and the response can
    # contain secrets.
    except httplib2.error.MalformedHeader:  # httplib2 raises this error only for the challenges of a 401 response.
        raise ServiceRefused("The service answered 401 with a malformed challenge.", answered=401) from None
    except (httplib2.error.HttpLib2ErrorWithResponse, HTTPException):
        raise InvalidAnswer("The service's response is not valid HTTP.") from None
    finally:
        http.close()
    secrets = [getattr(token, name, None) for name in _SECRET_ATTRIBUTES]
    secrets += [consumer.secret, form.get("x_auth_password")]
    return ServiceResponse(
        status=response.status,
        authenticate=response.get("www-authenticate", ""),
        body=content,
        secrets=tuple([to_text(each) for each in secrets if each]),
    )


def _client(
    consumer: Credentials,
    token: Credentials | None,
    service: Endpoints | HasEndpoints,
    signature_method: SignatureMethod | None,
    make: Callable[[Credentials, Credentials | None], Client] | None,
) -> Client:
    if make is None:
        make_for_service: Callable[..., Client] = getattr(service, "client", _default_client)
        return make_for_service(consumer, token, signature_method=signature_method)
    client = make(consumer, token)
    if signature_method is not None:
        client.set_signature_method(signature_method)
    return client


def _default_client(
    consumer: Credentials, token: Credentials | None, *, signature_method: SignatureMethod | None
) -> Client:
    return Client(
        consumer,
        token,
        signature_method=signature_method,
        placement=HEADER,
        realm=None,
        body_hash=False,
        timeout=_HTTP_TIMEOUT,
    )


def _message(
    request: Request, form: dict[str, Any], headers: Mapping[str, str] | None
) -> tuple[str, str, dict[str, str]]:
    protocol = [pair for pair in request.protocol_pairs() if pair[0] in _OWN]
    uri, body, fields = add_to_query(request.url or "", build_form(protocol)), "", dict(headers or {})
    if form and request.method == "GET":
        uri = add_to_query(uri, build_form(form.items()))
    elif form:
        body, fields["Content-Type"] = build_form(form.items()), FORM
    return uri, body, fields


def _connection_type(uri: str) -> type[Any]:
    scheme: Any = uri.partition(":")[0].lower()
    kind: Any = httplib2.SCHEME_TO_CONNECTION[scheme]
    return limited(kind)
