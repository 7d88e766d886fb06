"""``Client``: an ``httplib2.Http`` that signs every request it sends."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httplib2

from .encoding import to_unicode
from .errors import InsecureRedirect, InvalidAnswer
from .outgoing import BODY, HEADER, ORIGIN, QUERY, Outgoing, origin, sign_outgoing, take_protocol, without_credentials
from .parameters import FORM, add_to_query, build_form
from .signature import SignatureMethod, SignatureMethod_HMAC_SHA1

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Answer = tuple[httplib2.Response[Any], bytes]

_CREDENTIALS = ("authorization", "cookie", "proxy-authorization")
_OF_A_BODY = ("content-type", "content-length", "transfer-encoding")


@dataclass(frozen=True, slots=True)
class _Exchange:
    """What is under way, for the redirects that it may lead to."""

    client: Client
    asked: Outgoing  # as it was before it was signed
    placement: str | None
    signed: bool
    names: frozenset[str] = frozenset()  # of the protocol parameters it was signed with
    start: int | None = None  # where a body that is a file begins


# httplib2 follows a redirect by calling request() from the inside. That call is
# told from a program's own by what is under way in this thread or task.
_under_way: ContextVar[_Exchange | None] = ContextVar("oauth2_exchange", default=None)


class Client(httplib2.Http):
    """Sends requests signed with client credentials and, given one, a token.

    It is an ``httplib2.Http``, with all that one can do. Redirects on the same
    origin are signed anew; across origins they are followed without any
    credential; from https to http they are not followed.

    Args:
        consumer: Client credentials: any object with ``key`` and ``secret``.
        token: The same for the token; None or empty for none.
        realm: Of the Authorization header. Unless given, scheme and host of the
            request; None leaves it out.
        placement: Where the protocol parameters go, always: "header", "query" or
            "body". Unless given: into a form body, into the query of a GET, and
            into the header of any other request.
        body_hash: Send ``oauth_body_hash`` with all that is no form.
        **kwargs: For ``httplib2.Http``: ``cache``, ``timeout``, ``ca_certs`` ...

    Attributes:
        method: The signature method: HMAC-SHA1 until :meth:`set_signature_method`.

    Raises:
        ValueError: An argument is nothing of the above.
    """

    def __init__(
        self,
        consumer: Any,
        token: Any = None,
        *,
        realm: Any = ORIGIN,
        placement: str | None = None,
        body_hash: bool = True,
        **kwargs: Any,
    ) -> None:
        if consumer is not None and not _are_credentials(consumer):
            raise ValueError("Invalid consumer.")
        if token and not _are_credentials(token):
            raise ValueError("Invalid token.")
        if placement not in (None, HEADER, QUERY, BODY):
            raise ValueError('placement: "header", "query", "body" or None wanted')
        self.consumer = consumer
        self.token = token
        self.method: SignatureMethod = SignatureMethod_HMAC_SHA1()
        self.realm = realm
        self.placement = placement
        self.body_hash = body_hash
        super().__init__(**kwargs)
        if self.cache:
            self.cache = _Cache(self, self.cache)  # type: ignore[assignment]

    def set_signature_method(self, method: SignatureMethod) -> None:
        """Sign with *method* from now on.

        Raises:
            ValueError: It is no :class:`~oauth2.signature.SignatureMethod`.
        """
        if not isinstance(method, SignatureMethod):
            raise ValueError("Invalid signature method.")  # noqa: TRY004 - as 1.9
        self.method = method

    def request(
        self,
        uri: str | bytes,
        method: str = "GET",
        body: Any = b"",
        headers: Mapping[Any, Any] | None = None,
        redirections: int = httplib2.DEFAULT_MAX_REDIRECTS,
        connection_type: Any = None,
        force_auth_header: bool = False,
    ) -> Answer:
        """Sign and send a request; return the response and its body, as ``httplib2.Http`` does.

        Args:
            uri: Absolute http or https URL, with its query.
            method: HTTP request method.
            body: bytes, str (sent as UTF-8), None, or a binary file.
            headers: Header fields by name. Their Content-Type is kept as it is;
                a POST without one is sent as a form.
            redirections: How many redirects to follow.
            connection_type: As in httplib2.
            force_auth_header: Put the protocol parameters into the header.

        Raises:
            ValueError: The URI is no http or https URL, or the secrets would be
                sent over plain http.
            InsecureRedirect: The service redirected from https to http.
        """
        fields = dict(headers or {})
        earlier = _under_way.get()
        if earlier is not None and earlier.client is self:
            return self._redirect(earlier, to_unicode(uri), method, body, fields, redirections)
        content_type = _field(fields, "content-type")
        if not content_type and method.upper() == "POST" and isinstance(body, (str, bytes, type(None))):
            content_type = FORM
        asked = Outgoing(method, to_unicode(uri), body, content_type)
        placement = HEADER if force_auth_header else self.placement
        return self._sign_and_send(asked, placement, fields, redirections, connection_type)

    def _sign_and_send(
        self, asked: Outgoing, placement: str | None, fields: dict[Any, Any], redirections: int, connection_type: Any
    ) -> Answer:
        start = _position(asked.body)
        signed = sign_outgoing(
            asked,
            self.consumer,
            self.token,
            self.method,
            placement=placement,
            realm=self.realm,
            body_hash=self.body_hash,
        )
        if signed.authorization is not None:
            _drop(fields, ("authorization",))
            fields["Authorization"] = signed.authorization
        if signed.content_type and not _field(fields, "content-type"):
            fields["Content-Type"] = signed.content_type
        exchange = _Exchange(self, asked, placement, True, signed.protocol, start)
        return self._send(signed, exchange, fields, redirections, connection_type)

    def _send(
        self, outgoing: Outgoing, exchange: _Exchange, fields: dict[Any, Any], redirections: int, connection_type: Any
    ) -> Answer:
        with _remembered(exchange):
            answer: Answer = httplib2.Http.request(
                self,
                outgoing.uri,
                method=outgoing.method,
                body=outgoing.body,
                headers=fields,
                redirections=redirections,
                connection_type=connection_type,
            )
        return answer

    def _redirect(
        self, earlier: _Exchange, location: str, method: str, body: Any, fields: dict[Any, Any], redirections: int
    ) -> Answer:
        # httplib2 gives what it sent, signed. What goes on is what was asked for.
        before, after = origin(earlier.asked.uri), origin(location)
        if before.startswith("https:") and not after.startswith("https:"):
            raise InsecureRedirect("The service redirected from https to http.")
        if body is None:
            _drop(fields, _OF_A_BODY)
        elif earlier.start is not None:
            earlier.asked.body.seek(earlier.start)
        elif _is_read_once(earlier.asked.body):
            raise InvalidAnswer("The service redirected a request whose body can be sent only once.")
        uri, _ = take_protocol(location, earlier.names)
        asked = Outgoing(method, uri, None if body is None else earlier.asked.body, _field(fields, "content-type"))
        if earlier.signed and before == after:
            _, own = take_protocol(earlier.asked.uri)
            asked = replace(asked, uri=add_to_query(uri, build_form(own)))
            return self._sign_and_send(asked, earlier.placement, fields, redirections, None)
        if before != after:
            _drop(fields, _CREDENTIALS)
            asked = without_credentials(asked)
        return self._send(asked, replace(earlier, asked=asked, signed=False), fields, redirections, None)

    def _normalize_headers(self, headers: Any) -> Any:
        # httplib2 takes a value for the template of a regular expression, in which
        # the backslashes of a quoted realm get lost.
        normalized = super()._normalize_headers(headers)  # type: ignore[misc]
        if "Authorization" in headers:
            normalized["authorization"] = headers["Authorization"]
        return normalized

    def _conn_request(self, *args: Any, **kwargs: Any) -> Any:
        # Reads the body, which may come from another request of this client.
        with _remembered(None):
            return super()._conn_request(*args, **kwargs)  # type: ignore[misc]

    def _request(self, conn: Any, host: str, uri: str, request_uri: str, method: str, body: Any, *rest: Any) -> Answer:
        # Called by httplib2.Http.request(). A program may call that itself, to send
        # something without a signature; then a redirect must not get one either.
        exchange = _under_way.get()
        if exchange is None or exchange.client is not self:
            exchange = _Exchange(self, Outgoing(method, uri, body), None, False, start=_position(body))
        with _remembered(exchange):
            answer: Answer = super()._request(conn, host, uri, request_uri, method, body, *rest)  # type: ignore[misc]
        return answer


class _Cache:
    """A client's cache, which knows of no redirect while nothing of that client is under way.

    httplib2 follows a redirect from its cache before :meth:`Client._request` is called;
    one that follows an unsigned request would get a signature.
    """

    def __init__(self, client: Client, cache: Any) -> None:
        self._client = client
        self._cache = cache
        self.set = cache.set
        self.delete = cache.delete

    def get(self, key: str) -> Any:
        """Return what is kept for *key*."""
        value = self._cache.get(key)
        exchange = _under_way.get()
        if value and (exchange is None or exchange.client is not self._client):
            fields = value.partition(b"\r\n\r\n")[0].lower()
            if b"\n-x-permanent-redirect-url:" in b"\n" + fields:
                return None
        return value


@contextmanager
def _remembered(exchange: _Exchange | None) -> Iterator[None]:
    before = _under_way.set(exchange)
    try:
        yield
    finally:
        _under_way.reset(before)


def _are_credentials(value: Any) -> bool:
    return hasattr(value, "key") and hasattr(value, "secret")


def _position(body: Any) -> int | None:
    try:
        return int(body.tell())
    except (AttributeError, OSError):  # no file, or a pipe
        return None


def _is_read_once(body: Any) -> bool:
    return hasattr(body, "__next__") or hasattr(body, "read")


def _name(field: str | bytes) -> str:
    return (field.decode("latin-1") if isinstance(field, bytes) else field).lower()


def _field(fields: dict[Any, Any], wanted: str) -> str:
    for name, value in fields.items():
        if _name(name) == wanted:
            return value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return ""


def _drop(fields: dict[Any, Any], unwanted: tuple[str, ...]) -> None:
    for name in [name for name in fields if _name(name) in unwanted]:
        del fields[name]
