"""The profile of the service that an account is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .failure import Failure, in_words_of_the_command

if TYPE_CHECKING:
    from .account import Account


def find_profile(name: str, placeholders: dict[str, str]) -> Any:
    """Return the profile of a service, with its placeholders filled in.

    Raises:
        Failure: There is none of this name, or a placeholder is not its own.
    """
    from .. import services

    try:
        profile = services.get(name)
        return profile.at(**placeholders) if placeholders else profile
    except (TypeError, ValueError) as exc:
        known = f": oauth2 services show {name}" if name in services.names() else ": oauth2 services"
        raise Failure(in_words_of_the_command(exc), f"see{known}") from None


def profile_of(account: Account) -> Any:
    """Return the profile that *account* was got with.

    Raises:
        Failure: It is not known any more.
    """
    return find_profile(account.service or "", account.placeholders)


def complete_service(context: Any, parameter: Any, incomplete: str) -> list[str]:
    """Return the services whose names begin with *incomplete*."""
    from .. import services

    return [name for name in services.names() if name.startswith(incomplete)]
