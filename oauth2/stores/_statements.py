"""The SQL statements of the stores, in the dialects of SQLite, PostgreSQL and MariaDB.

The table ``nonce_horizon`` has one row, the *horizon*: the lowest timestamp that is accepted. Nonces with
lower timestamps may be deleted.
"""

# ruff: noqa: S608 - the statements contain only constants and the prefix, and the prefix is checked

from __future__ import annotations

import re

from ._dialects import MARIADB, POSTGRESQL, SQLITE, Dialect
from ._rows import CONSUMER, KEYS, SECRETS, TEMPORARY, TOKEN
from .nonces import BUCKET

VERSION = 2  # Schema version of databases with a version table. In version 1, tokens had no grant.
DELETE_EVERY = 64  # One of 64 calls of add_nonce() deletes old nonces.
# The maximum number of rows that one deletion of old nonces deletes. This number must be larger than 64, because a
# deletion follows only one of 64 claims. Otherwise the table could grow without a limit.
DELETE_AT_MOST = 256
DELETE_BESIDE = 8  # The maximum number of expired credentials that are deleted when new credentials are added.


# MariaDB accepts several statements in one compound statement, which saves round trips. The handler ignores the errors
# 1205 (lock wait timeout) and 1213 (deadlock). If another transaction has locked a row that should be deleted, a later
# call deletes this row.
_BEGIN = "BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR 1205, 1213 BEGIN END; "
_WITHOUT_WAITING = "SET STATEMENT innodb_lock_wait_timeout = 0 FOR "


