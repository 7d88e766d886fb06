"""``SQLStore``: every store protocol over a database that speaks SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..errors import StoreUnavailable
from .cipher import seal, unseal
from .nonces import nonce_digest, oldest_kept
from .rows import CONSUMER, SECRETS, consumer_of, consumer_row, pack, temporary_of, temporary_row, token_of, token_row
from .statements import FORGET_EVERY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .cipher import Cipher
    from .records import ClientCredentials, TemporaryCredentials, TokenCredentials
    from .statements import Statements

    Row = Sequence[Any]
    Values = Mapping[str, Any]

_Record = TypeVar("_Record")
_KEYS = ("consumer_key", "token_key", "owner", "approved_by")  # columns that are looked up


class Database(Protocol):
    """What a store needs of a connection or a pool of them. All of it raises StoreUnavailable only."""

    def rows(self, statement: str, values: Values) -> Sequence[Row]:
        """Carry out *statement* in a transaction of its own; return the rows of its answer."""

    def change(self, statement: str, values: Values) -> int:
        """Carry out *statement* in a transaction of its own; return how many rows it changed."""

    def count(self, statement: str, values: Values) -> int:
        """Carry out a statement that counts in one row; return what it counted to, 0 without a row."""

    def changes(self, statements: Sequence[tuple[str, Values]]) -> list[int]:
        """Carry out several in one transaction; return how many rows each changed."""


class SQLStore:
    """Every store protocol over a :class:`Database`.

    Args:
        database: Where the statements go.
        statements: In its dialect.
        window: Seconds; the largest ``timestamp_threshold`` of a server that uses it.
        cipher: What encrypts secrets in it; None for no encryption.
    """

    def __init__(
        self, database: Database, statements: Statements, *, window: int = 300, cipher: Cipher | None = None
    ) -> None:
        self.window = window
        self._database = database
        self._sql = statements
        self._cipher = cipher

    # --- nonces -----------------------------------------------------------------

    def add_nonce(self, nonce: str, timestamp: int, consumer_key: str, token_key: str | None) -> bool:
        """See :meth:`~oauth2.stores.NonceStore.add_nonce`.

        Raises:
            StoreUnavailable: The database cannot be written.
        """
        digest = nonce_digest(nonce, timestamp, consumer_key, token_key)
        # One statement, in a transaction of its own: that is what makes it atomic.
        values: dict[str, Any] = {"timestamp": timestamp, "digest": digest}
        if digest[0] % FORGET_EVERY:
            return self._database.change(self._sql.claim, values) == 1
        values["oldest"] = oldest_kept(timestamp, self.window)
        if self._sql.claim_and_forget:
            answer = self._database.rows(self._sql.claim_and_forget, values)
            return bool(answer) and answer[0][0] == 1
        new = self._database.change(self._sql.claim, values) == 1
        if new:
            self._database.changes([(self._sql.advance, {"oldest": values["oldest"]}), (self._sql.forget_nonces, {})])
        return new

    def nonce_count(self) -> int:
        """Return how many nonces are remembered now.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        return int(self._database.rows(self._sql.count_nonces, {})[0][0])

    # --- client and token credentials -------------------------------------------

    def find(
        self, consumer_key: str, token_key: str | None
    ) -> tuple[ClientCredentials | None, TokenCredentials | None]:
        """See :meth:`~oauth2.stores.CredentialStore.find`."""
        if token_key is not None and not self._holds(token_key):
            token_key = None
        if not self._holds(consumer_key):
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
            ValueError: The database cannot hold one of the texts.
            StoreUnavailable: It cannot be written.
        """
        self._database.change(self._sql.put_consumer, self._checked(consumer_row(consumer, self._cipher)))

    def get_consumer(self, key: str) -> ClientCredentials | None:
        """See :meth:`~oauth2.stores.ConsumerStore.get_consumer`."""
        return self._one(self._sql.get_consumer, key, consumer_of)

    def replace_consumer(self, consumer: ClientCredentials) -> bool:
        """See :meth:`~oauth2.stores.ConsumerStore.replace_consumer`.

        Raises:
            ValueError: The database cannot hold one of the texts.
            StoreUnavailable: It cannot be written.
        """
        row = self._checked(consumer_row(consumer, self._cipher))
        return self._database.change(self._sql.replace_consumer, row) == 1

    def remove_consumer(self, key: str) -> bool:
        """See :meth:`~oauth2.stores.ConsumerStore.remove_consumer`."""
        if not self._holds(key):
            return False
        return self._database.changes([(each, {"key": key}) for each in self._sql.remove_consumer])[-1] > 0

    def consumers_of(self, owner: str) -> list[ClientCredentials]:
        """See :meth:`~oauth2.stores.ConsumerStore.consumers_of`."""
        if not self._holds(owner):
            return []
        found = self._database.rows(self._sql.consumers_of, {"owner": owner})
        # Sorted here: databases do not agree on the order of texts.
        return sorted([self._read(consumer_of, row) for row in found], key=lambda each: (each.name, each.key))

    def add_token(self, token: TokenCredentials) -> None:
        """See :meth:`~oauth2.stores.TokenStore.add_token`.

        Raises:
            ValueError: The database cannot hold one of the texts.
            StoreUnavailable: It cannot be written.
        """
        self._database.change(self._sql.put_token, self._checked(token_row(token, self._cipher)))
        self._database.change(self._sql.forget_tokens, {"now": token.issued_at})

    def get_token(self, key: str) -> TokenCredentials | None:
        """See :meth:`~oauth2.stores.TokenStore.get_token`."""
        return self._one(self._sql.get_token, key, token_of)

    def replace_token(self, key: str, token: TokenCredentials) -> bool:
        """See :meth:`~oauth2.stores.TokenStore.replace_token`.

        Raises:
            ValueError: The database cannot hold one of the texts.
            StoreUnavailable: It cannot be written, or has the new key already.
        """
        row = self._checked(token_row(token, self._cipher))
        return self._holds(key) and self._database.change(self._sql.replace_token, {**row, "old_key": key}) == 1

    def revoke_token(self, key: str) -> bool:
        """See :meth:`~oauth2.stores.TokenStore.revoke_token`."""
        return self._holds(key) and self._database.change(self._sql.revoke_token, {"key": key}) == 1

    def tokens_of(self, user: str) -> list[TokenCredentials]:
        """See :meth:`~oauth2.stores.TokenStore.tokens_of`."""
        if not self._holds(user):
            return []
        found = self._database.rows(self._sql.tokens_of, {"approved_by": user})
        return sorted([self._read(token_of, row) for row in found], key=lambda each: each.issued_at, reverse=True)

    # --- temporary credentials --------------------------------------------------

    def issue(self, temporary: TemporaryCredentials) -> None:
        """See :meth:`~oauth2.stores.TemporaryStore.issue`.

        Raises:
            ValueError: The database cannot hold one of the texts.
            StoreUnavailable: It cannot be written.
        """
        row = self._checked(temporary_row(temporary, self._cipher))
        self._database.change(self._sql.put_temporary, {**row, "tries": 0})
        self._database.change(self._sql.forget_temporary, {"now": temporary.issued_at})

    def get_temporary(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.get_temporary`."""
        return self._one(self._sql.get_temporary, key, temporary_of)

    def approve(self, key: str, user: str, verifier: str, realms: tuple[str, ...]) -> bool:
        """See :meth:`~oauth2.stores.TemporaryStore.approve`.

        Raises:
            ValueError: The database cannot hold one of the texts.
            StoreUnavailable: It cannot be written.
        """
        changed = {"approved_by": user, "verifier": seal(verifier, self._cipher), "realms": pack(realms)}
        values = {**self._checked(changed), "key": key}
        return self._holds(key) and self._database.change(self._sql.approve, values) == 1

    def count_try(self, key: str) -> int:
        """See :meth:`~oauth2.stores.TemporaryStore.count_try`."""
        return self._database.count(self._sql.count_try, {"key": key}) if self._holds(key) else 0

    def redeem(self, key: str) -> TemporaryCredentials | None:
        """See :meth:`~oauth2.stores.TemporaryStore.redeem`."""
        return self._one(self._sql.redeem, key, temporary_of)

    # --- secrets at rest --------------------------------------------------------

    def reencrypt(self, position: str | None = None, *, limit: int = 100) -> str | None:
        """Encrypt some secrets anew, under the cipher's present key; plain ones, too.

        Each call does a bounded piece of work, beside whatever else uses the store.

        Args:
            position: What the call before returned; None to begin.
            limit: How many credentials to look at.

        Returns:
            Where to go on, or None when all are done.

        Raises:
            ValueError: The store has no cipher, or *position* is none.
            StoreUnavailable: A secret cannot be decrypted, or the database not be used.
        """
        if self._cipher is None:
            raise ValueError("cipher: the store was made without one")
        names = list(SECRETS)
        name, _, after = (position or f"{names[0]}:").partition(":")
        if name not in names:
            raise ValueError("position: what reencrypt() returned wanted")
        found = self._database.rows(self._sql.batch_of(name), {"after": after, "limit": limit})
        swaps = [
            (
                self._sql.swap(name, column),
                {"key": key, "old": old, "new": seal(unseal(old, self._cipher), self._cipher)},
            )
            for key, *secrets in found
            for column, old in zip(SECRETS[name], secrets, strict=True)
            if old is not None
        ]
        if swaps:
            self._database.changes(swaps)
        if len(found) == limit:
            return f"{name}:{found[-1][0]}"
        rest = names[names.index(name) + 1 :]
        return f"{rest[0]}:" if rest else None

    def _one(self, statement: str, key: str, make: Callable[[Row, Cipher | None], _Record]) -> _Record | None:
        found = self._database.rows(statement, {"key": key}) if self._holds(key) else ()
        return self._read(make, found[0]) if found else None

    def _read(self, make: Callable[[Row, Cipher | None], _Record], row: Row) -> _Record:
        try:
            return make(row, self._cipher)
        except (ValueError, TypeError):
            pass
        raise StoreUnavailable("What is in the store cannot be read.")  # out here, without a part of it

    def _holds(self, key: str) -> bool:
        longest = self._sql.dialect.longest_key
        return self._can_be_kept(key) and (longest is None or len(key) <= longest)

    def _can_be_kept(self, text: str) -> bool:
        if "\0" in text and not self._sql.dialect.holds_nul:
            return False
        if text.isascii():
            return True
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
        return True

    def _checked(self, row: dict[str, Any]) -> dict[str, Any]:
        for column, value in row.items():
            if isinstance(value, str) and not (self._holds(value) if column in _KEYS else self._can_be_kept(value)):
                raise ValueError(f"{column}: too long, or with a character that the database cannot hold")
        return row
