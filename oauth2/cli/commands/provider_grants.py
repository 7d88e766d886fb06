"""``oauth2 provider grants``: the approvals of users."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ...stores import TokenCredentials, is_valid_key
from ..confirmation import confirm
from ..escape import one_line
from ..failure import Failure
from ..group import Group
from ..options import as_json
from ..provider_store import ChosenStore, complete_consumer, store_options
from ..terminal import say, say_json, say_table

if TYPE_CHECKING:
    from ...stores.sqlalchemy import SQLAlchemyStore
    from ...stores.sqlite import SQLiteStore

__all__ = ["grants", "list_", "revoke"]

_USER = click.option("--user", metavar="USER", help="Only the grants of this user.")
_CONSUMER = click.option(
    "--consumer", metavar="KEY", help="Only the grants to this client.", shell_complete=complete_consumer
)


@click.group(cls=Group, invoke_without_command=True)
@click.pass_context
def grants(context: click.Context) -> None:
    """List and revoke grants, the approvals of users."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@grants.command("list")
@_USER
@_CONSUMER
@store_options
@as_json
def list_(chosen: ChosenStore, user: str | None, consumer: str | None, as_json: bool) -> None:
    """List the grants, without the secrets of their tokens."""
    with chosen.opened() as store:
        found = list(_matching(store, user, consumer))
    if as_json:
        say_json([_shown(each) for each in found])
    elif not found:
        say("There are no grants.")
    else:
        rows = [(each.grant, each.consumer_key, _cut(each.user), _day(each.issued_at) or "-") for each in found]
        say_table([("GRANT", "CONSUMER KEY", "USER", "ISSUED"), *rows])


@grants.command()
@click.argument("grant", metavar="[GRANT]", required=False)
@_USER
@_CONSUMER
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@store_options
def revoke(chosen: ChosenStore, grant: str | None, user: str | None, consumer: str | None, yes: bool) -> None:
    """Revoke GRANT, all grants of a user, all grants to a client, or all grants of a user to a client.

    From the next request on, the tokens of a revoked grant are refused, even if a token was renewed.
    """
    if (grant is None) == (user is None and consumer is None):
        raise Failure(
            "Give GRANT, or give at least one of --user and --consumer instead.", "Run: oauth2 provider grants list"
        )
    with chosen.opened() as store:
        chosen_grants = [each.grant for each in _matching(store, user, consumer)] if grant is None else [grant]
        confirm(f"Revoke {_counted(chosen_grants)}?", yes=yes)
        revoked = [each for each in chosen_grants if is_valid_key(each) and store.revoke_grant(each, user) is not None]
    if grant is not None and not revoked:
        raise Failure(f"There is no grant {one_line(grant[:80])!r}.", "Run: oauth2 provider grants list")
    say(f"Revoked {_counted(revoked)}.")


def _counted(found: list[str]) -> str:
    return f"{len(found)} {'grant' if len(found) == 1 else 'grants'}"


def _matching(
    store: SQLiteStore | SQLAlchemyStore, user: str | None, consumer: str | None
) -> Iterator[TokenCredentials]:
    if user is not None:
        yield from [each for each in store.tokens_of(user) if consumer in (None, each.consumer_key)]
        return
    after = ""
    while page := store.list_tokens(after, consumer_key=consumer):
        yield from page
        after = page[-1].grant


def _cut(text: str) -> str:
    return text if len(text) <= 12 else f"{text[:9]}..."


def _day(seconds: int | None) -> str | None:
    if not seconds:
        return None
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):  # For example, a time in milliseconds is out of range.
        return str(seconds)


def _shown(token: TokenCredentials) -> dict[str, Any]:
    return {
        "grant": token.grant,
        "consumer_key": token.consumer_key,
        "user": token.user,
        "realms": list(token.realms),
        "issued": token.issued_at or None,
        "expires": token.expires_at,
        "can_be_renewed": token.session_handle is not None,
        "renewed": token.key != token.grant,
    }
