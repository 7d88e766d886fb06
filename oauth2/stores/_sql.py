"""``SQLStore``: a store for all records in an SQL database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ..errors import StoreUnavailable
from ._database import Database, Row, Values
from ._dummies import Dummies
from ._rows import (
    CONSUMER,
    SECRETS,
    consumer_of,
    consumer_row,
    pack,
    temporary_of,
    temporary_row,
    token_of,
    token_row,
)
from ._statements import DELETE_EVERY, Statements
from .cipher import Cipher, seal, unseal
from .nonces import checked_seconds, nonce_digest, oldest_kept
from .records import ClientCredentials, TemporaryCredentials, TokenCredentials

_Record = TypeVar("_Record")
# The WHERE clauses of the statements compare these columns with keys.
_KEYS = ("consumer_key", "token_key", "grant_key", "owner", "approved_by")


class SQLStore:
    """A store for all records. It implements all store protocols, and executes SQL statements with a :class:`Database`.

    Args:
        database: The connections that execute the statements.
        statements: The statements, in the dialect of *database*.
        window: The largest ``timestamp_threshold`` of a server that may use this store, in seconds.
        cipher: The cipher that encrypts secrets in the database; None for no encryption.
    """

    def __init__(
        self, database: Database, statements: Statements, *, window: int = 300, cipher: Cipher | None = None
    ) -> None:
        self.window = checked_seconds("window", window)
        self._database = database
        self._sql = statements
        self._cipher = cipher
        self._dummies = Dummies(cipher)
        self._can_store_key = statements.dialect.can_store_key

    # --- nonces -----------------------------------------------------------------

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`.

        Raises:
            StoreUnavailable: The database cannot be written.
        """
        digest = nonce_digest(nonce, timestamp, consumer_key, token_key)
        # The claim is one statement in a separate transaction, so the claim is atomic.
        values: dict[str, Any] = {"timestamp": timestamp, "digest": digest}
        if digest[0] % DELETE_EVERY:
            return self._database.change(self._sql.claim, values) == 1
        values["oldest"] = oldest_kept(timestamp, self.window)
        if self._sql.claim_and_delete:
            result = self._database.rows(self._sql.claim_and_delete, values)
            return bool(result) and result[0][0] == 1
        new = self._database.change(self._sql.claim, values) == 1
        if new:
            self._database.changes(
                [(self._sql.advance, {"oldest": values["oldest"]}), (self._sql.delete_old_nonces, {})]
            )
        return new

    def nonce_count(self) -> int:
        """See :meth:`~oauth2.stores.NonceStore.nonce_count`.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        return int(self._database.rows(self._sql.count_nonces, {})[0][0])

    # --- client and token credentials -------------------------------------------

    def find(
        self, consumer_key: str, token_key: str | None
    ) -> tuple[ClientCredentials | None, TokenCredentials | None]:
        """See :meth:`~oauth2.stores.CredentialStore.find`."""
        if token_key is not None and not self._can_store_key(token_key):
            token_key = None
        if not self._can_store_key(consumer_key):
            return None, None if token_key is None else self.get_token(token_key)
        (row,) = self._database.rows(self._sql.find, {"consumer_key": consumer_key, "token_key": token_key})
        consumer, token = row[: len(CONSUMER)], row[len(CONSUMER) :]
        return (
            None if consumer[0] is None else self._read(consumer_of, consumer),
            None if token[0] is None else self._read(token_of, token),
        )

    def add_consumer(self, consumer: ClientCredentials) -> None:
        """See :meth:`~oauth2.stores.ConsumerStore.add_consumer`.

        Raises:
            ValueError: The record contains a text that the database cannot store.
            StoreUnavailable: The database cannot be written.
        """
        self._database.change(self._sql.put_consumer, self._checked(consumer_row(consumer, self._cipher)))

    def get_consumer(self, key: str) -> ClientCredentials | None:
        """See :meth:`~oauth2.stores.ConsumerStore.get_consumer`."""
        return self._one(self._sql.get_consumer, key, consumer_of)

    def replace_consumer(self, consumer: ClientCredentials) -> bool:
        """See :meth:`~oauth2.stores.ConsumerStore.replace_consumer`.

        Raises:
            ValueError: The record contains a text that the database cannot store.
            StoreUnavailable: The database cannot be written.
        """
        row = self._checked(consumer_row(consumer, self._cipher))
        return self._database.change(self._sql.replace_consumer, row) == 1

    def remove_consumer(self, key: str) -> bool:
        """See :meth:`~oauth2.stores.ConsumerStore.remove_consumer`."""
        if not self._can_store_key(key):
            return False
        return self._database.changes([(each, {"key": key}) for each in self._sql.remove_consumer])[-1] > 0

    def consumers_of(self, owner: str) -> list[ClientCredentials]:
        """See :meth:`~oauth2.stores.ConsumerStore.consumers_of`."""
        if not self._can_store_key(owner):
            return []
        found = self._database.rows(self._sql.consumers_of, {"owner": owner})
        # The list is sorted in Python, because the sort order of texts depends on the database.
        return sorted([self._read(consumer_of, row) for row in found], key=lambda each: (each.name, each.key))

    def list_consumers(self, after: str = "", *, limit: int = 100) -> list[ClientCredentials]:
        """See :meth:`~oauth2.stores.ListingStore.list_consumers`.

        Raises:
            ValueError: The database cannot store *after* as a key.
            StoreUnavailable: The database cannot be read.
        """
        values = self._page(after, limit)
        return [self._read(consumer_of, row) for row in self._database.rows(self._sql.list_consumers, values)]

    def list_tokens(
        self, after: str = "", *, consumer_key: str | None = None, limit: int = 100
    ) -> list[TokenCredentials]:
        """See :meth:`~oauth2.stores.ListingStore.list_tokens`.

        Raises:
            ValueError: The database cannot store *after* as a grant.
            StoreUnavailable: The database cannot be read.
        """
        values = self._page(after, limit)
        statement = self._sql.list_tokens
        if consumer_key is not None:
            if not self._can_store_key(consumer_key):
                return []
            statement, values = self._sql.list_tokens_of_consumer, {**values, "consumer_key": consumer_key}
        return [self._read(token_of, row) for row in self._database.rows(statement, values)]

    def _page(self, after: str, limit: int) -> dict[str, Any]:
        if not self._can_store_key(after):
            raise ValueError("after: must be the key of a record in the store")
        return {"after": after, "limit": limit}

    def add_token(self, token: TokenCredentials) -> None:
        """See :meth:`~oauth2.stores.TokenStore.add_token`.

        Raises:
            ValueError: The record contains a text that the database cannot store.
            StoreUnavailable: The database cannot be written.
        """
        row = self._checked(token_row(token, self._cipher))
        self._delete_expired_tokens(token)
        self._database.change(self._sql.put_token, row)

    def get_token(self, key: str) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.get_token`."""
        return self._one(self._sql.get_token, key, token_of)

    def replace_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.TokenStore.replace_token`.

        Raises:
            ValueError: The record contains a text that the database cannot store.
            StoreUnavailable: The database cannot be written, or already contains a token with the new key.
        """
        row = self._checked(token_row(token, self._cipher))
        return self._can_store_key(key) and self._database.change(self._sql.replace_token, {**row, "old_key": key}) == 1

    def revoke_grant(self, grant: str, user: str | None = None) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.revoke_grant`."""
        if not self._can_store_key(grant) or not self._can_store_key(user or ""):
            return None
        statement = self._sql.revoke_grant if user is None else self._sql.revoke_grant_of
        values = {"grant_key": grant} if user is None else {"grant_key": grant, "approved_by": user}
        found = self._database.rows(statement, values)
        return self._read(token_of, found[0]) if found else None

    def tokens_of(self, user: str) -> list[TokenCredentials]:
        """See :meth:`~oauth2.stores.TokenStore.tokens_of`."""
        if not self._can_store_key(user):
            return []
        found = self._database.rows(self._sql.tokens_of, {"approved_by": user})
        return sorted([self._read(token_of, row) for row in found], key=lambda each: each.issued_at, reverse=True)

    # --- temporary credentials --------------------------------------------------

    def issue(self, temporary: TemporaryCredentials) -> None:
        """See :meth:`~oauth2.stores.TemporaryStore.issue`.

        Raises:
            ValueError: The record contains a text that the database cannot store.
            StoreUnavailable: The database cannot be written.
        """
        row = self._checked(temporary_row(temporary, self._cipher))
        self._database.change(self._sql.put_temporary, {**row, "tries": 0})
        self._database.change(self._sql.delete_expired_temporary, {"now": temporary.issued_at})

    def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.get_temporary`."""
        return self._one(self._sql.get_temporary, key, temporary_of)

    def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> bool:
        """See :meth:`~oauth2.stores.TemporaryStore.approve`.

        Raises:
            ValueError: The database cannot store *user*, *verifier* or *realms*.
            StoreUnavailable: The database cannot be written.
        """
        changed = {"approved_by": user, "verifier": seal(verifier, self._cipher), "realms": pack(realms)}
        values = {**self._checked(changed), "key": key}
        return self._can_store_key(key) and self._database.change(self._sql.approve, values) == 1

    def count_try(self, key: str) -> int:
        """See :meth:`~oauth2.stores.TemporaryStore.count_try`."""
        return self._database.count(self._sql.count_try, {"key": key}) if self._can_store_key(key) else 0

    def redeem(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.redeem`."""
        return self._one(self._sql.redeem, key, temporary_of)

    def redeem_for_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.ProviderStore.redeem_for_token`.

        Raises:
            ValueError: The record contains a text that the database cannot store.
            StoreUnavailable: The database cannot be written. In this case, the temporary credentials are not deleted.
        """
        row = self._checked(token_row(token, self._cipher))
        if not self._can_store_key(key):
            return False
        self._delete_expired_tokens(token)
        return self._database.change_both((self._sql.remove_temporary, {"key": key}), (self._sql.put_token, row))

    # --- encryption at rest -----------------------------------------------------

    def reencrypt(self, position: str | None = None, *, limit: int = 100) -> str | None:
        """Encrypt some secrets again with the current key of the cipher.

        This method also encrypts secrets that are not encrypted yet. Each call processes at most *limit* credentials,
        so that other requests can use the store between two calls.

        Args:
            position: The return value of the previous call; None for the first call.
            limit: The maximum number of credentials to process.

        Returns:
            The position for the next call, or None if all secrets have been processed.

        Raises:
            ValueError: The store has no cipher, or *position* is not a return value of this method.
            StoreUnavailable: A secret cannot be decrypted, or the database cannot be used.
        """
        if self._cipher is None:
            raise ValueError("cipher: must be given to encrypt secrets; create the store with cipher=")
        names = list(SECRETS)
        name, _, after = (position or f"{names[0]}:").partition(":")
        if name not in names:
            raise ValueError("position: must be None or the return value of reencrypt()")
        found = self._database.rows(self._sql.batch_of(name), {"after": after, "limit": limit})
        changes = self._reencrypted(name, found, self._cipher)
        if changes:
            self._database.changes(changes)
        if len(found) == limit:
            return f"{name}:{found[-1][0]}"
        rest = names[names.index(name) + 1 :]
        return f"{rest[0]}:" if rest else None

    def _reencrypted(self, name: str, rows: Sequence[Row], cipher: Cipher) -> list[tuple[str, Values]]:
        return [
            (self._sql.swap(name, column), {"key": key, "old": old, "new": seal(unseal(old, cipher), cipher)})
            for key, *secrets in rows
            for column, old in zip(SECRETS[name], secrets, strict=True)
            if old is not None
        ]

    # --- the store itself -------------------------------------------------------

    def close(self) -> None:
        """See :meth:`~oauth2.stores.Store.close`."""
        self._database.close()

    def read_dummies(self, found: Mapping[str, object]) -> None:
        """Read dummy credentials (timing attack), see :meth:`~oauth2.stores._dummies.Dummies.read`."""
        self._dummies.read(found)

    def _delete_expired_tokens(self, token: TokenCredentials) -> None:
        # This method must be called before *token* is stored. If the deletion failed after *token* was stored, the
        # store would contain a token that the client never received.
        self._database.change(self._sql.delete_expired_tokens, {"now": token.issued_at})

    def _one(self, statement: str, key: str, make: Callable[[Row, Cipher | None], _Record]) -> _Record | None:
        found = self._database.rows(statement, {"key": key}) if self._can_store_key(key) else ()
        return self._read(make, found[0]) if found else None

    def _read(self, make: Callable[[Row, Cipher | None], _Record], row: Row) -> _Record:
        try:
            return make(row, self._cipher)
        except (ValueError, TypeError):
            pass
        # This error is raised outside the except block, so that the traceback does not show values of the row.
        raise StoreUnavailable("A record in the store cannot be read.")

    def _checked(self, row: dict[str, Any]) -> dict[str, Any]:
        dialect = self._sql.dialect
        for column, value in row.items():
            can_store = self._can_store_key if column in _KEYS else dialect.can_store
            if isinstance(value, str) and not can_store(value):
                raise ValueError(
                    f"{column}: must be shorter, or must not contain a character that the database cannot store"
                )
        return row
