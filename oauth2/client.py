"""``Client``: an ``httplib2.Http`` that signs every request that it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPConnection
from typing import Any, TypedDict, Unpack

import httplib2

from ._checks import are_credentials
from ._defaults import on_first_use
from ._sending.body import length_of_file
from ._sending.exchange import CREDENTIAL_FIELDS, Exchange
from ._sending.fields import Fields
from ._sending.in_flight import CacheWithoutRedirects, InFlight, SigningConnection, in_flight, set_authorization
from ._sending.outgoing import Outgoing, write_authorization
from ._sending.record import Record
from ._sending.refusals import reporter_of
from ._sending.signer import HEADER, ORIGIN, Placement, Realm, Signer, require_options
from ._wire.form import FORM
from .clients.explanation import Explanation
from .clock import ClientClock, Clock
from .credentials import Credentials
from .encoding import to_unicode
from .signature import SignatureMethod, SignatureMethod_HMAC_SHA1

__all__ = ["Client", "HttpOptions"]

#: A request body: text is sent as UTF-8.
_Body = bytes | bytearray | memoryview | str | Iterable[bytes] | None

_BODY_FIELDS = ("content-type", "content-length", "transfer-encoding")


class HttpOptions(TypedDict, total=False):
    """Keyword arguments of ``httplib2.Http``; see its documentation."""

    cache: Any
    timeout: float | None
    proxy_info: httplib2.ProxyInfo | Callable[..., httplib2.ProxyInfo | None] | None
    ca_certs: str | None
    disable_ssl_certificate_validation: bool
    tls_maximum_version: str | None
    tls_minimum_version: str | None
    decode_limit_hard: int | None
    decode_limit_safe: int | None
    decode_limit_ratio: float | None
    decode_limit_chunk: int | None


class Client(httplib2.Http):
    """Sends requests that are signed with client credentials and, if there is a token, with token credentials.

    This class is a subclass of ``httplib2.Http``. If a redirect does not change the origin of the URL, the client
    signs the new request. If a redirect leads to another origin, the client sends the new request without any
    credentials. A redirect from https to http is not followed.

    Args:
        consumer: Client credentials: any object with ``key`` and ``secret``.
        token: Token credentials; None or a false value if there is no token.
        signature_method: The signature method; defaults to HMAC-SHA1.
        realm: The realm of the Authorization header: text, a function that is called with the URL, or None for no
            realm. Defaults to the scheme and host of the URL.
        placement: The place of the protocol parameters: "header", "query" or "body". With the default None, the place
            is the body if the body is a form. Otherwise the place is the query for a GET, and the header for any other
            HTTP method.
        body_hash: Whether to send ``oauth_body_hash``. If the body is a form, the client never sends
            ``oauth_body_hash``. A GET, HEAD, DELETE or OPTIONS request without a body also has no ``oauth_body_hash``,
            unless the signature method requires it.
        clock: The clock for timestamps. The client corrects this clock if a service refuses a timestamp. Defaults to a
            new :class:`~oauth2.clock.Clock`.
        on_refusal: A function that is called with the :class:`~oauth2.clients.explanation.Explanation` of a refusal,
            before :meth:`request` returns. A refusal is a 401 response, or a 400 or 403 response with an
            ``oauth_problem``. If the function raises an error, :meth:`request` also raises this error.
        **kwargs: Arguments of ``httplib2.Http``, such as ``cache``, ``timeout`` and ``ca_certs``.

    Attributes:
        method: The signature method; call :meth:`set_signature_method` to replace it.

    Raises:
        TypeError: *on_refusal* is not a function.
        ValueError: Another argument is not valid.
    """

    # Programs written for python-oauth2 1.9 define subclasses that do not call this __init__(). The class must
    # therefore have a default for each attribute.
    consumer: Credentials | None = None
    token: Credentials | None = None
    method: SignatureMethod = SignatureMethod_HMAC_SHA1()
    realm: Realm = ORIGIN
    placement: Placement | None = None
    body_hash = True
    clock: ClientClock = on_first_use(lambda client: Clock())
    on_refusal: Callable[[Explanation], object] | None = None
    _guarded_cache: CacheWithoutRedirects | None = None
    _record: Record = on_first_use(lambda client: Record())

    def __init__(
        self,
        consumer: Credentials | None,
        token: Credentials | None = None,
        *,
        signature_method: SignatureMethod | None = None,
        realm: Realm = ORIGIN,
        placement: Placement | None = None,
        body_hash: bool = True,
        clock: ClientClock | None = None,
        on_refusal: Callable[[Explanation], object] | None = None,
        **kwargs: Unpack[HttpOptions],
    ) -> None:
        if consumer is not None and not are_credentials(consumer):
            # The two messages below are equal to those of python-oauth2 1.9, because programs may compare messages.
            raise ValueError("Invalid consumer.")
        if token and not are_credentials(token):
            raise ValueError("Invalid token.")
        self.clock = Clock() if clock is None else clock
        require_options(placement, realm, self.clock)
        reporter_of(on_refusal)  # This call raises TypeError if on_refusal is not a function.
        # A subclass may define on_refusal() as a method. None must not replace this method.
        if on_refusal is not None:
            self.on_refusal = on_refusal
        self.consumer = consumer
        self.token = token
        if signature_method is not None:
            self.set_signature_method(signature_method)
        self.realm = realm
        self.placement = placement
        self.body_hash = body_hash
        super().__init__(**kwargs)

    @property
    def cache(self) -> Any:
        """The cache of ``httplib2.Http``, or None."""
        return self._guarded_cache

    @cache.setter
    def cache(self, cache: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._guarded_cache = CacheWithoutRedirects(self, cache) if cache else None

    def set_signature_method(self, method: SignatureMethod) -> None:
        """Set the signature method for all later requests.

        Raises:
            ValueError: *method* is not a :class:`~oauth2.signature.SignatureMethod`.
        """
        if not isinstance(method, SignatureMethod):
            raise ValueError("Invalid signature method.")  # noqa: TRY004 - python-oauth2 1.9 also raises ValueError
        self.method = method

    def request(
        self,
        uri: str | bytes,
        method: str = "GET",
        body: _Body = b"",
        headers: Mapping[str, Any] | Mapping[bytes, Any] | None = None,
        redirections: int = httplib2.DEFAULT_MAX_REDIRECTS,
        connection_type: Callable[..., HTTPConnection] | None = None,
        force_auth_header: bool = False,
    ) -> tuple[httplib2.Response[Any], bytes]:
        """Sign and send a request; return the response and its body, as ``httplib2.Http`` does.

        Args:
            uri: Absolute http or https URL, with its query.
            method: HTTP request method.
            body: bytes, str (sent as UTF-8), None, an iterable of bytes, or a binary file. A file is sent from its
                current position to its end. If the file is seekable, the client sends a Content-Length. Otherwise the
                client sends the file in chunks.
            headers: A dict of header fields. A Content-Type in *headers* is not changed. If a POST request has no
                Content-Type, and the body is bytes, str or None, the client sends the body as a form.
            redirections: The maximum number of redirects to follow.
            connection_type: The argument *connection_type* of ``httplib2.Http.request``.
            force_auth_header: Whether to put the protocol parameters into the Authorization header, even if the
                placement of this client is different.

        Raises:
            ValueError: *uri* is not an http or https URL, or the secrets would be sent over plain http.
            InsecureRedirect: The service redirected from https to http.
        """
        fields = Fields(dict(headers or {}))
        outer = in_flight.get()
        if outer is not None and outer.client is self:
            return self._redirect(outer.exchange, to_unicode(uri), method, body, fields, redirections)
        content_type = fields.get("Content-Type")
        if not content_type and method.upper() == "POST" and isinstance(body, (str, bytes, type(None))):
            content_type = FORM
        signer = self._signer(HEADER if force_auth_header else self.placement)
        outgoing = Outgoing(method, to_unicode(uri), body, content_type, host=fields.get("Host"))
        return self._send(Exchange(signer, outgoing), fields, redirections, connection_type)

    def explain(self, answer: bytes | str | None = None, *, their_base_string: str | None = None) -> Explanation:
        """Return the possible reasons why the service refused the last request.

        If this thread or task has signed its last request with this client, this method explains that request.
        Otherwise, this method explains the last request that any thread or task has signed with this client. This
        method sends no request. If the service shows a base string that no known mistake produces, this method can take
        up to two seconds.

        Args:
            answer: The body of the response, as bytes or str. Pass *answer* only if the status of the response is not
                400, 401 or 403.
            their_base_string: The signature base string that the service computed, if the response does not contain
                this base string.

        Raises:
            ValueError: No request has been signed yet.
            TypeError: An argument has the wrong type.
        """
        from ._sending.explaining import explain  # The package oauth2.doctor is loaded on first use.

        sent = self._record.current()
        return explain(self._signer(self.placement), sent, answer, their_base_string)

    def _signer(self, placement: Placement | None) -> Signer:
        if self.consumer is None:
            raise ValueError("consumer: must be set before a request is sent")
        return Signer(
            consumer=self.consumer,
            token=self.token,
            signature_method=self.method,
            placement=placement,
            realm=self.realm,
            body_hash=self.body_hash,
            clock=self.clock,
            record=self._record,
            on_refusal=None if self.on_refusal is None else reporter_of(self.on_refusal),
        )

    def _send(
        self, exchange: Exchange, fields: Fields, redirections: int, connection_type: Any
    ) -> tuple[httplib2.Response[Any], bytes]:
        while True:
            signed = exchange.sign()
            _write_back(fields, exchange, signed)
            token = in_flight.set(InFlight(self, exchange))
            try:
                answer: tuple[httplib2.Response[Any], bytes] = httplib2.Http.request(
                    self,
                    signed.uri,
                    method=signed.method,
                    body=signed.body,
                    headers=fields.raw,
                    redirections=redirections,
                    connection_type=connection_type,
                )
            finally:
                in_flight.reset(token)
            if not _is_sent_again(exchange, answer):
                return answer

    def _redirect(
        self, outer: Exchange, location: str, method: str, body: Any, fields: Fields, redirections: int
    ) -> tuple[httplib2.Response[Any], bytes]:
        # httplib2 passes the parts of the signed request to this method. This method must use the unsigned request
        # instead, and sign it with a new nonce.
        if body is None:
            fields.discard(*_BODY_FIELDS)
        if outer.is_other_origin(location):
            # The Host field contains the host of the redirected request. The new request must have the host of its own
            # URL in this field.
            fields.discard(*CREDENTIAL_FIELDS, "host")
        body = None if body is None else outer.asked.body
        content_type, host = fields.get("Content-Type"), fields.get("Host")
        exchange = outer.redirected(location, method, body, content_type, host=host)
        return self._send(exchange, fields, redirections, None)

    def _normalize_headers(self, headers: Any) -> Any:
        # httplib2 passes the value of each header field as the replacement text to re.sub(), which removes the
        # backslashes of a quoted realm. Therefore this method restores the original value. A program may override this
        # method to rename the Authorization field.
        normalized = super()._normalize_headers(headers)  # type: ignore[misc]
        if authorization := Fields(headers).get("Authorization"):
            set_authorization(normalized, authorization)
        return normalized

    def _conn_request(self, conn: Any, *args: Any) -> Any:
        sending = in_flight.get()
        if sending is not None and sending.exchange.signer is not None:
            conn = SigningConnection(conn, sending)
        # super()._conn_request() also reads the body. If the body is a generator, the generator may send its own
        # request with this client. If in_flight still contained the first request, the request of the generator would
        # be treated as a redirect of the first request.
        token = in_flight.set(None)
        try:
            return super()._conn_request(conn, *args)  # type: ignore[misc]
        finally:
            in_flight.reset(token)

    def _request(self, conn: Any, host: str, uri: str, request_uri: str, method: str, body: Any, *rest: Any) -> Any:
        # httplib2.Http.request() calls this method. To send a request without a signature, a program may call
        # httplib2.Http.request() directly. If the service redirects this request, the new request must not be signed.
        sending = in_flight.get()
        if sending is not None and sending.client is self:
            return super()._request(conn, host, uri, request_uri, method, body, *rest)  # type: ignore[misc]
        token = in_flight.set(InFlight(self, Exchange(None, Outgoing(method, uri, body))))
        try:
            return super()._request(conn, host, uri, request_uri, method, body, *rest)  # type: ignore[misc]
        finally:
            in_flight.reset(token)


def _write_back(fields: Fields, exchange: Exchange, signed: Outgoing) -> None:
    if signed.body is not exchange.asked.body:
        fields.discard("content-length")  # Signing changed the body, so the length is no longer right.
    write_authorization(fields, signed)
    length = length_of_file(signed.body)
    if length is not None and not (fields.get("content-length") or fields.get("transfer-encoding")):
        fields["Content-Length"] = str(length)  # Without a Content-Length, http.client would send the file in chunks.


def _is_sent_again(exchange: Exchange, answer: Any) -> bool:
    # A program may replace httplib2.Http.request(), so *answer* can be of any type.
    response = answer[0] if isinstance(answer, tuple) else None
    if not isinstance(response, httplib2.Response) or response.previous is not None:
        return False  # A redirect was followed, and _redirect() has already processed this response.
    return exchange.answered(response.status, lambda name: response.get(name.lower()), answer[1])
