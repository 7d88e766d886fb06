"""The differences between the databases: column types, table options, and the texts that a database can store."""

from __future__ import annotations

from dataclasses import dataclass

from .nonces import DIGEST_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The properties in which a database differs from other databases.

    Attributes:
        name: The name of the database.
        key: The column type of a key. Comparisons must be exact: trailing blanks and accents are significant.
        text: The column type of other text.
        integer: The column type of a time.
        digest: The column type of the digest of a nonce.
        end: The text that follows the list of columns in CREATE TABLE.
        longest_key: The largest number of characters of a key that a column can store; None for no limit.
        stores_nul: Whether a text may contain U+0000.
        keyed_by_grant: True if the primary key of the token table is the grant, and the token key has a unique index.
            False if the primary key is the token key, and the grant has a unique index.
    """

    name: str
    key: str
    text: str
    integer: str = "BIGINT"
    digest: str
    end: str = ""
    longest_key: int | None = 255
    stores_nul: bool = True
    keyed_by_grant: bool = False

    def can_store_key(self, key: str) -> bool:
        """Return whether *key* can be stored in a column of keys, and be found in this column."""
        return self.can_store(key) and (self.longest_key is None or len(key) <= self.longest_key)

    def can_store(self, text: str) -> bool:
        """Return whether *text* can be stored.

        The text must have a UTF-8 form. The text may contain NUL only if the database allows NUL.
        """
        if "\0" in text and not self.stores_nul:
            return False
        if text.isascii():
            return True
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
        return True


_EXACT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
SQLITE = Dialect(
    name="sqlite", key="TEXT", text="TEXT", integer="INTEGER", digest="BLOB", end=" WITHOUT ROWID", longest_key=None
)
POSTGRESQL = Dialect(
    name="postgresql",
    key='VARCHAR(255) COLLATE "C"',
    text="TEXT",
    digest="BYTEA",
    stores_nul=False,
)
MARIADB = Dialect(
    name="mariadb",
    key=f"VARCHAR(255) {_EXACT}",
    text=f"MEDIUMTEXT {_EXACT}",
    digest=f"BINARY({DIGEST_SIZE})",
    end=" ENGINE=InnoDB",
    # InnoDB moves a row when its primary key changes. A renewal changes the token key, but not the grant. If the token
    # key were the primary key, a revocation that waits for the renewal could miss the row.
    keyed_by_grant=True,
)
