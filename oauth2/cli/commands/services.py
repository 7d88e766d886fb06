"""``oauth2 services``: list and show the profiles of services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..failure import Failure
from ..group import Group
from ..options import as_json
from ..profile import complete_service, find_profile
from ..terminal import say_facts, say_json, say_table

if TYPE_CHECKING:
    from ...services import Service

__all__ = ["list_", "services", "show"]


class _Services(Group):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest ``services show NAME`` for ``services NAME``."""
        from ... import services as known

        if args[0] in known.names():
            raise Failure(f"There is no command {args[0]!r}.", f"Run: {ctx.command_path} show {args[0]}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Services, invoke_without_command=True)
@click.pass_context
def services(context: click.Context) -> None:
    """List and show the profiles of services.

    A profile follows the documentation of the service. If a profile was tested, "tried" names the tested installation.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@services.command("list")
@as_json
def list_(as_json: bool = False) -> None:
    """List the services that have a profile."""
    from ... import services as known

    profiles = [known.get(name) for name in known.names()]
    if as_json:
        say_json([_data(profile) for profile in profiles])
        return
    rows = [
        (each.name, each.title, each.signature_methods[0]) for each in profiles
    ]  # a further column would make the table wider than 80 characters
    say_table([("SERVICE", "TITLE", "METHOD"), *rows])


@services.command()
@click.argument("name", shell_complete=complete_service)
@as_json
def show(name: str, as_json: bool) -> None:
    """Show the profile of a service, and its sources."""
    found = _data(find_profile(name, {}))
    if as_json:
        say_json(found)
        return
    say_facts(found)


def _data(profile: Service) -> dict[str, Any]:
    return {
        "service": profile.name,
        "title": profile.title,
        "signature_methods": list(profile.signature_methods),
        "placement": profile.placement,
        "body_hash": profile.body_hash,
        "placeholders": list(profile.placeholders),
        "realm": profile.realm,
        "urls": dict(profile.urls),
        "authorize_parameters": list(profile.authorize_parameters),
        "notes": list(profile.notes),
        "error_header": profile.error_header,
        "tried": profile.tried,
        "ends": None if profile.ends is None else str(profile.ends),
        "sources": list(profile.sources),
        "checked": str(profile.checked),
    }
