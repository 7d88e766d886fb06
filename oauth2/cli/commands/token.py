"""``oauth2 token``: manage accounts."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any, Unpack

import click

from ..._sending.uri import origin
from ...errors import InvalidURL
from .. import methods
from ..account import Account, check_name, shortened
from ..confirmation import confirm
from ..credentials import obtain, replacements
from ..failure import Failure
from ..group import Group
from ..options import (
    SigningOptions,
    as_json,
    complete_account,
    credentials_option,
    given_only,
    method_options,
    placement_options,
    read_pair,
)
from ..profile import complete_service, find_profile, needs_placeholders, origins_of, require_placeholders
from ..terminal import say, say_facts, say_json, say_table
from ..vault import open_vault

__all__ = ["add", "delete", "list_", "set_", "show", "token"]


@click.group(cls=Group, invoke_without_command=True)
@click.pass_context
def token(context: click.Context) -> None:
    """Manage accounts: credentials stored under a name."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@token.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List the accounts."""
    accounts = open_vault().load_all()
    if as_json:
        say_json([_shown(account) for account in accounts])
    elif not accounts:
        say("There are no accounts. To create an account, run: oauth2 login")
    else:
        rows = [(each.name, each.signature_method, " ".join(each.origins) or "-") for each in accounts]
        say_table([("ACCOUNT", "METHOD", "USED FOR"), *rows])


@token.command()
@click.argument("name", shell_complete=complete_account)
@as_json
def show(name: str, as_json: bool) -> None:
    """Show an account without its secrets."""
    found = _shown(open_vault().load(name))
    if as_json:
        say_json(found)
        return
    say_facts(found)


@token.command()
@click.argument("name", shell_complete=complete_account)
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
def delete(name: str, yes: bool) -> None:
    """Delete an account on this machine.

    The token stays valid until you revoke it at the service.
    """
    vault = open_vault()
    confirm(f"Delete the account {name}?", yes=yes)
    vault.delete(name)
    say(f"Deleted the account {name}. To end the access, revoke the token at the service.")


@token.command()
@click.argument("name")
@click.option(
    "--url", "urls", multiple=True, metavar="URL", help="Use the account for this scheme and host. Repeatable."
)
@click.option(
    "--service",
    metavar="SERVICE",
    help=("Sign with the options in the profile of this service."),
    shell_complete=complete_service,
)
@click.option(
    "--set",
    "placeholders",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a placeholder of the profile. Repeatable.",
)
@credentials_option
@method_options
@placement_options
def add(
    name: str,
    urls: tuple[str, ...],
    service: str | None,
    placeholders: tuple[str, ...],
    credentials: str | None,
    **options: Unpack[SigningOptions],
) -> None:
    """Store existing credentials as the account NAME.

    The command asks for the credentials, or reads them from a file or the environment. No option takes a secret,
    because other users can see the command line.
    """
    vault = open_vault()
    check_name(name)
    if name in vault.names():
        hint = f"Choose another name, or run: oauth2 token set {name}, or: oauth2 token delete {name}"
        raise Failure(f"The account {name!r} exists.", hint)
    filled = dict(map(read_pair, placeholders))
    profile = None if service is None else find_profile(service, filled)
    if profile is not None and needs_placeholders(profile):
        require_placeholders(profile)
    private_key = options["private_key"] and os.path.abspath(options["private_key"])
    default = profile.signature_methods[0] if profile else "RSA-SHA1" if private_key else "HMAC-SHA1"
    method = options["signature_method"] or default
    origins = _origins(urls) or (origins_of(profile) if profile else ())
    account = replace(
        obtain(credentials, with_token=True, needs_secret=methods.uses_secrets(method)),
        name=name,
        service=service,
        placeholders=filled,
        origins=origins,
        **{**given_only(options), "signature_method": method, "private_key": private_key},
    )
    vault.save(account)
    note = "" if origins else f"  The account has no URL. To use the account, give --account {name}."
    say(f"Saved the account {name} in {vault.place}.{note}")


@token.command("set")
@click.argument("name", shell_complete=complete_account)
@click.option("--url", "urls", multiple=True, metavar="URL", help="Replace the URLs of the account. Repeatable.")
@credentials_option
@method_options
@placement_options
def set_(name: str, urls: tuple[str, ...], credentials: str | None, **options: Unpack[SigningOptions]) -> None:
    """Change the account NAME.

    Without options, the command replaces the consumer secret: it asks for the new secret, or reads the new secret from
    the environment. With --credentials, the command replaces each credential that the file contains.
    """
    vault = open_vault()
    before = vault.load(name)
    chosen: dict[str, Any] = given_only(options)
    if chosen.get("private_key"):
        chosen["private_key"] = os.path.abspath(chosen["private_key"])
        if not before.signature_method.startswith("RSA"):
            chosen.setdefault("signature_method", "RSA-SHA1")
    if urls:
        chosen["origins"] = _origins(urls)
    if credentials is not None or not chosen:
        chosen |= replacements(credentials)
    vault.save(replace(before, **chosen))
    say(f"Changed in {name}: {', '.join(each.replace('_', ' ') for each in chosen)}.")


def _origins(urls: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(map(origin, urls)))
    except InvalidURL:
        raise Failure("--url: Not an http or https URL.", "Give a URL such as https://api.example.com/") from None


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
