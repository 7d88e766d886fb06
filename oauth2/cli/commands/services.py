"""``oauth2 services``: the services that there are profiles for."""

from __future__ import annotations

from typing import Any

import click

from ..options import as_json
from ..profile import complete_service, find_profile
from ..terminal import one_line, say, say_json, say_table

_STEPS = ("temporary", "authorize", "token", "renew", "revoke")


@click.group(invoke_without_command=True)
@click.pass_context
def services(context: click.Context) -> None:
    """List and show the services that are known. Nothing in their profiles was tried against a live service."""
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
    for label, value in found.items():
        for text in _texts(value):
            say(f"{label + ':':<19}{one_line(text)}")


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{name}: {text}" for name, text in value.items() if text is not None]
    if isinstance(value, (list, tuple)):
        return [str(each) for each in value]
    return [] if value is None else [str(value)]


def _data(profile: Any) -> dict[str, Any]:
    return {
        "service": profile.name,
        "title": profile.title,
        "signature_methods": list(profile.signature_methods),
        "placement": profile.placement,
        "body_hash": profile.body_hash,
        "placeholders": list(profile.placeholders),
        "endpoints": _endpoints(profile),
        "notes": list(profile.notes),
        "ends": None if profile.ends is None else str(profile.ends),
        "sources": list(profile.sources),
        "checked": str(profile.checked),
    }


def _endpoints(profile: Any) -> dict[str, str | None] | None:
    filled = {name: f"{{{name}}}" for name in profile.placeholders}
    try:
        endpoints = (profile.at(**filled) if filled else profile).endpoints()
    except ValueError:  # it has none, or a placeholder is part of its host
        return None
    return {name: getattr(endpoints, name) for name in _STEPS}
