"""``oauth_required``: a decorator for views that accept only signed requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, overload

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from ...errors import Error, PermissionDenied
from ...provider import Access
from .configuration import database, known_realm, max_body, provider
from .received import django_response, read

__all__ = ["OAuthDecorator", "SignedRequest", "oauth_required", "refusal_of", "verify"]

_P = ParamSpec("_P")


class SignedRequest(HttpRequest):
    """The type of the request in a view that :func:`oauth_required` decorates, for annotations.

    Attributes:
        oauth: The client, the token, the user and the parameters that were signed.
    """

    oauth: Access


class OAuthDecorator(Protocol):
    """A decorator for views that are functions or coroutine functions."""

    @overload
    def __call__(
        self, view: Callable[Concatenate[SignedRequest, _P], HttpResponseBase], /
    ) -> Callable[Concatenate[HttpRequest, _P], HttpResponseBase]: ...
    @overload
    def __call__(
        self, view: Callable[Concatenate[SignedRequest, _P], Awaitable[HttpResponseBase]], /
    ) -> Callable[Concatenate[HttpRequest, _P], Awaitable[HttpResponseBase]]: ...


@overload
def oauth_required(
    view: Callable[Concatenate[SignedRequest, _P], HttpResponseBase], /
) -> Callable[Concatenate[HttpRequest, _P], HttpResponseBase]: ...
@overload
def oauth_required(
    view: Callable[Concatenate[SignedRequest, _P], Awaitable[HttpResponseBase]], /
) -> Callable[Concatenate[HttpRequest, _P], Awaitable[HttpResponseBase]]: ...
@overload
def oauth_required(*, realm: str | None = None) -> OAuthDecorator: ...
def oauth_required(view: Callable[..., Any] | None = None, /, *, realm: str | None = None) -> object:
    """Decorate a view, so that only signed requests reach the view (section 3).

    The view finds the :class:`~oauth2.provider.Access` in ``request.oauth``, and the user who approved the client in
    ``request.user``. A refused request gets the response of :meth:`~oauth2.provider.Provider.error_response`. The view
    is exempt from the CSRF check, because a browser cannot sign a forged request. With ``ATOMIC_REQUESTS``, the request
    is verified before the transaction begins.

    Args:
        view: The view, if the decorator is used without parentheses. The view may be a coroutine function, or the
            result of ``as_view()``.
        realm: The realm of the view, one of ``OAUTH2_REALMS``; None if any token gives access.

    Raises:
        TypeError: *view* is not callable.
        ValueError: *realm* is not one of ``OAUTH2_REALMS``.
    """
    known_realm(realm)

    def decorated(view: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(view):
            raise TypeError("view: must be a function; pass a realm as realm=")
        protected = _protected_coroutine(view, realm) if iscoroutinefunction(view) else _protected(view, realm)
        protected.csrf_exempt = True  # type: ignore[attr-defined]  # read by CsrfViewMiddleware
        # LoginRequiredMiddleware must not ask a client to log in, because a client has no session.
        return login_not_required(protected)

    return decorated if view is None else decorated(view)


def verify(request: HttpRequest, realm: str | None = None) -> Access:
    """Verify *request* (section 3) if it is not verified yet, and set ``request.oauth`` and ``request.user``.

    Args:
        request: The request. The view can read its body afterwards.
        realm: See :func:`oauth_required`.

    Raises:
        Error: The request is refused, or the user who approved the client is no longer active.
        ValueError: *realm* is not one of ``OAUTH2_REALMS``.
        RuntimeError: The body was read, or a transaction was begun, before the request was verified.
    """
    known_realm(realm)
    access = getattr(request, "oauth", None)
    if isinstance(access, Access):
        if realm is not None and (access.token is None or realm not in access.token.realms):
            raise PermissionDenied("The token credentials do not give access to this realm.")
        return access
    # users.py is imported here, because Django imports access.py before it can import models.
    from .users import user_of

    access = provider().authenticate(read(request, max_body()), realm=realm)
    user = user_of(access)

    async def auser() -> object:
        return user

    # The request may also have a session cookie. This line replaces the user of the session.
    vars(request).update(oauth=access, user=user, auser=auser)
    return access


def refusal_of(request: HttpRequest, error: Error) -> HttpResponse:
    """Return the response to a request that :func:`verify` refused with *error*."""
    return django_response(request, provider().error_response(error))


def _protected(view: Callable[..., Any], realm: str | None) -> Callable[..., Any]:
    @wraps(view)
    def protected(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            verify(request, realm)
        except Error as error:
            return refusal_of(request, error)
        return _kept_private(_in_transaction(view)(request, *args, **kwargs))

    # The nonce must stay used if the view fails. Django must therefore not begin a transaction before the request is
    # verified.
    return transaction.non_atomic_requests(using=database())(protected)


def _protected_coroutine(view: Callable[..., Any], realm: str | None) -> Callable[..., Any]:
    @wraps(view)
    async def protected(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            await sync_to_async(verify)(request, realm)
        except Error as error:
            return await sync_to_async(refusal_of)(request, error)
        return _kept_private(await view(request, *args, **kwargs))

    return protected


def _in_transaction(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view that runs *view* inside the transaction that Django would have begun for ``ATOMIC_REQUESTS``."""
    alias = database()
    is_atomic = connections.settings[alias]["ATOMIC_REQUESTS"]
    if not is_atomic or alias in getattr(view, "_non_atomic_requests", ()):
        return view
    return transaction.atomic(using=alias)(view)


def _kept_private(response: HttpResponseBase) -> HttpResponseBase:
    # Without these headers, the cache middleware of Django would send the cached response to a request that is not
    # signed.
    if not response.has_header("Cache-Control"):
        response["Cache-Control"] = "private"
    patch_vary_headers(response, ["Authorization"])
    return response
