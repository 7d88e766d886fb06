"""A provider in FastAPI: a dependency that verifies requests, an OpenAPI security scheme, and the endpoints."""

# This module must not use "from __future__ import annotations". FastAPI reads the annotations of
# AccessDependency.__call__(), and FastAPI 0.115 cannot resolve annotations that are text.

from collections.abc import Awaitable, Callable, Iterable
from inspect import iscoroutinefunction
from typing import Any, ParamSpec, TypeVar

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.openapi.models import HTTPBase
from fastapi.responses import PlainTextResponse, RedirectResponse
from fastapi.security.base import SecurityBase
from starlette.concurrency import run_in_threadpool

from .._checks import require_max_body, require_prefix
from .._steps import is_awaitable
from ..errors import Error
from ..http import HTTPRequest, HTTPResponse
from ..middleware.asgi import ACCESS, read_request
from ..middleware.body import MAX_BODY
from ..middleware.proxies import TrustedProxies
from ..provider import Access, Approval, ApprovalRequest, AsyncProvider, Provider
from ._consent import NO_ACCESS, PRIVATE, checked_realm, code_line
from ._replay import Replaying, connected, replay_of

__all__ = ["AccessDependency", "AccessRefused", "OAuth1Provider", "access_refused"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

# A key of the ASGI scope. Its value is the provider that verified the request.
_VERIFIED_BY = "oauth2.fastapi.verified_by"
_DESCRIPTION = (
    "OAuth 1.0a (RFC 5849): each request is signed. The signature is in the Authorization header, the query or a form."
)


class AccessRefused(HTTPException):
    """The exception for a refused request (section 3.2).

    Args:
        error: The reason.
        response: The response of :meth:`~oauth2.provider.Provider.error_response`.

    Attributes:
        response: The response.
    """

    def __init__(self, error: Error, response: HTTPResponse) -> None:
        # FastAPI uses these headers only if the application does not have the handler access_refused().
        headers = {name: value for name, value in response.headers if not name.lower().startswith("content-")}
        super().__init__(error.status, error.message, headers)
        self.response = response


async def access_refused(request: Request, refused: Exception) -> Response:
    """Return the response for an :class:`AccessRefused`. This function is a handler for ``app.add_exception_handler``.

    Raises:
        Exception: *refused* is not an AccessRefused.
    """
    if not isinstance(refused, AccessRefused):
        raise refused
    return _response(request, refused.response)


class OAuth1Provider:
    """A provider in a FastAPI application (sections 2 and 3).

    The methods of a :class:`~oauth2.provider.Provider` are called in threads. The methods of an
    :class:`~oauth2.provider.AsyncProvider` are called in the event loop.

    Args:
        provider: The provider.
        prefix: The path prefix of the endpoints ``request_token`` and ``access_token``.
        proxies: The proxies whose headers are trusted; None to trust no proxy.
        max_body: The maximum size of the body of a signed request in bytes.

    Attributes:
        router: The endpoints, which :meth:`install` includes.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: *prefix* is not a path, or *max_body* is negative.
    """

    def __init__(
        self,
        provider: Provider | AsyncProvider,
        *,
        prefix: str = "/oauth",
        proxies: TrustedProxies | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        if not isinstance(provider, (Provider, AsyncProvider)):
            raise TypeError("provider: must be a Provider or an AsyncProvider")
        require_prefix("prefix", prefix)
        require_max_body("max_body", max_body)
        if proxies is not None and not isinstance(proxies, TrustedProxies):
            raise TypeError("proxies: must be a TrustedProxies or None")
        self._provider = provider
        self._proxies = proxies
        self._max_body = max_body
        self._dependencies: dict[str | None, AccessDependency] = {}
        self.router = self._routes(prefix)

    def install(self, app: FastAPI) -> None:
        """Serve the endpoints in *app*, store the bodies of its requests for the verification, and handle refusals.

        An application that is mounted in *app* can also use :meth:`access`. The mounted application must call
        ``add_exception_handler(AccessRefused, access_refused)``; otherwise the body of a refusal is JSON.

        Raises:
            TypeError: *app* is not a FastAPI.
            RuntimeError: *app* has been started.
        """
        if not isinstance(app, FastAPI):
            raise TypeError("app: must be a FastAPI")
        app.add_middleware(Replaying, max_body=self._max_body)
        app.add_exception_handler(AccessRefused, access_refused)
        app.include_router(self.router)

    @property
    def provider(self) -> Provider | AsyncProvider:
        """The provider."""
        return self._provider

    # --- protected routes ------------------------------------------------------------

    def access(self, realm: str | None = None) -> "AccessDependency":
        """Return a dependency for annotations such as ``Annotated[Access, Depends(oauth.access("photos"))]``.

        Two calls with the same realm return the same object, which ``app.dependency_overrides`` can replace in tests.

        Args:
            realm: The realm of the route, one of ``realms`` of the provider; None if any token gives access.

        Raises:
            ValueError: *realm* is not one of the realms of the provider.
        """
        if realm is not None and realm not in self._provider.realms:
            raise ValueError("realm: must be one of the realms of the provider")
        return self._dependencies.setdefault(realm, AccessDependency(self, realm))

    async def authenticate(self, request: Request, realm: str | None = None) -> Access:
        """Verify *request* (section 3) if it is not verified yet. Use this method in code that is not a dependency.

        Args:
            request: The request. The application can read the body of the request before and after this call.
            realm: See :meth:`access`.

        Raises:
            AccessRefused: The request is refused.
            ValueError: *realm* is not one of the realms of the provider.
            RuntimeError: :meth:`install` was not called.
        """
        scope = request.scope
        try:
            if scope.get(_VERIFIED_BY) is self._provider:
                return checked_realm(scope[ACCESS], realm)
            receive = replay_of(scope).body_reader()
            http_request, _ = await read_request(scope, receive, proxies=self._proxies, max_body=self._max_body)
            access: Access = await _call(self._provider.authenticate, http_request, realm=realm)
        except Error as error:
            raise AccessRefused(error, await _call(self._provider.error_response, error)) from None
        scope.update({ACCESS: access, _VERIFIED_BY: self._provider})
        return access

    # --- the consent page, section 2.2 -----------------------------------------------

    async def pending(self, token: str) -> ApprovalRequest:
        """Return the request for approval that the consent page shows (section 2.2).

        Args:
            token: The ``oauth_token`` in the URL of the consent page.

        Raises:
            HTTPException: Status 401 if *token* is not waiting for approval; status 503 if the store cannot be read.
        """
        found: ApprovalRequest = await _call_or_raise(self._provider.pending, token)
        return found

    async def approve(
        self,
        token: str,
        *,
        user: str,
        realms: Iterable[str] | None = None,
        show: Callable[[str], Response | Awaitable[Response]] | None = None,
    ) -> Response:
        """Call :meth:`~oauth2.provider.Provider.approve`, and return the redirect to the client.

        Args:
            token: The ``oauth_token`` in the URL of the consent page.
            user: The identifier of the user. ``Provider.approve`` describes *user*, *realms* and further exceptions.
            realms: The realms that the user grants.
            show: A function or coroutine function that takes the verifier and returns a page. This page is the response
                if the client has no callback URL. Defaults to a page with one line of text.

        Raises:
            HTTPException: See :meth:`pending`.
        """
        approval: Approval = await _call_or_raise(self._provider.approve, token, user=user, realms=realms)
        return await _sent_to(approval.url, show or _code_page, approval.verifier)

    async def deny(self, token: str, *, show: Callable[[], Response | Awaitable[Response]] | None = None) -> Response:
        """Call :meth:`~oauth2.provider.Provider.deny`, and return the redirect to the client.

        Args:
            token: The ``oauth_token`` in the URL of the consent page.
            show: A function or coroutine function that returns a page. This page is the response if the client has no
                callback URL. Defaults to a page with one line of text.

        Raises:
            HTTPException: See :meth:`pending`.
        """
        url: str | None = await _call_or_raise(self._provider.deny, token)
        return await _sent_to(url, show or _denied_page)

    # --- internal ----------------------------------------------------------------------

    def _routes(self, prefix: str) -> APIRouter:
        router = APIRouter(prefix=prefix, tags=["OAuth 1.0a"])

        async def request_token(request: Request) -> Response:
            """Issue temporary credentials (RFC 5849 section 2.1)."""
            return await self._issue(request, self._provider.request_token)

        async def access_token(request: Request) -> Response:
            """Issue token credentials (RFC 5849 section 2.3)."""
            return await self._issue(request, self._provider.access_token)

        for endpoint in (request_token, access_token):
            # Section 2.1 requires POST, but some clients send GET. The OpenAPI document does not show GET.
            path = f"/{endpoint.__name__}"
            router.add_api_route(path, endpoint, methods=["POST"], response_class=PlainTextResponse)
            router.add_api_route(path, endpoint, methods=["GET"], include_in_schema=False)
        return router

    async def _issue(
        self, request: Request, endpoint: Callable[[HTTPRequest], HTTPResponse | Awaitable[HTTPResponse]]
    ) -> Response:
        receive = connected(request.receive)
        try:
            http_request, _ = await read_request(request.scope, receive, proxies=self._proxies, max_body=self._max_body)
            response = await _call(endpoint, http_request)
        except Error as error:
            response = await _call(self._provider.error_response, error)
        return _response(request, response)


class AccessDependency(SecurityBase):
    """A dependency that verifies the request and returns its :class:`~oauth2.provider.Access`.

    :meth:`OAuth1Provider.access` creates this object. The OpenAPI document contains the security scheme ``OAuth1`` for
    this object.
    """

    def __init__(self, oauth: OAuth1Provider, realm: str | None) -> None:
        self.model = HTTPBase(scheme="OAuth", description=_DESCRIPTION)
        self.scheme_name = "OAuth1"
        self._oauth = oauth
        self._realm = realm

    async def __call__(self, request: Request) -> Access:
        """Verify *request*; see :meth:`OAuth1Provider.authenticate`.

        Raises:
            AccessRefused: The request is refused.
        """
        return await self._oauth.authenticate(request, self._realm)


async def _call(method: Callable[..., Any], *args: Any, **options: Any) -> Any:
    if iscoroutinefunction(method):
        return await method(*args, **options)
    # The method may wait for the store. In a thread, it does not block the event loop.
    result = await run_in_threadpool(method, *args, **options)
    # In a subclass, the method may be an ordinary function that returns an awaitable. Without
    # this line, the awaitable itself would be used as the Access.
    return await result if is_awaitable(result) else result


async def _call_or_raise(method: Callable[..., Any], *args: Any, **options: Any) -> Any:
    try:
        return await _call(method, *args, **options)
    except Error as error:
        raise HTTPException(error.status, error.message) from None


def _response(request: Request, answer: HTTPResponse) -> Response:
    body = b"" if request.method == "HEAD" else answer.body
    return Response(body, answer.status, dict(answer.headers))


async def _sent_to(url: str | None, show: Callable[..., Response | Awaitable[Response]], *shown: str) -> Response:
    page: Any = show(*shown) if url is None else RedirectResponse(url, 303)
    response: Response = await page if is_awaitable(page) else page
    response.headers.update(PRIVATE)
    return response


def _code_page(verifier: str) -> Response:
    return PlainTextResponse(code_line(verifier))


def _denied_page() -> Response:
    return PlainTextResponse(NO_ACCESS)