class Statements:
    """The SQL statements of a store, with named parameters.

    Args:
        dialect: The dialect of the database.
        prefix: The prefix of the name of each table: lower-case letters, digits and ``_``.

    Raises:
        ValueError: *prefix* contains another character, starts with a digit, or is longer than 32 characters.
    """

    def __init__(self, dialect: Dialect, prefix: str = "") -> None:
        if not re.fullmatch(r"([a-z_][a-z0-9_]{0,31})?", prefix):
            raise ValueError("prefix: must be at most 32 lower-case letters, digits and _, and not start with a digit")
        self.dialect = dialect
        self.prefix = prefix
        names = ("consumer", "token", "temporary", "nonce", "nonce_horizon", "schema_version")
        self._tables = {name: prefix + name for name in names}
        self._write_consumer_statements()
        self._write_token_statements()
        self._write_temporary_statements()
        self._write_nonce_statements()

    def _write_consumer_statements(self) -> None:
        consumer, token, temporary = self._tables["consumer"], self._tables["token"], self._tables["temporary"]
        consumer_columns = ", ".join([f"consumer.{column}" for column in CONSUMER])
        token_columns = ", ".join([f"token.{column}" for column in TOKEN])
        self.find = (
            f"SELECT {consumer_columns}, {token_columns} FROM (SELECT 1 AS one) AS request"
            f" LEFT JOIN {consumer} AS consumer ON consumer.consumer_key = :consumer_key"
            f" LEFT JOIN {token} AS token ON token.token_key = :token_key"
        )
        self.put_consumer = self._put("consumer", CONSUMER)
        self.get_consumer = f"SELECT {', '.join(CONSUMER)} FROM {consumer} WHERE consumer_key = :key"
        changed = ", ".join([f"{column} = :{column}" for column in CONSUMER if column != "consumer_key"])
        self.replace_consumer = f"UPDATE {consumer} SET {changed} WHERE consumer_key = :consumer_key"
        self.consumers_of = f"SELECT {', '.join(CONSUMER)} FROM {consumer} WHERE owner = :owner"
        self.list_consumers = (
            f"SELECT {', '.join(CONSUMER)} FROM {consumer} WHERE consumer_key > :after"
            " ORDER BY consumer_key LIMIT :limit"
        )
        # Temporary credentials must be deleted before tokens. Otherwise a concurrent redemption could add a token
        # after the tokens were deleted.
        self.remove_consumer = tuple(
            f"DELETE FROM {table} WHERE consumer_key = :key" for table in (temporary, token, consumer)
        )

    def _write_token_statements(self) -> None:
        token = self._tables["token"]
        self.put_token = self._put("token", (*TOKEN, "ends_at"))
        self.get_token = f"SELECT {', '.join(TOKEN)} FROM {token} WHERE token_key = :key"
        assignments = ", ".join([f"{column} = :{column}" for column in (*TOKEN, "ends_at")])
        self.replace_token = f"UPDATE {token} SET {assignments} WHERE grant_key = :grant_key AND token_key = :old_key"
        returning = f" RETURNING {', '.join(TOKEN)}"
        revoke = f"DELETE FROM {token} WHERE grant_key = :grant_key"
        self.revoke_grant = revoke + returning
        self.revoke_grant_of = revoke + " AND approved_by = :approved_by" + returning
        self.tokens_of = f"SELECT {', '.join(TOKEN)} FROM {token} WHERE approved_by = :approved_by"
        page = "grant_key > :after ORDER BY grant_key LIMIT :limit"
        self.list_tokens = f"SELECT {', '.join(TOKEN)} FROM {token} WHERE {page}"
        self.list_tokens_of_consumer = (
            f"SELECT {', '.join(TOKEN)} FROM {token} WHERE consumer_key = :consumer_key AND {page}"
        )
        self.delete_expired_tokens = self._delete_some(
            "token", "token_key", "ends_at <= :now", "ends_at", DELETE_BESIDE
        )

    def _write_temporary_statements(self) -> None:
        table, columns = self._tables["temporary"], ", ".join(TEMPORARY)
        self.put_temporary = self._put("temporary", (*TEMPORARY, "tries"))
        self.get_temporary = f"SELECT {columns} FROM {table} WHERE token_key = :key"
        self.approve = (
            f"UPDATE {table} SET approved_by = :approved_by, verifier = :verifier, realms = :realms"
            " WHERE token_key = :key AND approved_by IS NULL"
        )
        if self.dialect is MARIADB:  # In MariaDB, UPDATE cannot return a value; last_insert_id() returns the new value.
            self.count_try = f"UPDATE {table} SET tries = last_insert_id(tries + 1) WHERE token_key = :key"
        else:
            self.count_try = f"UPDATE {table} SET tries = tries + 1 WHERE token_key = :key RETURNING tries"
        self.remove_temporary = f"DELETE FROM {table} WHERE token_key = :key"
        self.redeem = f"{self.remove_temporary} RETURNING {columns}"
        self.delete_expired_temporary = self._delete_some(
            "temporary", "token_key", "expires_at <= :now", "expires_at", DELETE_BESIDE
        )

    def _write_nonce_statements(self) -> None:
        nonce, horizon = self._tables["nonce"], self._tables["nonce_horizon"]
        # If the timestamp is below the horizon, or if the nonce was used before, the claim inserts no row.
        row = f"INTO {nonce} (timestamp, digest) SELECT :timestamp, :digest FROM {horizon}"
        row += " WHERE one = 1 AND oldest <= :timestamp"
        self.count_nonces = f"SELECT count(*) FROM {nonce}"
        self.advance = f"UPDATE {horizon} SET oldest = :oldest WHERE one = 1 AND oldest < :oldest"
        # BUCKET is subtracted, so that the nonces of the last minute below the horizon are not deleted. A claim that
        # started before the horizon was raised must still find a used nonce of this minute.
        old = f"timestamp < (SELECT oldest - {BUCKET} FROM {horizon} WHERE one = 1)"
        self.delete_old_nonces = self._delete_some("nonce", "timestamp, digest", old, "timestamp", DELETE_AT_MOST)
        if self.dialect is POSTGRESQL:
            insert = f"INSERT {row.replace(':digest', 'CAST(:digest AS BYTEA)')} ON CONFLICT DO NOTHING"
            insert = insert.replace(":timestamp", "CAST(:timestamp AS BIGINT)")
            advance = self.advance.replace(":oldest", "CAST(:oldest AS BIGINT)")
            self.claim = insert
            self.claim_and_delete = (
                f"WITH advanced AS ({advance}), deleted AS ({self.delete_old_nonces}) {insert} RETURNING 1"
            )
        elif self.dialect is MARIADB:
            # IGNORE suppresses the error for a duplicate key, and also all other errors. After a suppressed error,
            # row_count() is 0, so the nonce is refused.
            self.claim = f"INSERT IGNORE {row}"
            delete = self.delete_old_nonces.removeprefix(_BEGIN)
            self.claim_and_delete = f"{_BEGIN}{self.claim}; SELECT row_count(); {self.advance}; {delete}"
        else:
            self.claim = f"INSERT OR IGNORE {row}"
            # SQLite has no network round trips, so one combined statement would not be faster.
            self.claim_and_delete = ""

    def _put(self, name: str, columns: tuple[str, ...]) -> str:
        values = ", ".join([f":{column}" for column in columns])
        into = f"INTO {self._tables[name]} ({', '.join(columns)}) VALUES ({values})"
        if self.dialect is MARIADB:
            return f"REPLACE {into}"
        key = KEYS[name]
        others = ", ".join([f"{column} = excluded.{column}" for column in columns if column != key])
        return f"INSERT {into} ON CONFLICT ({key}) DO UPDATE SET {others}"

    def _delete_some(self, name: str, key: str, condition: str, order: str, limit: int) -> str:
        table, rows = self._tables[name], f"WHERE {condition} ORDER BY {order} LIMIT {limit}"
        if self.dialect is MARIADB:
            return f"{_BEGIN}{_WITHOUT_WAITING}DELETE FROM {table} {rows}; END"
        if self.dialect is POSTGRESQL:
            # With ctid, PostgreSQL reads only the selected rows. Without ctid, PostgreSQL might scan the whole table.
            return (
                f"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} {rows} FOR UPDATE SKIP LOCKED))"
            )
        return f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} {rows})"

    def batch_of(self, name: str) -> str:
        """Return a SELECT statement that reads one batch of keys and secrets, sorted by key.

        Args:
            name: The name of the table without the prefix, such as ``"token"``.
        """
        key, columns = KEYS[name], ", ".join(SECRETS[name])
        return f"SELECT {key}, {columns} FROM {self._tables[name]} WHERE {key} > :after ORDER BY {key} LIMIT :limit"

    def swap(self, name: str, column: str) -> str:
        """Return an UPDATE statement that replaces the stored form of a secret.

        The statement changes nothing if the stored form has changed since the caller read it.

        Args:
            name: The name of the table without the prefix, such as ``"token"``.
            column: The column that contains the secret.
        """
        return f"UPDATE {self._tables[name]} SET {column} = :new WHERE {KEYS[name]} = :key AND {column} = :old"

    @property
    def read_version(self) -> str:
        """The SELECT statement that reads the schema version."""
        return f"SELECT version FROM {self._tables['schema_version']} WHERE one = 1"

    @property
    def version_table(self) -> str:
        """The name of the table that contains the schema version."""
        return self._tables["schema_version"]

    def create_nonces(self) -> list[str]:
        """Return the statements that create the tables of nonces if they do not exist."""
        integer, end = self.dialect.integer, self.dialect.end
        nonce, horizon = self._tables["nonce"], self._tables["nonce_horizon"]
        return [
            f"CREATE TABLE IF NOT EXISTS {nonce} (timestamp {integer} NOT NULL, digest {self.dialect.digest} NOT NULL,"
            f" PRIMARY KEY (timestamp, digest)){end}",
            f"CREATE TABLE IF NOT EXISTS {horizon} (one INTEGER PRIMARY KEY CHECK (one = 1),"
            f" oldest {integer} NOT NULL){end}",
            self._insert_once(horizon, "1, 0"),
        ]

    def create_credentials(self) -> list[str]:
        """Return the statements that create the tables of credentials if they do not exist."""
        key, text, integer = self.dialect.key, self.dialect.text, self.dialect.integer
        tables = {
            "consumer": f"consumer_key {key} PRIMARY KEY, secret {text} NOT NULL, previous_secret {text},"
            f" public_key {text}, name {text} NOT NULL, callbacks {text} NOT NULL, signature_methods {text},"
            f" two_legged INTEGER NOT NULL, xauth INTEGER NOT NULL, owner {key}",
            "token": self._token_columns(),
            "temporary": f"token_key {key} PRIMARY KEY, secret {text} NOT NULL, consumer_key {key} NOT NULL,"
            f" callback {text} NOT NULL, issued_at {integer} NOT NULL, expires_at {integer} NOT NULL,"
            f" realms {text} NOT NULL, approved_by {key}, verifier {text}, tries INTEGER NOT NULL",
        }
        indexes = {
            "consumer": ("owner",),
            "token": ("approved_by", "consumer_key", "ends_at"),
            "temporary": ("consumer_key", "expires_at"),
        }
        made = [
            f"CREATE TABLE IF NOT EXISTS {self._tables[name]} ({columns}){self.dialect.end}"
            for name, columns in tables.items()
        ]
        other = "token_key" if self.dialect.keyed_by_grant else "grant_key"
        made.append(
            f"CREATE UNIQUE INDEX IF NOT EXISTS {self.prefix}token_{other} ON {self._tables['token']} ({other})"
        )
        return made + [
            f"CREATE INDEX IF NOT EXISTS {self.prefix}{name}_{column} ON {self._tables[name]} ({column})"
            for name, columns in indexes.items()
            for column in columns
        ]

    def _token_columns(self) -> str:
        key, text, integer = self.dialect.key, self.dialect.text, self.dialect.integer
        primary = "grant_key" if self.dialect.keyed_by_grant else "token_key"
        return (
            f"token_key {key} NOT NULL, secret {text} NOT NULL, consumer_key {key} NOT NULL,"
            f" approved_by {key} NOT NULL, issued_at {integer} NOT NULL, realms {text} NOT NULL,"
            f" expires_at {integer}, session_handle {text}, session_expires_at {integer}, ends_at {integer},"
            f" grant_key {key} NOT NULL, PRIMARY KEY ({primary})"
        )

    def add_grants(self) -> list[str]:
        """Return the statements that add the grant column to the token table.

        Each existing token gets its own key as its grant.

        The caller must then execute the statements of :meth:`create_credentials`, because they create the indexes.
        """
        table, key = self._tables["token"], self.dialect.key
        if self.dialect is SQLITE:
            # SQLite cannot add a NOT NULL column to a table with rows, so the table is created again.
            new, columns = f"{table}_new", ", ".join([*TOKEN[:-1], "ends_at"])
            return [
                f"CREATE TABLE {new} ({self._token_columns()}){self.dialect.end}",
                f"INSERT INTO {new} ({columns}, grant_key) SELECT {columns}, token_key FROM {table}",
                f"DROP TABLE {table}",
                f"ALTER TABLE {new} RENAME TO {table}",
            ]
        change = "ALTER COLUMN grant_key SET NOT NULL"
        if self.dialect is MARIADB:
            change = f"MODIFY grant_key {key} NOT NULL, DROP PRIMARY KEY, ADD PRIMARY KEY (grant_key)"
        return [  # MariaDB cannot run these statements in one transaction, so repeating each statement must be safe.
            f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS grant_key {key}",
            f"UPDATE {table} SET grant_key = token_key WHERE grant_key IS NULL",
            f"ALTER TABLE {table} {change}",
        ]

    def create_version(self) -> list[str]:
        """Return the statements that create the version table and its row.

        The caller must execute these statements last, because a version in the table means that the schema is complete.
        """
        table = self._tables["schema_version"]
        return [
            f"CREATE TABLE IF NOT EXISTS {table} (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL)"
            f"{self.dialect.end}",
            self._insert_once(table, f"1, {VERSION}"),
            f"UPDATE {table} SET version = {VERSION} WHERE version < {VERSION}",
        ]

    def _insert_once(self, table: str, values: str) -> str:
        if self.dialect is MARIADB:
            return f"INSERT IGNORE INTO {table} VALUES ({values})"
        return f"INSERT INTO {table} VALUES ({values}) ON CONFLICT DO NOTHING"
