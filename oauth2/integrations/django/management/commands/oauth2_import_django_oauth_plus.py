"""``manage.py oauth2_import_django_oauth_plus``: copy the clients and tokens of django-oauth-plus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections, transaction

from .....errors import StoreUnavailable
from .....provider.callbacks import OUT_OF_BAND, check_callback
from .....stores import ClientCredentials, CombinedStore, ProviderStore, TokenCredentials, is_valid_key
from .....stores.django import DjangoStore
from ...configuration import database, provider

__all__ = ["Command"]

_ACCESS = 2  # In django-oauth-plus, token_type is 2 for token credentials, and 1 for temporary credentials.
_USABLE = (1, 2)  # In django-oauth-plus, status is 1 (pending), 2 (accepted), 3 (canceled) or 4 (rejected).
_CONSUMERS = ("id", "key", "secret", "name", "status", "user_id", "xauth_allowed")
_TOKENS = ("key", "secret", "timestamp", "user_id", "consumer_id", "scope_id")


class Command(BaseCommand):
    """The command."""

    help = "Copy the clients and tokens of django-oauth-plus. The clients need no change, and no new approval."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--source", default="default", help="the alias of the database with the old tables")
        parser.add_argument("--dry-run", action="store_true", help="show what would be copied, and copy nothing")

    def handle(self, *, source: str, dry_run: bool, **_: object) -> None:
        """Copy all records. If there is an error, copy no record."""
        store = provider().store
        if not isinstance(store.credentials if isinstance(store, CombinedStore) else store, DjangoStore):
            # transaction.atomic() cannot undo changes in another database, so --dry-run would change that database.
            raise CommandError("OAUTH2_STORE does not use the database of this project.")
        try:
            old = _Tables(source)
            with transaction.atomic(using=database()):
                clients = self._copy_clients(old, store)
                tokens = self._copy_tokens(old, store, clients)
                transaction.set_rollback(dry_run, using=database())
        except (DatabaseError, StoreUnavailable) as exc:
            raise CommandError(f"The tables cannot be copied, and nothing was copied: {exc}") from exc
        done = "would be copied" if dry_run else "are copied"
        self.stdout.write(f"{len(clients)} clients and {tokens} tokens {done}.")

    def _copy_clients(self, old: _Tables, store: ProviderStore) -> dict[int, str]:
        callbacks = old.callbacks()
        copied = {}
        for number, key, secret, name, status, user, xauth in old.rows("consumer", _CONSUMERS):
            if status not in _USABLE:
                self._skip(name, "it was canceled or rejected")
            elif not is_valid_key(key) or not secret:
                self._skip(name, "its key is not valid, or it has no secret")
            elif store.get_consumer(key) is not None:
                self._skip(name, "there is a client with this key already")
            else:
                found = tuple(sorted(callbacks.get(number, ())))
                if not found:
                    self.stderr.write(f"{name}: it has no callback URL. Add its callback URLs on the admin page.")
                owner = None if user is None else str(user)
                store.add_consumer(
                    ClientCredentials(
                        key=key, secret=secret, name=name, callbacks=found, xauth=bool(xauth), owner=owner
                    )
                )
                copied[number] = key
        return copied

    def _copy_tokens(self, old: _Tables, store: ProviderStore, clients: dict[int, str]) -> int:
        scopes = dict(old.rows("scope", ("id", "name")))
        known = set(getattr(settings, "OAUTH2_REALMS", ()))
        count = 0
        for key, secret, timestamp, user, consumer, scope in old.rows("token", _TOKENS, f"token_type = {_ACCESS}"):
            if consumer not in clients or user is None or not is_valid_key(key) or not secret:
                continue
            realms = (scopes[scope],) if scopes.get(scope) in known else ()
            store.add_token(
                TokenCredentials(
                    key=key,
                    secret=secret,
                    consumer_key=clients[consumer],
                    user=str(user),
                    issued_at=timestamp,
                    realms=realms,
                )
            )
            count += 1
        unknown = sorted({name for name in scopes.values() if name not in known})
        if unknown:
            names = ", ".join(unknown)
            self.stderr.write(f"These scopes are not copied, because OAUTH2_REALMS does not contain them: {names}")
        return count

    def _skip(self, name: str, reason: str) -> None:
        self.stderr.write(f"{name}: not copied, because {reason}.")


class _Tables:
    """The tables of django-oauth-plus 2, such as ``oauth_provider_consumer`` and ``oauth_provider_token``."""

    def __init__(self, using: str) -> None:
        if using not in connections:
            raise CommandError(f"--source: must be the alias of a database in DATABASES, not {using!r}")
        self._connection = connections[using]

    def rows(self, table: str, columns: tuple[str, ...], condition: str = "1 = 1") -> list[tuple[Any, ...]]:
        """Return the values of *columns* of each row that meets *condition*, an SQL condition."""
        quote = self._connection.ops.quote_name
        selected = ", ".join([quote(column) for column in columns])
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT {selected} FROM {quote(f'oauth_provider_{table}')} WHERE {condition}")  # noqa: S608 - constants
            return list(cursor.fetchall())

    def callbacks(self) -> dict[int, set[str]]:
        """Return the valid callbacks that each client has used, because django-oauth-plus registers no callbacks."""
        found: dict[int, set[str]] = {}
        for consumer, callback in self.rows("token", ("consumer_id", "callback"), "callback IS NOT NULL"):
            found.setdefault(consumer, set()).update(_valid(callback))
        return found


def _valid(callback: str) -> Iterator[str]:
    try:
        check_callback(callback or OUT_OF_BAND)
    except ValueError:
        return
    yield callback or OUT_OF_BAND
