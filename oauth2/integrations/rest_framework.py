"""A provider in Django REST framework: an authentication class, and a permission for a realm."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from ..errors import Error, StoreUnavailable
from ..provider import Access
from ..server import Server
from .django.access import verify
from .django.configuration import known_realm, provider

__all__ = ["OAuth1Authentication", "realm_required"]


class OAuth1Authentication(BaseAuthentication):
    """Authenticates signed requests (section 3): ``request.auth`` is the :class:`~oauth2.provider.Access`.

    ``request.user`` is the user who approved the client, or AnonymousUser for a request without a token. This class
    ignores a request without an OAuth signature, so that other authentication classes can authenticate the request.
    """

    def authenticate(self, request: Request) -> tuple[Any, Access] | None:
        """Return the user and the access; None if the request is not signed.

        Raises:
            APIException: The request is refused.
        """
        received = request._request
        if not _is_signed(received):
            return None
        try:
            access = verify(received)
        except Error as error:
            raise _refusal(error) from None
        return received.user, access

    def authenticate_header(self, request: Request) -> str:
        """Return the ``WWW-Authenticate`` header of a response with status 401 (section 3.5.1)."""
        return Server().build_authenticate_header(provider().realm)["WWW-Authenticate"]


def realm_required(realm: str) -> type[BasePermission]:
    """Return a permission class that requires a signed request with a token for *realm*.

    Args:
        realm: One of ``OAUTH2_REALMS``.

    Raises:
        ValueError: *realm* is not one of ``OAUTH2_REALMS``.
    """
    known_realm(realm)

    class RealmPermission(BasePermission):
        """The permission for one realm."""

        message = "The token credentials do not give access to this realm."

        def has_permission(self, request: Request, view: APIView) -> bool:
            """Return whether the request is signed with a token that gives access to the realm."""
            access = request.auth
            return isinstance(access, Access) and access.token is not None and realm in access.token.realms

    return RealmPermission


def _is_signed(request: HttpRequest) -> bool:
    scheme, *_ = request.headers.get("Authorization", "").split(maxsplit=1) or [""]
    if scheme.lower() == "oauth":
        return True
    if "oauth_signature" in request.GET:
        return True
    return request.content_type == "application/x-www-form-urlencoded" and "oauth_signature" in request.POST


def _refusal(error: Error) -> APIException:
    provider().error_response(error)  # This call reports the error to the function in OAUTH2_AUDIT.
    detail = {"detail": error.message, **({"oauth_problem": error.problem} if error.problem else {})}
    refused = AuthenticationFailed(detail) if error.status == 401 else APIException(detail)
    refused.status_code = error.status
    if isinstance(error, StoreUnavailable):
        refused.wait = 5  # type: ignore[attr-defined]  # seconds; the exception handler sends them as Retry-After
    return refused


with suppress(ImportError):  # drf-spectacular is optional. Importing _openapi registers OAuth1Scheme.
    from . import _openapi as _openapi
