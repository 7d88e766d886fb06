"""The users of the project who approve clients."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ValidationError

from ...errors import PermissionDenied
from ...provider import Access

__all__ = ["user_of"]


def user_of(access: Access) -> AbstractBaseUser | AnonymousUser:
    """Return the user who approved the client; AnonymousUser for a request without a token.

    Raises:
        PermissionDenied: The user does not exist, or is not active.
    """
    if access.user is None:
        return AnonymousUser()
    try:
        user = get_user_model()._default_manager.filter(pk=access.user).first()
    except (ValueError, ValidationError):  # The identifier cannot be a primary key of this model.
        user = None
    if user is None or not user.is_active:
        raise PermissionDenied("The user who approved this client is not active.")
    return user
