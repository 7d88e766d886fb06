"""Get token credentials in one call: RFC 5849 section 2, with its requests sent.

:func:`authorize` is for a program with a person at it. :func:`begin` and
:func:`finish` are its halves, for a web application.
"""

from __future__ import annotations

import sys
import webbrowser
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TYPE_CHECKING

import httplib2

from . import flow
from .answer import read_answer, refusal
from .client import Client
from .credentials import Token
from .endpoints import Endpoints
from .errors import InvalidAnswer, ServiceRefused
from .flow import OUT_OF_BAND, IssuedToken
from .listener import Listener
from .outgoing import HEADER
from .parameters import FORM, add_to_query, build_form
from .request import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .signature import SignatureMethod

#: The default callback: a free port, and a path that nobody can guess.
LOOPBACK = "http://127.0.0.1:0/"

_HTTP_TIMEOUT = 30.0  # seconds
_OWN = ("oauth_callback", "oauth_session_handle")  # what a Client does not know of itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What stands between :func:`begin` and :func:`finish`.

    Attributes:
        url: Where to redirect the user to.
        temporary: The temporary credentials. Keep them, secret included, in the
            user's session: ``str()`` of them, which ``Token.from_string`` reads.
    """

    url: str = field(repr=False)
    temporary: Token


def open_in_browser(url: str) -> None:
    """Open *url* in the user's browser; where there is none, print it to stderr."""
    if not webbrowser.open(url):
        print(f"Open this in a browser: {url}", file=sys.stderr)


def ask_for_code(url: str) -> str:
    """Ask at the terminal for the code that the service shows after approval at *url*."""
    return input(f"Approve at {url}\nand enter the code that is shown there: ")


def authorize(
    consumer: Any,
    endpoints: Any,
    *,
    callback: str | None = None,
    parameters: Mapping[str, str] | None = None,
    request_parameters: Mapping[str, str] | None = None,
    open_browser: Callable[[str], object] = open_in_browser,
    ask: Callable[[str], str] = ask_for_code,
    timeout: float = 300.0,
    **sending: Any,
) -> IssuedToken:
    """Return token credentials that a person approves in a browser (section 2).

    Listens on 127.0.0.1 for the browser to come back, or asks for the code where
    the callback is "oob".

    Args:
        consumer: Client credentials.
        endpoints: :class:`~oauth2.flow.Endpoints`, or a service of :mod:`oauth2.services`.
        callback: The service's own or, where it has none, :data:`LOOPBACK`. Else
            "oob", or ``http://127.0.0.1:port/path`` as it is registered with the
            service; port 0 stands for a free one.
        parameters: For the authorization endpoint, such as ``name`` or ``expiration``.
        request_parameters: For the temporary credential request, such as ``x_auth_access_type``.
        open_browser: Called once, with the URL to open.
        ask: Called for "oob" after the browser was opened, with the same URL;
            returns the code.
        timeout: Seconds to wait for the browser.
        **sending: ``signature_method``, ``client`` and ``headers``, as for :func:`begin`.

    Raises:
        AuthorizationDenied: The person said no.
        ServiceRefused: The service answered with an error.
        InvalidAnswer: The service does not confirm the callback, or answers nonsense.
        TimeoutError: Nobody approved in time, or the service did not answer.
        OSError: The port is in use, or the service cannot be reached.
        httplib2.HttpLib2Error: The service cannot be reached.
        ValueError: *callback* is no loopback URL, or an endpoint is missing.
    """
    wanted = callback or _endpoints(endpoints).callback or LOOPBACK
    more = {"parameters": parameters, "request_parameters": request_parameters, **sending}
    if wanted == OUT_OF_BAND:
        pending = begin(consumer, endpoints, wanted, **more)
        open_browser(pending.url)
        return redeem(consumer, endpoints, pending.temporary, ask(pending.url), **sending)
    with Listener(wanted) as listener:
        pending = begin(consumer, endpoints, listener.callback, **more)
        listener.expect(lambda target: _is_awaited(target, pending.temporary, listener))
        open_browser(pending.url)
        url = listener.wait(timeout)
    return finish(consumer, endpoints, url, pending.temporary, **sending)


