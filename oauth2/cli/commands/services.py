"""``oauth2 services``: the services that there are profiles for."""

from __future__ import annotations

from typing import Any

import click

from ..options import as_json
from ..profile import complete_service, find_profile
from ..terminal import say_facts, say_json, say_table


@click.group(invoke_without_command=True)
@click.pass_context
def services(context: click.Context) -> None:
    """List and show the services that are known.

    Their profiles are what the services' documents say. None was tried against the live service.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@services.command("list")
@as_json
def list_(as_json: bool = False) -> None:
    """List all services."""
    from ... import services as known

    profiles = [known.get(name) for name in known.names()]
    if as_json:
        say_json([_data(profile) for profile in profiles])
        return
    rows = [(each.name, each.title, each.signature_methods[0], str(each.checked)) for each in profiles]
    say_table([("SERVICE", "TITLE", "METHOD", "CHECKED"), *rows])


@services.command()
@click.argument("name", shell_complete=complete_service)
@as_json
def show(name: str, as_json: bool) -> None:
    """Show all that is known of a service, and where from."""
    found = _data(find_profile(name, {}))
    if as_json:
        say_json(found)
        return
    say_facts(found)


def _data(profile: Any) -> dict[str, Any]:
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
        "ends": None if profile.ends is None else str(profile.ends),
        "sources": list(profile.sources),
        "checked": str(profile.checked),
    }
