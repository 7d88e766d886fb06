"""The profile of an account's service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .._sending.uri import origin
from .account import Account
from .failure import Failure, in_options

if TYPE_CHECKING:
    from ..services import Service

__all__ = ["complete_service", "find_profile", "needs_placeholders", "origins_of", "profile_of", "require_placeholders"]

_FOR_BROWSERS = ("authorize", "authenticate")  # Only the browser opens these endpoints, without a signature.


def find_profile(name: str, placeholders: dict[str, str]) -> Service:
    """Return the profile of a service, with values in place of its placeholders.

    Raises:
        Failure: No service has this name, or the profile does not have one of the given *placeholders*.
    """
    from .. import services

    try:
        profile = services.get(name)
        return profile.at(**placeholders) if placeholders else profile
    except (TypeError, ValueError) as exc:
        more = f" show {name}" if name in services.names() else ""
        raise Failure(in_options(exc), f"Run: oauth2 services{more}") from None


def require_placeholders(profile: Service, first: str = "") -> None:
    """Refuse a profile that still has a placeholder.

    Args:
        profile: The result of :func:`find_profile`.
        first: A sentence for the start of the hint; it must end with a space.

    Raises:
        Failure: A placeholder has no value.
    """
    if profile.placeholders:
        names = " and ".join(profile.placeholders)
        options = " ".join(f"--set {name}=..." for name in profile.placeholders)
        hint = f"{first}Give {options} (see: oauth2 services show {profile.name})"
        raise Failure(f"The service {profile.name} needs a value for {names}.", hint)


def profile_of(account: Account) -> Service:
    """Return the profile of an account that has a service.

    Raises:
        Failure: The profile does not exist anymore, or the account has no value for a placeholder.
    """
    profile = find_profile(account.service or "", account.placeholders)
    if needs_placeholders(profile):
        require_placeholders(profile, f"Run: oauth2 token delete {account.name}, then add the account again. ")
    return profile


def needs_placeholders(profile: Service) -> bool:
    """Return whether the realm contains a placeholder. Only in this case, signing needs the values of placeholders."""
    return any(f"{{{name}" in (profile.realm or "") for name in profile.placeholders)


def origins_of(profile: Service) -> tuple[str, ...]:
    """Return the origin of each URL of this service to which signed requests are sent."""
    urls = [url for step, url in profile.urls.items() if step not in _FOR_BROWSERS and "{" not in url]
    return tuple(dict.fromkeys(map(origin, urls)))


def complete_service(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the services whose names start with *incomplete*, for shell completion."""
    from .. import services

    return [name for name in services.names() if name.startswith(incomplete)]
