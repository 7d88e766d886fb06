"""A provider in Flask: an extension with the endpoints, a decorator for views, and ``current_access``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, wraps
from inspect import iscoroutinefunction, isfunction
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast, overload

from flask import Blueprint, Flask, Response, abort, current_app, redirect, request
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response as BaseResponse

from .._checks import require_max_body, require_prefix
from .._steps import blocking_result
from ..errors import Error
from ..http import HTTPRequest, HTTPResponse
from ..middleware.body import MAX_BODY
from ..middleware.proxies import TrustedProxies
from ..middleware.wsgi import ACCESS, read_request
from ..provider import Access, ApprovalRequest, Provider
from ._consent import NO_ACCESS, PRIVATE, checked_realm, code_line

__all__ = ["OAuth1Provider", "current_access"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Page: TypeAlias = str | BaseResponse

_EXTENSION = "oauth2"
# The attribute of a view that requires a signature. Its value is a tuple with the required realm.
_REQUIRED = "_oauth2_required"
_PUBLIC = "_oauth2_public"  # The attribute of a view that requires no signature.
# A key of the WSGI environ. Its value is the provider that verified the request.
_VERIFIED_BY = "oauth2.flask.verified_by"
# Key: an argument of Provider. Value: the name of its setting in ``app.config``.
_SETTINGS = {name: f"OAUTH2_{name.upper()}" for name in ("base_url", "realm", "realms", "policy", "lifetimes", "audit")}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    """The provider of one application, and the settings for reading its requests."""

    provider: Provider
    proxies: TrustedProxies | None
    max_body: int

    def read(self) -> HTTPRequest:
        """Return the current request; the application can read the body again.

        Raises:
            Error: The URL is malformed, or the body is too large or does not match its Content-Length.
            RuntimeError: The body has been read.
        """
        if "stream" in vars(request) and request.environ.get("CONTENT_LENGTH", "") not in ("", "0"):
            raise RuntimeError("The body was read before the request was verified. Verify the request first.")
        http_request, environ = read_request(request.environ, proxies=self.proxies, max_body=self.max_body)
        request.environ.update(environ)
        return http_request

    def verify(self, realm: str | None) -> Response | None:
        """Verify the current request, at most once. Return the response if the request is refused, otherwise None."""
        environ = request.environ
        try:
            if environ.get(_VERIFIED_BY) is self.provider:
                checked_realm(environ[ACCESS], realm)
            else:
                # In a subclass, the method may be asynchronous and return an awaitable. Without
                # blocking_result(), the awaitable itself would be used as the Access.
                access = blocking_result("provider", self.provider.authenticate(self.read(), realm=realm))
                environ[ACCESS] = access
                environ[_VERIFIED_BY] = self.provider
        except Error as error:
            return _response(self.provider.error_response(error))
        return None


def _current() -> _Settings:
    settings: _Settings | None = current_app.extensions.get(_EXTENSION)
    if settings is None:
        raise RuntimeError("The application has no provider. Call init_app(app) of OAuth1Provider.")
    return settings


class OAuth1Provider:
    """The Flask extension. The extension serves the endpoints of a provider and protects views (sections 2 and 3).

    Args:
        app: The application. None if the program calls :meth:`init_app` later for one or more applications.
        provider: The provider of all applications. None to create a provider from the settings of each application.

    Attributes:
        blueprint: The endpoints ``request_token`` and ``access_token``. :meth:`init_app` registers this blueprint.

    Raises:
        TypeError: An argument has the wrong type; see also :meth:`init_app`.
        ValueError: See :meth:`init_app`.
    """

    def __init__(self, app: Flask | None = None, *, provider: Provider | None = None) -> None:
        if provider is not None and not isinstance(provider, Provider):
            raise TypeError("provider: must be a Provider")
        self._provider = provider
        self._realms: set[str] = set()  # The realms that views require. Each provider must have these realms.
        self._known: frozenset[str] | None = None if provider is None else frozenset(provider.realms)
        self.blueprint = Blueprint("oauth2", __name__)
        self.blueprint.add_url_rule("/request_token", "request_token", _request_token, methods=["GET", "POST"])
        self.blueprint.add_url_rule("/access_token", "access_token", _access_token, methods=["GET", "POST"])
        self.public(_request_token)
        self.public(_access_token)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Serve the endpoints in *app*, and verify the requests for its protected views.

        These settings in ``app.config`` are used:

        * ``OAUTH2_PREFIX``: the path prefix of the endpoints. Defaults to ``/oauth``.
        * ``OAUTH2_MAX_BODY``: the maximum size of a body in bytes.
        * ``OAUTH2_PROXIES``: a :class:`~oauth2.middleware.proxies.TrustedProxies`.
        * ``OAUTH2_STORE``: the store of a new provider. It must be set if the extension was created without a provider.
          ``OAUTH2_BASE_URL``, ``OAUTH2_REALM``, ``OAUTH2_REALMS``, ``OAUTH2_POLICY``, ``OAUTH2_LIFETIMES`` and
          ``OAUTH2_AUDIT`` are the other arguments of the new provider.

        Raises:
            TypeError: A setting has the wrong type.
            ValueError: Neither a provider nor OAUTH2_STORE is given, or both are given; *app* already has a provider; a
                view requires a realm that the provider does not have; or a setting is not valid.
        """
        if _EXTENSION in app.extensions:
            raise ValueError("app: must not have an OAuth1Provider already")
        provider = self._provider_for(app)
        missing = sorted(self._realms - set(provider.realms))
        if missing:
            raise ValueError(f"realm: {missing[0]} must be one of the realms of the provider")
        proxies, max_body = app.config.get("OAUTH2_PROXIES"), app.config.get("OAUTH2_MAX_BODY", MAX_BODY)
        if proxies is not None and not isinstance(proxies, TrustedProxies):
            raise TypeError("OAUTH2_PROXIES: must be a TrustedProxies or None")
        require_max_body("OAUTH2_MAX_BODY", max_body)
        prefix = app.config.get("OAUTH2_PREFIX", "/oauth")
        require_prefix("OAUTH2_PREFIX", prefix)
        app.extensions[_EXTENSION] = _Settings(provider=provider, proxies=proxies, max_body=max_body)
        app.register_blueprint(self.blueprint, url_prefix=prefix or None)
        app.before_request(_verify_if_required)

    @property
    def provider(self) -> Provider:
        """The provider of the current application.

        Raises:
            RuntimeError: There is no current application, or the current application has no provider.
        """
        return _current().provider

    # --- protected views -----------------------------------------------------------

    @overload
    def required(self, view: Callable[_P, _R], /) -> Callable[_P, _R]: ...
    @overload
    def required(self, /, *, realm: str | None = None) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]: ...
    def required(
        self, view: Callable[_P, _R] | None = None, /, *, realm: str | None = None
    ) -> Callable[_P, _R] | Callable[[Callable[_P, _R]], Callable[_P, _R]]:
        """Decorate a view, so that only authenticated requests reach the view (section 3).

        The view finds the :class:`~oauth2.provider.Access` in :data:`current_access`. A refused request gets the
        response of :meth:`~oauth2.provider.Provider.error_response`. The decorator can be
        above or below the decorator of the route.

        Args:
            view: The view, if the decorator is used without parentheses.
            realm: The realm of the view, one of ``realms`` of the provider; None if any token gives access.

        Raises:
            TypeError: *view* is not a function.
            ValueError: *realm* is not one of the realms of the provider. If there is no provider yet, :meth:`init_app`
                raises this error instead.
        """
        self._need(realm)
        if view is None:
            return partial(self._protected, realm)
        return self._protected(realm, view)

    def protect(self, target: Flask | Blueprint, *, realm: str | None = None) -> None:
        """Require a signature for all views of an application or blueprint, except views that :meth:`public` decorates.

        A request without a matching view also needs a signature. If a view has its own realm, this realm is required
        instead of *realm*.

        Args:
            target: The application, or a blueprint that is not registered yet.
            realm: See :meth:`required`.

        Raises:
            TypeError: *target* is neither an application nor a blueprint.
            ValueError: See :meth:`required`.
        """
        if not isinstance(target, (Flask, Blueprint)):
            raise TypeError("target: must be a Flask or a Blueprint")
        self._need(realm)
        target.before_request(partial(_verify_unless_public, realm))

    def public(self, view: Callable[_P, _R]) -> Callable[_P, _R]:
        """Decorate a view that needs no signature, in an application or blueprint that :meth:`protect` protects.

        Raises:
            TypeError: *view* is not a function.
            ValueError: *view* requires a signature.
        """
        if not isfunction(view):  # A bound method cannot have an attribute.
            raise TypeError("view: must be a function")
        if hasattr(view, _REQUIRED):
            raise ValueError("view: must not have both decorators, public() and required()")
        setattr(view, _PUBLIC, True)
        return view

    # --- the consent page, section 2.2 ---------------------------------------------

    def pending(self, token: str) -> ApprovalRequest:
        """Return the request for approval that the consent page shows (section 2.2).

        Args:
            token: The ``oauth_token`` in the URL of the consent page.

        Raises:
            HTTPException: Status 401 if *token* is not waiting for approval; status 503 if the store cannot be read.
        """
        return _or_abort(lambda: self.provider.pending(token))

    def approve(
        self,
        token: str,
        *,
        user: str,
        realms: Iterable[str] | None = None,
        show: Callable[[str], _Page | Awaitable[_Page]] | None = None,
    ) -> Response:
        """Approve temporary credentials, and return the redirect to the client (section 2.2).

        See :meth:`~oauth2.provider.Provider.approve` for the errors that a wrong argument raises.

        Args:
            token: The ``oauth_token`` in the URL of the consent page.
            user: The identifier of the user.
            realms: The realms that the user grants.
            show: A function that takes the verifier and returns a page. This page is the response if the client has no
                callback URL. Like a view, *show* may be a coroutine function. Defaults to a page with one line of text.

        Raises:
            HTTPException: See :meth:`pending`.
            RuntimeError: *show* is a coroutine function, and Flask is installed without its extra ``async``.
        """
        shown = current_app.ensure_sync(show or _code_page)
        approval = _or_abort(lambda: self.provider.approve(token, user=user, realms=realms))
        return _sent_to(approval.url, lambda: shown(approval.verifier))

    def deny(self, token: str, *, show: Callable[[], _Page | Awaitable[_Page]] | None = None) -> Response:
        """Delete temporary credentials that the user does not approve; return the redirect to the client (section 2.2).

        Args:
            token: The ``oauth_token`` in the URL of the consent page.
            show: A function that returns a page. This page is the response if the client has no callback URL. Like a
                view, *show* may be a coroutine function. Defaults to a page with one line of text.

        Raises:
            HTTPException: See :meth:`pending`.
            RuntimeError: See :meth:`approve`.
        """
        shown = current_app.ensure_sync(show or _denied_page)
        url = _or_abort(lambda: self.provider.deny(token))
        return _sent_to(url, shown)

    # --- internal --------------------------------------------------------------------

    def _provider_for(self, app: Flask) -> Provider:
        store: Any = app.config.get("OAUTH2_STORE")
        if (store is None) is (self._provider is None):
            raise ValueError("provider: must be given, or OAUTH2_STORE must be set in app.config; do not use both")
        if self._provider is not None:
            return self._provider
        found = {name: app.config[key] for name, key in _SETTINGS.items() if key in app.config}
        provider = Provider(store, **found)
        self._known = frozenset(provider.realms)
        return provider

    def _need(self, realm: str | None) -> None:
        if realm is None:
            return
        if self._known is not None and realm not in self._known:
            raise ValueError("realm: must be one of the realms of the provider")
        self._realms.add(realm)

    def _protected(self, realm: str | None, view: Callable[_P, _R]) -> Callable[_P, _R]:
        if not callable(view):
            raise TypeError("view: must be a function; pass a realm as realm=")
        if hasattr(view, _PUBLIC):
            raise ValueError("view: must not have both decorators, public() and required()")

        is_coroutine_function = iscoroutinefunction(view)

        @wraps(view)
        def verified(*args: Any, **kwargs: Any) -> Any:
            # If another decorator does not use functools.wraps(), Flask does not find the attribute of the view.
            # Therefore the request is also verified here.
            refused = _current().verify(realm)
            if refused is not None:
                return refused
            return current_app.ensure_sync(view)(*args, **kwargs) if is_coroutine_function else view(*args, **kwargs)

        # The original view also gets the attribute. If this decorator is above the decorator of the route, Flask calls
        # the original view.
        for each in (view, verified):
            with suppress(AttributeError):  # A bound method cannot have an attribute.
                setattr(each, _REQUIRED, (realm,))
        return verified