def begin(
    consumer: Any,
    endpoints: Any,
    callback: str,
    *,
    parameters: Mapping[str, str] | None = None,
    request_parameters: Mapping[str, str] | None = None,
    **sending: Any,
) -> Pending:
    """Get temporary credentials, and say where to send the user (sections 2.1 and 2.2).

    Args:
        consumer: Client credentials.
        endpoints: :class:`~oauth2.flow.Endpoints`, or a service of :mod:`oauth2.services`.
        callback: The URL that the service shall redirect the user to, or "oob".
        parameters: For the authorization endpoint.
        request_parameters: For the temporary credential request.
        **sending: How to send: ``signature_method``, HMAC-SHA1 or the service's own
            unless given; ``client``, called with consumer and token (or None) for the
            :class:`~oauth2.client.Client` of each request; ``headers``, more header fields.

    Raises:
        ServiceRefused, InvalidAnswer, ValueError, OSError, httplib2.HttpLib2Error:
            As for :func:`authorize`.
    """
    where = _endpoints(endpoints)
    _required(where, "authorize")  # before anything is sent
    url = _required(where, "temporary")
    request = flow.temporary_request(
        consumer, url, callback, http_method=where.http_method, parameters=request_parameters
    )
    answer = _exchange(consumer, None, request, endpoints, **sending)
    temporary = flow.read_temporary(answer.credentials(), confirmations=where.confirmations)
    return Pending(url=where.authorization_url(consumer, temporary, parameters), temporary=temporary)


def finish(consumer: Any, endpoints: Any, callback_url: str, temporary: Token, **sending: Any) -> IssuedToken:
    """Return the token credentials for the URL that the user came back to (section 2.3).

    Args:
        consumer: Client credentials.
        endpoints: As for :func:`begin`.
        callback_url: That URL, or its query.
        temporary: What :func:`begin` got, from the user's session.
        **sending: As for :func:`begin`.

    Raises:
        AuthorizationDenied: The user said no.
        InvalidAnswer: It is for other temporary credentials, or has no verifier.
        ServiceRefused, ValueError, OSError, httplib2.HttpLib2Error: As for :func:`authorize`.
    """
    approved = flow.read_callback(callback_url, temporary)
    return redeem(consumer, endpoints, approved, approved.verifier or "", **sending)


def redeem(consumer: Any, endpoints: Any, temporary: Token, verifier: str, **sending: Any) -> IssuedToken:
    """Return the token credentials for a verifier, such as a code that a person typed (section 2.3).

    Args and errors are those of :func:`finish`; spaces around *verifier* do not count.

    Raises:
        ValueError: *verifier* is empty.
    """
    if not verifier.strip():
        raise ValueError("verifier: it is empty")
    where = _endpoints(endpoints)
    approved = Token(temporary.key, temporary.secret)
    approved.set_verifier(verifier.strip())
    method = where.token_method or where.http_method
    request = flow.token_request(consumer, _required(where, "token"), approved, http_method=method)
    return flow.read_token(_exchange(consumer, approved, request, endpoints, **sending).credentials())


def renew(consumer: Any, endpoints: Any, token: Token, **sending: Any) -> IssuedToken:
    """Return new token credentials in place of *token*, with no person asked (session extension).

    Sends the token's ``session_handle`` to the token request endpoint, or asks the
    endpoint that the service has for it; then the answer need not hold credentials,
    and those of *token* live on.

    Args and errors are those of :func:`finish`.

    Raises:
        ValueError: *token* has no session handle, and *endpoints* no place to renew at.
    """
    where = _endpoints(endpoints)
    if where.renew is None and not getattr(token, "session_handle", None):
        raise ValueError("token: it has no session_handle")
    url = where.renew or _required(where, "token")
    request = flow.renewal_request(consumer, url, token, http_method=where.token_method or where.http_method)
    answer = _exchange(consumer, token, request, endpoints, **sending)
    if where.renew is not None and answer.is_success and not answer.has_credentials:
        return IssuedToken(token.key, token.secret, parameters=getattr(token, "parameters", None))
    return flow.read_token(answer.credentials())


