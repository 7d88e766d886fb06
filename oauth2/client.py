"""``Client``: an ``httplib2.Http`` that signs every request it sends."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import httplib2

from .clock import Clock
from .encoding import to_unicode
from .exchange import CREDENTIALS, Exchange, Signer, text_of
from .outgoing import BODY, HEADER, ORIGIN, QUERY, Outgoing
from .parameters import FORM
from .signature import SignatureMethod, SignatureMethod_HMAC_SHA1

if TYPE_CHECKING:
    from collections.abc import Mapping

    Answer = tuple[httplib2.Response[Any], bytes]

_OF_A_BODY = ("content-type", "content-length", "transfer-encoding")


class _UnderWay:
    """What a client is sending, for the redirects and the repetitions that it may lead to."""

    __slots__ = ("client", "exchange", "was_sent")

    def __init__(self, client: Client, exchange: Exchange) -> None:
        self.client = client
        self.exchange = exchange
        self.was_sent = False


# httplib2 follows a redirect by calling request() from the inside. That call is
# told from a program's own by what is under way in this thread or task.
_under_way: ContextVar[_UnderWay | None] = ContextVar("oauth2_under_way", default=None)


class Client(httplib2.Http):
    """Sends requests signed with client credentials and, given one, a token.

    It is an ``httplib2.Http``, with all that one can do. Redirects on the same
    origin are signed anew; across origins they are followed without any
    credential; from https to http they are not followed.

    Args:
        consumer: Client credentials: any object with ``key`` and ``secret``.
        token: The same for the token; None or empty for none.
        realm: Of the Authorization header. Unless given, scheme and host of the
            request; None leaves it out; a function makes it of the URL.
        placement: Where the protocol parameters go, always: "header", "query" or
            "body". Unless given: into a form body, into the query of a GET, and
            into the header of any other request.
        body_hash: Send ``oauth_body_hash`` with all that is no form.
        clock: Tells the timestamps, and learns from a service that refuses them.
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
        clock: Clock | None = None,
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
        self.clock = clock or Clock()
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
            return self._redirect(earlier.exchange, to_unicode(uri), method, body, fields, redirections)
        content_type = _field(fields, "content-type")
        if not content_type and method.upper() == "POST" and isinstance(body, (str, bytes, type(None))):
            content_type = FORM
        signer = self._signer(HEADER if force_auth_header else self.placement)
        exchange = Exchange(signer, Outgoing(method, to_unicode(uri), body, content_type))
        return self._send(exchange, fields, redirections, connection_type)

    def _signer(self, placement: str | None) -> Signer:
        return Signer(
            consumer=self.consumer,
            token=self.token,
            signature_method=self.method,
            placement=placement,
            realm=self.realm,
            body_hash=self.body_hash,
            clock=self.clock,
        )

    def _send(self, exchange: Exchange, fields: dict[Any, Any], redirections: int, connection_type: Any) -> Answer:
        while True:
            outgoing = exchange.sign()
            if outgoing.authorization is not None:
                _drop(fields, ("authorization",))
                fields["Authorization"] = outgoing.authorization
            if outgoing.content_type and not _field(fields, "content-type"):
                fields["Content-Type"] = outgoing.content_type
            before = _under_way.set(_UnderWay(self, exchange))
            try:
                answer: Answer = httplib2.Http.request(
                    self,
                    outgoing.uri,
                    method=outgoing.method,
                    body=outgoing.body,
                    headers=fields,
                    redirections=redirections,
                    connection_type=connection_type,
                )
            finally:
                _under_way.reset(before)
            if not _is_to_be_tried_again(exchange, answer):
                return answer

    def _redirect(
        self, earlier: Exchange, location: str, method: str, body: Any, fields: dict[Any, Any], redirections: int
    ) -> Answer:
        # httplib2 gives what it sent, signed. What goes on is what was asked for.
        if body is None:
            _drop(fields, _OF_A_BODY)
        if earlier.leaves(location):
            _drop(fields, CREDENTIALS)
        body = None if body is None else earlier.asked.body
        exchange = earlier.redirected(location, method, body, _field(fields, "content-type"))
        return self._send(exchange, fields, redirections, None)

    def _normalize_headers(self, headers: Any) -> Any:
        # httplib2 takes a value for the template of a regular expression, in which
        # the backslashes of a quoted realm get lost.
        normalized = super()._normalize_headers(headers)  # type: ignore[misc]
        if "Authorization" in headers:
            normalized["authorization"] = headers["Authorization"]
        return normalized

    def _conn_request(self, conn: Any, *args: Any) -> Any:
        under_way = _under_way.get()
        if under_way is not None and under_way.exchange.signer is not None:
            conn = _Connection(conn, under_way)
        # Reads the body, which may come from another request of this client.
        before = _under_way.set(None)
        try:
            return super()._conn_request(conn, *args)  # type: ignore[misc]
        finally:
            _under_way.reset(before)

    def _request(self, conn: Any, host: str, uri: str, request_uri: str, method: str, body: Any, *rest: Any) -> Answer:
        # Called by httplib2.Http.request(). A program may call that itself, to send
        # something without a signature; then a redirect must not get one either.
        under_way = _under_way.get()
        if under_way is not None and under_way.client is self:
            return super()._request(conn, host, uri, request_uri, method, body, *rest)  # type: ignore[misc,no-any-return]
        before = _under_way.set(_UnderWay(self, Exchange(None, Outgoing(method, uri, body))))
        try:
            return super()._request(conn, host, uri, request_uri, method, body, *rest)  # type: ignore[misc,no-any-return]
        finally:
            _under_way.reset(before)


class _Connection:
    """A connection for one request, which httplib2 sends again where a kept connection was closed."""

    def __init__(self, connection: Any, under_way: _UnderWay) -> None:
        self._connection = connection
        self._under_way = under_way

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def request(self, method: str, request_uri: str, body: Any, headers: dict[str, str]) -> None:
        """Send what is signed; what was sent before is signed anew."""
        if self._under_way.was_sent:
            outgoing = self._under_way.exchange.sign()
            request_uri, body = httplib2.urlnorm(outgoing.uri)[2], outgoing.body
            if outgoing.authorization is not None:
                _drop(headers, ("authorization",))
                headers["authorization"] = outgoing.authorization
        self._under_way.was_sent = True
        self._connection.request(method, request_uri, body, headers)


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
        under_way = _under_way.get()
        if value and (under_way is None or under_way.client is not self._client):
            fields = value.partition(b"\r\n\r\n")[0].lower()
            if b"\n-x-permanent-redirect-url:" in b"\n" + fields:
                return None
        return value


def _is_to_be_tried_again(exchange: Exchange, answer: Any) -> bool:
    # Programs replace httplib2.Http.request(), and then the answer may be anything.
    response = answer[0] if isinstance(answer, tuple) else None
    if not isinstance(response, httplib2.Response) or response.previous is not None:
        return False  # what a redirect led to has had its second try
    return exchange.learn(response.status, lambda name: response.get(name.lower()), answer[1])


def _are_credentials(value: Any) -> bool:
    return hasattr(value, "key") and hasattr(value, "secret")


def _name(field: str | bytes) -> str:
    return text_of(field).lower()


def _field(fields: dict[Any, Any], wanted: str) -> str:
    for name, value in fields.items():
        if _name(name) == wanted:
            return text_of(value)
    return ""


def _drop(fields: dict[Any, Any], unwanted: tuple[str, ...]) -> None:
    for name in [name for name in fields if _name(name) in unwanted]:
        del fields[name]
