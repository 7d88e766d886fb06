"""``oauth2 provider``: operate the store of a provider."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from ..confirmation import confirm
from ..failure import REFUSED, Failure
from ..group import Group
from ..options import as_json
from ..provider_health import notes, problems
from ..provider_store import KEY_FILE, KEYS, ChosenStore, nonces_option, reported, store_options
from ..terminal import say, say_facts, say_json, warn

if TYPE_CHECKING:
    from ...stores.condition import Condition

__all__ = ["check", "migrate", "provider", "reencrypt"]

_GROUPS = {"consumers": "provider_consumers", "grants": "provider_grants"}


class _Provider(Group):
    """The commands of this module, and two groups in other modules. The two other modules are loaded on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_GROUPS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _GROUPS:
            return super().get_command(ctx, cmd_name)
        module = import_module(f".{_GROUPS[cmd_name]}", __package__)
        found: click.Command = getattr(module, cmd_name)
        return found


@click.group(cls=_Provider, invoke_without_command=True)
@click.pass_context
def provider(context: click.Context) -> None:
    """Operate a provider: its clients, grants and database.

    Give the URL of the provider's store with --store or in OAUTH2_PROVIDER_STORE. The provider may
    run while you use the commands.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@provider.command()
@store_options
@nonces_option
@as_json
def check(chosen: ChosenStore, nonces: str | None, as_json: bool) -> int:
    """Check the database. If the nonces are in another database, check that database, too.

    The command reads the schema version, the clock and the number of nonces, and tests whether it can write. The exit
    code is 0 if nothing is wrong, 1 if something is wrong, and 4 if a database cannot be reached.
    """
    other = chosen.store_of_nonces(nonces)
    conditions = [(each.name, each.condition()) for each in (chosen, other) if each is not None]
    if as_json:
        say_json([_facts(name, found) for name, found in conditions])
    else:
        for number, (name, found) in enumerate(conditions):
            if number:
                say()
            say_facts(_shown(_facts(name, found)))
    return REFUSED if any(problems(found) for _, found in conditions) else 0


def _facts(name: str, found: Condition) -> dict[str, Any]:
    difference = found.clock_difference
    return {
        "store": name,
        "server": found.server,
        "schema_version": found.schema,
        "clock_difference": None if difference is None else round(difference, 3),
        "nonces": found.nonces,
        "settings": dict(found.settings),
        "problems": problems(found),
        "notes": notes(found),
    }


def _shown(facts: dict[str, Any]) -> dict[str, object]:
    difference = facts["clock_difference"]
    return {
        **facts,
        "clock_difference": None if difference is None else f"{difference:.3f} seconds",
        "problems": facts["problems"] or "none",
        "notes": facts["notes"] or None,
    }


@provider.command()
@store_options
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--sql", is_flag=True, help="Print the statements for the database, and change nothing.")
def migrate(chosen: ChosenStore, yes: bool, sql: bool) -> None:
    """Create or upgrade the tables.

    Before you upgrade, stop all processes of the provider, and make a back-up. The other provider commands neither
    create nor upgrade tables.
    """
    from ...stores.condition import read_schema_version, supported_schema_version
    from ...stores.opening import open_credential_store, sqlite_path

    with reported(chosen):
        needed = supported_schema_version(chosen.url)
        if needed is None:
            say("Redis has no schema. There is nothing to do.")
            return
        is_new_file = chosen.url.startswith("sqlite:") and not _exists(sqlite_path(chosen.url))
        found = None if is_new_file else read_schema_version(chosen.url, prefix=chosen.prefix)
        if sql:
            _print_statements(chosen, found, needed)
            return
        if found == needed:
            say(f"The schema has version {needed} already. There is nothing to do.")
            return
        if found is not None and found < needed:
            confirm(f"Upgrade the tables from version {found} to {needed}? Is the provider stopped?", yes=yes)
        open_credential_store(chosen.url, prefix=chosen.prefix).close()
    done = "Created the tables with" if found is None else "Upgraded the tables to"
    say(f"{done} schema version {needed}.")


def _exists(path: str) -> bool:
    import os

    return os.path.exists(path)


def _print_statements(chosen: ChosenStore, found: int | None, needed: int) -> None:
    from ...stores.opening import kind_of
    from ...stores.sqlalchemy import schema_statements

    kind = kind_of(chosen.url)
    if kind == "sqlite":
        raise Failure(
            "--sql cannot be used with an SQLite file, because the command can upgrade the file itself.",
            "Run the command without --sql.",
        )
    prefix = "oauth2_" if chosen.prefix is None else chosen.prefix
    statements = [] if found == needed else schema_statements(kind, prefix=prefix, since=found)
    for statement in statements:
        click.echo(f"{statement};")


@provider.command()
@store_options
def reencrypt(chosen: ChosenStore) -> None:
    """Encrypt all secrets with the first key of the key file.

    Secrets that are not encrypted yet are encrypted, too. The provider may run during this command, if all of its
    processes have the first key.
    """
    if chosen.cipher() is None:
        raise Failure("There are no keys.", f"Give --key-file FILE, or set {KEY_FILE} or {KEYS}.")
    with chosen.opened() as store:
        position = store.reencrypt()
        while position is not None:
            position = store.reencrypt(position)
    say("All secrets are encrypted with the first key. The other keys are no longer needed for this store.")
    if chosen.key_file is None:
        warn("The keys are in the environment, which child processes inherit. A file with mode 0600 is safer.")
