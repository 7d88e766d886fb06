"""``oauth2 token``: the accounts that are kept."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import click

from ...errors import InvalidURL
from ...outgoing import origin
from .. import methods
from ..account import Account, check_name, shortened
from ..credentials import obtain
from ..failure import Failure
from ..options import as_json, complete_account, credentials_option, method_options, placement_options, read_pair
from ..profile import complete_service, find_profile
from ..terminal import is_interactive, say, say_facts, say_json, say_table
from ..vault import open_vault


@click.group()
def token() -> None:
    """Add, list, show and delete accounts: credentials under a name."""


@token.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List the accounts."""
    vault = open_vault()
    accounts = [vault.load(name) for name in vault.names()]
    if as_json:
        say_json([_shown(account) for account in accounts])
    elif not accounts:
        say("There are no accounts yet. Get one with: oauth2 login")
    else:
        rows = [(each.name, each.signature_method, " ".join(each.origins) or "-") for each in accounts]
        say_table([("ACCOUNT", "METHOD", "USED FOR"), *rows])


@token.command()
@click.argument("name", shell_complete=complete_account)
@as_json
def show(name: str, as_json: bool) -> None:
    """Show an account, without its secrets."""
    found = _shown(open_vault().load(name))
    if as_json:
        say_json(found)
        return
    say_facts(found)


@token.command()
@click.argument("name", shell_complete=complete_account)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete(name: str, yes: bool) -> None:
    """Delete an account here. The service still knows the token: revoke it there."""
    vault = open_vault()
    if not yes:
        if not is_interactive():
            raise Failure("there is no terminal to ask at", "give --yes")
        click.confirm(f"Delete the account {name}?", abort=True, err=True)
    vault.delete(name)
    say(f"Deleted {name}. If the service still lists the token, revoke it there.")


@token.command()
@click.argument("name")
@click.option("--url", "urls", multiple=True, metavar="URL", help="Use it for this scheme and host; may be repeated.")
@click.option("--service", metavar="SERVICE", help="Sign as this service wants it.", shell_complete=complete_service)
@click.option("--set", "placeholders", multiple=True, metavar="NAME=VALUE", help="A part of the service's profile.")
@credentials_option
@method_options
@placement_options
def add(
    name: str,
    urls: tuple[str, ...],
    service: str | None,
    placeholders: tuple[str, ...],
    credentials: str | None,
    **how: Any,
) -> None:
    """Keep credentials that a service's own pages gave you, under NAME.

    They are asked for, or come from a file or the environment; never from the command line.
    """
    vault = open_vault()
    check_name(name)
    if name in vault.names():
        raise Failure(f"there is an account {name!r} already", f"choose another name, or: oauth2 token delete {name}")
    filled = dict(map(read_pair, placeholders))
    profile = None if service is None else find_profile(service, filled)
    private_key = how["private_key"] and os.path.abspath(how["private_key"])
    default = profile.signature_methods[0] if profile else "RSA-SHA1" if private_key else "HMAC-SHA1"
    method = how["signature_method"] or default
    try:
        origins = tuple(origin(url) for url in urls)
    except InvalidURL:
        raise Failure("a --url is no http or https URL", "give one such as https://api.example.com/") from None
    account = replace(
        obtain(credentials, with_token=True, needs_secret=methods.uses_secrets(method)),
        name=name,
        service=service,
        placeholders=filled,
        origins=origins,
        **{**how, "signature_method": method, "private_key": private_key},
    )
    vault.save(account)
    say(f"Kept as {name}, in {vault.place}.")


def _shown(account: Account) -> dict[str, Any]:
    return {
        "account": account.name,
        "service": account.service,
        "used_for": list(account.origins),
        "signature_method": account.signature_method,
        "placement": account.placement,
        "consumer_key": account.consumer_key,
        "token": shortened(account.token),
        "created": time.strftime("%Y-%m-%d", time.gmtime(account.created)),
    }
