"""The base classes of the WSGI middleware and of the ASGI middleware, with their constructors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .._checks import require_max_body
from ..provider import AsyncProvider, Provider
from ._routes import Paths, covers, endpoints_of, known_realm
from .body import MAX_BODY
from .proxies import TrustedProxies

_App = TypeVar("_App")
_AnyProvider = TypeVar("_AnyProvider", bound=Provider | AsyncProvider)


class BaseCredentialEndpoints(Generic[_App, _AnyProvider]):
    """The base class of ``CredentialEndpoints``. It has the constructor; a subclass implements ``__call__()``.

    The endpoints are ``request_token`` and ``access_token`` below *prefix*. The application must provide the page on
    which users approve clients.
    """

    # This function is called with a method of the provider. It returns the function that the middleware calls instead.
    _called: Callable[[Callable[..., Any]], Callable[..., Any]]

    def __init__(
        self,
        app: _App | None = None,
        *,
        provider: _AnyProvider,
        prefix: str = "/oauth",
        proxies: TrustedProxies | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        """Check and store the arguments.

        Args:
            app: The application that receives each request that is not for an endpoint. If *app* is None, the response
                to these requests has the status 404.
            provider: The provider whose endpoints are served.
            prefix: The path prefix of the endpoints, relative to the path at which this middleware is mounted.
            proxies: The proxies whose headers are trusted; None to trust no proxy.
            max_body: The maximum size of a body in bytes.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: *prefix* is not a path, or *max_body* is negative.
        """
        _check_arguments(provider, proxies, max_body)
        self._app = app
        endpoints = endpoints_of(provider, prefix)
        self._endpoints = {path: self._called(endpoint) for path, endpoint in endpoints.items()}
        self._error_response = self._called(provider.error_response)
        self._proxies = proxies
        self._max_body = max_body


class BaseProtected(Generic[_App, _AnyProvider]):
    """The base class of ``Protected``. It has the constructor; a subclass implements ``__call__()``.

    The application receives :class:`~oauth2.provider.Access`, and can read the unchanged body. A request can be
    verified only once, so protect each path with only one ``Protected``.
    """

    # This function is called with a method of the provider. It returns the function that the middleware calls instead.
    _called: Callable[[Callable[..., Any]], Callable[..., Any]]

    def __init__(
        self,
        app: _App,
        *,
        provider: _AnyProvider,
        realm: str | None = None,
        paths: Paths = None,
        proxies: TrustedProxies | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        """Check and store the arguments.

        Args:
            app: The application.
            provider: The provider that verifies the requests.
            realm: The realm of the application, one of ``realms`` of the provider; None if every valid token gives
                access.
            paths: The protected paths; None for all paths. *paths* is a list, or a function that is called with a
                decoded path and returns True if the path is protected. A path in the list also protects all paths below
                it, and all paths that contain it after a prefix: ``/api`` also protects ``/api/photos`` and
                ``/v1/api``. Requests for paths that are not protected are passed to the application without
                verification and without ``Access``. It is safer to mount a protected application at a separate path
                than to use *paths*, because not all frameworks interpret unusual paths in the same way.
            proxies: The proxies whose headers are trusted; None to trust no proxy.
            max_body: The maximum size of a body in bytes. Larger bodies are refused, because the middleware reads each
                body into memory.

        Raises:
            TypeError: An argument has the wrong type; for example *paths* is one str.
            ValueError: One of *paths* does not start with a slash, *realm* is not one of
                the provider's realms, or *max_body* is negative.
        """
        _check_arguments(provider, proxies, max_body)
        self._app = app
        self._authenticate = self._called(provider.authenticate)
        self._error_response = self._called(provider.error_response)
        self._realm = known_realm(provider, realm)
        self._covers = covers(paths)
        self._proxies = proxies
        self._max_body = max_body


def _check_arguments(provider: Provider | AsyncProvider, proxies: TrustedProxies | None, max_body: int) -> None:
    if isinstance(provider, type) or not hasattr(provider, "authenticate"):
        raise TypeError("provider: must be a Provider")
    if proxies is not None and (isinstance(proxies, type) or not hasattr(proxies, "origin")):
        raise TypeError("proxies: must be a TrustedProxies or None")
    require_max_body("max_body", max_body)