def revoke(consumer: Any, endpoints: Any, token: Token, **sending: Any) -> None:
    """Have the service forget *token*, where it has an endpoint for that.

    Args and errors are those of :func:`finish`.

    Raises:
        ValueError: There is no such endpoint.
    """
    where = _endpoints(endpoints)
    request = Request.from_consumer_and_token(consumer, token, where.http_method, _required(where, "revoke"))
    answer = _exchange(consumer, token, request, endpoints, **sending)
    if not answer.is_success:
        raise refusal(answer.response.status, answer.body, **answer.reason)


def xauth(consumer: Any, endpoints: Any, username: str, password: str, **sending: Any) -> IssuedToken:
    """Return token credentials for a user's password, where the service lets this client do that (xAuth).

    Args and errors are those of :func:`finish`.
    """
    request = flow.xauth_request(consumer, _required(_endpoints(endpoints), "token"), username, password)
    return flow.read_token(_exchange(consumer, None, request, endpoints, **sending).credentials())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    response: Any
    body: bytes
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def is_success(self) -> bool:
        return 200 <= int(self.response.status) < 300

    @property
    def has_credentials(self) -> bool:
        return b"oauth_token_secret" in self.body

    @property
    def reason(self) -> dict[str, Any]:
        return {"authenticate": self.response.get("www-authenticate", ""), "secrets": self.secrets}

    def credentials(self) -> bytes:
        return read_answer(self.response.status, self.body, **self.reason)


def _exchange(
    consumer: Any,
    token: Any,
    request: Request,
    endpoints: Any,
    *,
    signature_method: SignatureMethod | None = None,
    client: Callable[[Any, Any], Client] | None = None,
    headers: Mapping[str, str] | None = None,
) -> _Answer:
    if client is None:
        http = getattr(endpoints, "client", _client)(consumer, token, signature_method=signature_method)
    else:
        http = client(consumer, token)
        if signature_method is not None:
            http.set_signature_method(signature_method)
    http.follow_redirects = False  # no service moves its endpoints about; who tries wants the credentials
    form = request.get_nonoauth_parameters()
    protocol = [pair for pair in request.protocol_pairs() if pair[0] in _OWN]
    uri, body, fields = add_to_query(request.url or "", build_form(protocol)), "", dict(headers or {})
    if form and request.method == "GET":
        uri = add_to_query(uri, build_form(form.items()))
    elif form:
        body, fields["Content-Type"] = build_form(form.items()), FORM
    try:
        response, content = http.request(uri, request.method, body, fields)
    # From None: what these errors hold is the service's, and may be anything.
    except httplib2.error.MalformedHeader:  # httplib2 reads the challenges of a 401 answer, and nothing else
        raise ServiceRefused("The service answered 401, with a challenge that cannot be read.", answered=401) from None
    except (httplib2.error.HttpLib2ErrorWithResponse, HTTPException):
        raise InvalidAnswer("The service's answer is no valid HTTP.") from None
    finally:
        http.close()
    secrets = [getattr(token, name, None) for name in ("key", "secret", "verifier", "session_handle")]
    secrets += [consumer.secret, form.get("x_auth_password")]
    return _Answer(response=response, body=content, secrets=tuple([each for each in secrets if each]))


def _is_awaited(target: str, temporary: Token, listener: Listener) -> bool:
    # Where the path is known beforehand, any page can send the browser there.
    return flow.is_callback(target, temporary) or (listener.has_secret_path and flow.is_unnamed_problem(target))


def _client(consumer: Any, token: Any, *, signature_method: SignatureMethod | None) -> Client:
    client = Client(consumer, token, placement=HEADER, realm=None, body_hash=False, timeout=_HTTP_TIMEOUT)
    if signature_method is not None:
        client.set_signature_method(signature_method)
    return client


def _endpoints(given: Any) -> Endpoints:
    if isinstance(given, Endpoints):
        return given
    if not hasattr(given, "endpoints"):
        raise TypeError("endpoints: Endpoints or a service wanted")
    found: Endpoints = given.endpoints()
    return found


def _required(where: Endpoints, name: str) -> str:
    url: str | None = getattr(where, name)
    if url is None:
        raise ValueError(f"endpoints: no {name}")
    return url
