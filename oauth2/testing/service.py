"""``StrictService``: a provider for tests that verifies and records every request."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from types import TracebackType
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

from ..credentials import Credentials
from ..doctor import Diagnosis, diagnose
from ..errors import Error, NonceUsed, SignatureInvalid, TokenExpired
from ..http import HTTPRequest, HTTPResponse
from ..middleware.asgi import Receive, Scope, Send
from ..provider import Access, Approval, Lifetimes, Provider, RequestPolicy
from ..provider.audit import Event, Refused
from ..signature import base_string_uri
from ..stores import ClientCredentials, MemoryStore, TokenCredentials
from ._accounts import Accounts, Party
from ._exchange import JSON, TEXT, answer_asgi, answer_wsgi, fields_of, origin_of, path_of, refusal_of
from ._fault import Fault
from ._loopback import LoopbackServer
from .arrival import Arrival
from .faults import Faults
from .frozen import FrozenClock

__all__ = ["StrictService"]

_IN_PROCESS = "https://service.example"
_ELSEWHERE = "https://elsewhere.example"
_REQUEST_TOKEN, _AUTHORIZE, _ACCESS_TOKEN = "/oauth/request_token", "/oauth/authorize", "/oauth/access_token"


class StrictService:
    """A service for tests. The service verifies each request as RFC 5849 requires, and records each request.

    The flow of section 2 uses three paths: ``/oauth/request_token``, ``/oauth/authorize`` and ``/oauth/access_token``.
    The page ``/oauth/authorize`` immediately approves the temporary credentials for the user ``jane``. Every other path
    is a protected resource.

    Inside ``with StrictService() as service:``, the service listens on a port of 127.0.0.1. To use the service without
    a port, call :meth:`handle`, or pass :meth:`wsgi` or :meth:`asgi` to a test client.

    Args:
        clock: The clock of the service; None for the clock of this machine.
        policy: The rules for accepted requests; see :class:`~oauth2.provider.RequestPolicy`.
        lifetimes: The lifetimes of credentials; see :class:`~oauth2.provider.Lifetimes`.
        realms: The names of the realms to which tokens give access.
        check_password: A function for xAuth, see :class:`~oauth2.provider.Provider`.
        origin: The scheme and host of all URLs of the service, if the service does not listen on a port.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: *origin* is not scheme and host, or a realm is not valid.

    Attributes:
        requests: The received requests, except requests for the page ``/oauth/authorize``.
        faults: The object with which a test adds faults.
        origin: Scheme, host and port.
    """

    def __init__(
        self,
        *,
        clock: FrozenClock | None = None,
        policy: RequestPolicy | None = None,
        lifetimes: Lifetimes | None = None,
        realms: Iterable[str] = (),
        check_password: Callable[[str, str], str | None] | None = None,
        origin: str = _IN_PROCESS,
    ) -> None:
        if clock is not None and not callable(getattr(clock, "now", None)):
            raise TypeError("clock: must be a FrozenClock or None")
        if policy is not None and not isinstance(policy, RequestPolicy):
            raise TypeError("policy: must be a RequestPolicy or None")
        self.requests: list[Arrival] = []
        self.origin = _checked_origin(origin)
        self._clock, self._policy = clock, policy or RequestPolicy()
        self._accounts = Accounts()
        self._make_provider = partial(
            Provider, policy=self._policy, lifetimes=lifetimes, realms=tuple(realms), check_password=check_password
        )
        self.faults = Faults(self._accounts, self._now)
        self._routes: dict[str, Callable[[Arrival], HTTPResponse]] = {}
        self._server: LoopbackServer | None = None
        self._elsewhere: StrictService | None = None
        self._provider()  # This call raises the errors for wrong arguments.

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.origin}>"

    # --- start and stop ----------------------------------------------------------------

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1. From this call on, :attr:`origin` contains the port."""
        if self._server is None:
            self._server = LoopbackServer(self._answer_on_port)
            self.origin = self._server.origin
            self._server.start()

    def close(self) -> None:
        """Send all delayed responses immediately, and stop listening. A second call has no effect."""
        self.faults.close()
        server, self._server = self._server, None
        if server is not None:
            server.stop()
        if self._elsewhere is not None:
            self._elsewhere.close()

    def __enter__(self) -> StrictService:
        """Start the service."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the service."""
        self.close()

    # --- URLs and responses --------------------------------------------------------------

    def url(self, path: str = "/") -> str:
        """Return the absolute URL of *path*, which starts with a slash."""
        return self.origin + path

    @property
    def request_token_url(self) -> str:
        """The URL of the temporary credential request endpoint (section 2.1)."""
        return self.url(_REQUEST_TOKEN)

    @property
    def authorize_url(self) -> str:
        """The URL of the resource owner authorization endpoint (section 2.2)."""
        return self.url(_AUTHORIZE)

    @property
    def access_token_url(self) -> str:
        """The URL of the token request endpoint (section 2.3)."""
        return self.url(_ACCESS_TOKEN)

    @property
    def elsewhere(self) -> StrictService:
        """A second service on another origin, which records its requests separately.

        A fault can redirect to this service.
        """
        if self._elsewhere is None:
            self._elsewhere = StrictService(clock=self._clock, policy=self._policy, origin=_ELSEWHERE)
            if self._server is not None:
                self._elsewhere.start()
        return self._elsewhere

    def answer(
        self, path: str, content: object = b"ok", *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Set the response to verified requests for *path*. For other paths, the body of the response is ``ok``.

        Args:
            path: The path, percent-encoded, without a query.
            content: The body. Bytes are sent unchanged; any other value is sent as JSON.
            status: HTTP status code.
            headers: Header fields; a Content-Type replaces the default Content-Type.

        Raises:
            TypeError: *content* cannot be sent as JSON.
        """
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        fields = [*(headers or {}).items()]
        if not any(name.lower() == "content-type" for name, _ in fields):
            fields.append(TEXT if isinstance(content, bytes) else JSON)
        response = HTTPResponse(status, fields, body)
        self._routes[path] = lambda _: response

    def answer_with(self, path: str, make: Callable[[Arrival], HTTPResponse]) -> None:
        """Set a function that makes the response to verified requests for *path*."""
        self._routes[path] = make

    # --- credentials -------------------------------------------------------------------

    @property
    def store(self) -> MemoryStore:
        """The store of the service."""
        return self._accounts.store

    def consumer(
        self,
        *,
        callbacks: Sequence[str] = ("oob",),
        two_legged: bool = True,
        xauth: bool = False,
        signature_methods: Iterable[str] | None = None,
        public_key: str | None = None,
    ) -> ClientCredentials:
        """Register a client, and return the client credentials.

        The secret contains characters that must be percent-encoded in the signing key.

        Args:
            callbacks: The callback URLs that the client may use.
            two_legged: Whether the client may send requests without a token.
            xauth: Whether the client may exchange passwords for tokens.
            signature_methods: The names of the signature methods that the client may use; None for all methods.
            public_key: The RSA public key of the client, as text in the PEM format. A client with a public key has no
                secret.

        Raises:
            TypeError: *callbacks* or *signature_methods* is one str.
            ValueError: A callback is not valid.
        """
        return self._accounts.register(
            callbacks=callbacks,
            two_legged=two_legged,
            xauth=xauth,
            signature_methods=signature_methods,
            public_key=public_key,
        )

    def token(
        self,
        consumer: Credentials,
        *,
        user: str = "jane",
        realms: Iterable[str] | None = None,
        lifetime: int | None = None,
    ) -> TokenCredentials:
        """Issue token credentials without the flow of section 2.

        Args:
            consumer: The client that may use the token.
            user: The user who approved the token.
            realms: The realms to which the token gives access; None for all realms of the service.
            lifetime: Lifetime in seconds; None if the token does not expire.
        """
        given = self._provider().realms if realms is None else tuple(realms)
        return self._accounts.issue(consumer, user=user, realms=given, issued_at=int(self._now()), lifetime=lifetime)

    def credentials(self) -> tuple[ClientCredentials, TokenCredentials]:
        """Register a client, and issue token credentials to this client; return both."""
        consumer = self.consumer()
        return consumer, self.token(consumer)

    def approve(self, url: str, *, user: str = "jane") -> Approval:
        """Approve temporary credentials like a user on the page ``/oauth/authorize`` (section 2.2).

        Args:
            url: The URL to which the client sends the user.
            user: The user who approves.

        Returns:
            The verifier, and the URL to which the user is redirected.

        Raises:
            Error: The ``oauth_token`` in *url* was never issued, was approved already, or has expired.
        """
        return self._provider().approve(dict(parse_qsl(url.partition("?")[2])).get("oauth_token", ""), user=user)

    # --- received requests ------------------------------------------------------------------

    @property
    def last(self) -> Arrival:
        """The last received request.

        Raises:
            AssertionError: The service has received no request.
        """
        if not self.requests:
            raise AssertionError("The service received no request.")
        return self.requests[-1]

    def arrived(self, path: str) -> list[Arrival]:
        """Return the received requests for *path*, which must be percent-encoded and without a query."""
        return [each for each in self.requests if each.path == path]

    def assert_verified(self, count: int | None = None) -> None:
        """Raise AssertionError unless the service has received requests and has accepted all requests.

        The error contains the verdict, the proof and the repair of the diagnosis. This method raises no error for a
        refusal that an injected fault causes.

        Args:
            count: Expected number of requests; None for one or more.

        Raises:
            AssertionError: A request was refused, or the number of requests is not *count*.
        """
        __tracebackhide__ = True
        refused = [each for each in self.requests if not each.is_verified and not each.is_refused_by_fault]
        if refused:
            told = "\n".join([each.explanation for each in refused])
            raise AssertionError(f"The service refused {len(refused)} of {len(self.requests)} requests.\n{told}")
        if not self.requests and count is None:
            raise AssertionError("The service received no request.")
        if count not in (None, len(self.requests)):
            raise AssertionError(f"The service received {len(self.requests)} requests, not {count}.")

    # --- responses ---------------------------------------------------------------------

    def handle(self, request: HTTPRequest) -> HTTPResponse:
        """Return the response to *request*, and record the request. The URL of *request* must be absolute."""
        path = path_of(request.url)
        if path == _AUTHORIZE:
            return self._consent(request)
        faults = self.faults.take(path)
        changed = request
        for each in faults:
            changed = each.before(changed) if each.before else changed
        now = int(self._now()) + sum(each.skew for each in faults)
        # If a simulated proxy has changed the URL, the service must verify the changed URL, like a service without a
        # base URL.
        base_url = None if changed.url != request.url else origin_of(request.url)
        party = self._accounts.party(changed)
        error, access, response = self._verify(changed, path, now, base_url)
        arrival = Arrival(
            http_request=changed,
            status=response.status,
            error=error,
            access=access,
            faults=tuple([each.name for each in faults] + [name for name in [party.fault] if name]),
            is_refused_by_fault=_is_by_fault(error, faults, party),
            _diagnose=partial(self._diagnose, changed, party, error, now),
        )
        if error is None:
            response = self._routes[path](arrival) if path in self._routes else response
            for each in faults:
                response = each.after(response) if each.after else response
        self.requests.append(replace(arrival, status=response.status))
        return replace(response, headers=[*fields_of(response.headers), ("Date", formatdate(now, usegmt=True))])

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Return the response to a WSGI request (PEP 3333)."""
        return answer_wsgi(self.handle, environ, start_response)

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response to an ASGI 3 HTTP request.

        The request is handled in a thread, so that the event loop is not blocked.

        Raises:
            ValueError: *scope* is the scope of a websocket or of lifespan events.
        """
        await answer_asgi(self.handle, scope, receive, send)

    def _answer_on_port(self, request: HTTPRequest, _port: int) -> HTTPResponse:
        host = {name.lower(): value for name, value in fields_of(request.headers)}.get("host")
        target = request.url.removeprefix(self.origin)
        return self.handle(replace(request, url=f"http://{host}{target}") if host else request)

    def _now(self) -> float:
        return time.time() if self._clock is None else self._clock.now()

    def _provider(
        self,
        now: int | None = None,
        base_url: str | None = None,
        audit: Callable[[Event], object] | None = None,
    ) -> Provider:
        seconds = self._now if now is None else lambda: float(now)
        try:
            return self._make_provider(self.store, now=seconds, base_url=base_url, audit=audit)
        except ValueError:  # base_url has no valid host. A provider without base_url refuses such a request.
            return self._make_provider(self.store, now=seconds, audit=audit)

    def _verify(
        self, request: HTTPRequest, path: str, now: int, base_url: str | None
    ) -> tuple[Error | None, Access | None, HTTPResponse]:
        events: list[Event] = []
        provider = self._provider(now, base_url, events.append)
        endpoint = {_REQUEST_TOKEN: provider.request_token, _ACCESS_TOKEN: provider.access_token}.get(path)
        if endpoint is not None:
            response = endpoint(request)
            refused = [each for each in events if isinstance(each, Refused)]
            return refusal_of(refused[0]) if refused else None, None, response
        try:
            access = provider.authenticate(request)
        except Error as error:
            return error, None, provider.error_response(error)
        return None, access, HTTPResponse(200, [TEXT], b"ok")

    def _diagnose(self, request: HTTPRequest, party: Party, error: Error | None, now: int) -> Diagnosis:
        return diagnose(
            request,
            party.consumer,
            party.token,
            known=party.known,
            now=now,
            timestamp_threshold=self._policy.timestamp_threshold,
            nonce_used=isinstance(error, NonceUsed),
        )

    def _consent(self, request: HTTPRequest) -> HTTPResponse:
        try:
            approval = self.approve(request.url)
        except Error as error:
            return HTTPResponse(error.status, [TEXT], error.message.encode())
        if approval.url is not None:
            return HTTPResponse(302, [("Location", approval.url), TEXT], b"approved")
        return HTTPResponse(200, [TEXT], approval.verifier.encode())


def _checked_origin(origin: str) -> str:
    try:
        base_string_uri(origin)
    except (TypeError, ValueError):
        raise ValueError("origin: must be scheme and host, such as https://service.example") from None
    return origin.rstrip("/")


def _is_by_fault(error: Error | None, faults: Sequence[Fault], party: Party) -> bool:
    if any(isinstance(error, each.refusals) for each in faults):
        return True
    return party.fault != "" and isinstance(error, TokenExpired | SignatureInvalid)