def _verify_if_required() -> Response | None:
    required = getattr(_view(), _REQUIRED, None)
    if required is None or _calls_no_view():
        return None
    return _current().verify(required[0])


def _verify_unless_public(realm: str | None) -> Response | None:
    view = _view()
    if hasattr(view, _PUBLIC) or _calls_no_view():
        return None
    return _current().verify(getattr(view, _REQUIRED, (realm,))[0])


def _view() -> Callable[..., Any] | None:
    """Return the view of the current request."""
    return current_app.view_functions.get(request.endpoint) if request.endpoint else None


def _calls_no_view() -> bool:
    # Browsers do not sign CORS preflight requests. For such a request, Flask sends the list of allowed methods and
    # calls no view, so no signature is necessary.
    return request.method == "OPTIONS" and getattr(request.url_rule, "provide_automatic_options", False)


def _request_token() -> Response:
    return _issue(_current(), _current().provider.request_token)


def _access_token() -> Response:
    return _issue(_current(), _current().provider.access_token)


def _issue(settings: _Settings, endpoint: Callable[[HTTPRequest], HTTPResponse]) -> Response:
    try:
        return _response(endpoint(settings.read()))
    except Error as error:
        return _response(settings.provider.error_response(error))


def _response(answer: HTTPResponse) -> Response:
    return current_app.response_class(answer.body, answer.status, list(answer.headers))


def _code_page(verifier: str) -> Response:
    return current_app.response_class(code_line(verifier), mimetype="text/plain")


def _denied_page() -> Response:
    return current_app.response_class(NO_ACCESS, mimetype="text/plain")


def _sent_to(url: str | None, show: Callable[[], str | BaseResponse]) -> Response:
    response = current_app.make_response(show() if url is None else redirect(url, 303))
    response.headers.update(PRIVATE)
    return response


def _or_abort(ask: Callable[[], _R]) -> _R:
    try:
        return ask()
    except Error as error:
        return abort(error.status, error.message)


def _access() -> Access:
    try:
        access: Access = request.environ[ACCESS]
    except KeyError:
        raise RuntimeError("The request was not verified. Decorate the view with required().") from None
    return access


#: A proxy for the :class:`~oauth2.provider.Access` of the current request. If the request was not verified,
#: ``bool(current_access)`` is False, and reading an attribute raises RuntimeError.
current_access = cast("Access", LocalProxy(_access))
