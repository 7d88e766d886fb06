"""The SQL of the stores: one set of statements in three dialects."""

# ruff: noqa: S608 - the names in them are the store's own, and checked

from __future__ import annotations

import re
from dataclasses import dataclass

from .nonces import BUCKET, DIGEST_SIZE
from .rows import CONSUMER, KEYS, SECRETS, TEMPORARY, TOKEN

VERSION = 1  # of the schema of a database with a version row
FORGET_EVERY = 64  # one claim in so many looks for nonces that can go
FORGET_AT_MOST = 256  # rows a look: more than came in, so that it keeps up
FORGET_BESIDE = 8  # credentials that may go whenever new ones come


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What differs between databases.

    Attributes:
        name: Of the database.
        key: Type of a key: compared exactly, no blank and no accent ignored.
        text: Type of other text.
        integer: Type of a time.
        digest: Type of a nonce's digest.
        end: After the columns of a table.
        longest_key: Characters; None for no limit.
        holds_nul: Text may have U+0000 in it.
    """

    name: str
    key: str
    text: str
    integer: str = "BIGINT"
    digest: str
    end: str = ""
    longest_key: int | None = 255
    holds_nul: bool = True


_EXACT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
SQLITE = Dialect(
    name="sqlite", key="TEXT", text="TEXT", integer="INTEGER", digest="BLOB", end=" WITHOUT ROWID", longest_key=None
)
POSTGRESQL = Dialect(
    name="postgresql",
    key='VARCHAR(255) COLLATE "C"',
    text="TEXT",
    digest="BYTEA",
    holds_nul=False,
)
MARIADB = Dialect(
    name="mariadb",
    key=f"VARCHAR(255) {_EXACT}",
    text=f"MEDIUMTEXT {_EXACT}",
    digest=f"BINARY({DIGEST_SIZE})",
    end=" ENGINE=InnoDB",
)

# In MariaDB several statements are one for whoever sends them. What others are at is left alone.
_BEGIN = "BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR 1205, 1213 BEGIN END; "
_AT_ONCE = "SET STATEMENT innodb_lock_wait_timeout = 0 FOR "


class Statements:
    """What the stores say to a database, with named parameters.

    Args:
        dialect: The database's.
        prefix: Before the name of each table: lower-case letters, digits and ``_``.

    Raises:
        ValueError: *prefix* is something else, or longer than 32.
    """

    def __init__(self, dialect: Dialect, prefix: str = "") -> None:
        if not re.fullmatch(r"([a-z_][a-z0-9_]{0,31})?", prefix):
            raise ValueError("prefix: at most 32 lower-case letters, digits and _ wanted, no digit first")
        self.dialect = dialect
        self.prefix = prefix
        names = ("consumer", "token", "temporary", "nonce", "nonce_horizon", "schema_version")
        self._tables = {name: prefix + name for name in names}
        self._name_credentials()
        self._name_temporary()
        self._name_nonces()

    def _name_credentials(self) -> None:
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
        self.remove_consumer = tuple(
            f"DELETE FROM {table} WHERE consumer_key = :key" for table in (token, temporary, consumer)
        )
        self.put_token = self._put("token", (*TOKEN, "ends_at"))
        self.get_token = f"SELECT {', '.join(TOKEN)} FROM {token} WHERE token_key = :key"
        assignments = ", ".join([f"{column} = :{column}" for column in (*TOKEN, "ends_at")])
        self.replace_token = f"UPDATE {token} SET {assignments} WHERE token_key = :old_key"
        self.revoke_token = f"DELETE FROM {token} WHERE token_key = :key"
        self.tokens_of = f"SELECT {', '.join(TOKEN)} FROM {token} WHERE approved_by = :approved_by"
        self.forget_tokens = self._forget("token", "token_key", "ends_at <= :now", "ends_at", FORGET_BESIDE)

    def _name_temporary(self) -> None:
        table, columns = self._tables["temporary"], ", ".join(TEMPORARY)
        self.put_temporary = self._put("temporary", (*TEMPORARY, "tries"))
        self.get_temporary = f"SELECT {columns} FROM {table} WHERE token_key = :key"
        self.approve = (
            f"UPDATE {table} SET approved_by = :approved_by, verifier = :verifier, realms = :realms"
            " WHERE token_key = :key AND approved_by IS NULL"
        )
        if self.dialect is MARIADB:  # which answers an UPDATE with the last "insert id"
            self.count_try = f"UPDATE {table} SET tries = last_insert_id(tries + 1) WHERE token_key = :key"
        else:
            self.count_try = f"UPDATE {table} SET tries = tries + 1 WHERE token_key = :key RETURNING tries"
        self.redeem = f"DELETE FROM {table} WHERE token_key = :key RETURNING {columns}"
        self.forget_temporary = self._forget(
            "temporary", "token_key", "expires_at <= :now", "expires_at", FORGET_BESIDE
        )

    def _name_nonces(self) -> None:
        nonce, horizon = self._tables["nonce"], self._tables["nonce_horizon"]
        # No row where the timestamp is too old, none where the claim is not the first.
        what = f"INTO {nonce} (timestamp, digest) SELECT :timestamp, :digest FROM {horizon}"
        what += " WHERE one = 1 AND oldest <= :timestamp"
        self.count_nonces = f"SELECT count(*) FROM {nonce}"
        self.advance = f"UPDATE {horizon} SET oldest = :oldest WHERE one = 1 AND oldest < :oldest"
        # One bucket less than is refused: a claim that began just before the horizon went on finds what it looks for.
        old = f"timestamp < (SELECT oldest - {BUCKET} FROM {horizon} WHERE one = 1)"
        self.forget_nonces = self._forget("nonce", "timestamp, digest", old, "timestamp", FORGET_AT_MOST)
        if self.dialect is POSTGRESQL:
            insert = f"INSERT {what.replace(':digest', 'CAST(:digest AS BYTEA)')} ON CONFLICT DO NOTHING"
            insert = insert.replace(":timestamp", "CAST(:timestamp AS BIGINT)")
            advance = self.advance.replace(":oldest", "CAST(:oldest AS BIGINT)")
            self.claim = insert
            self.claim_and_forget = f"WITH advanced AS ({advance}), gone AS ({self.forget_nonces}) {insert} RETURNING 1"
        elif self.dialect is MARIADB:
            # IGNORE passes over other errors than a second claim, too; none of them makes a row count.
            self.claim = f"INSERT IGNORE {what}"
            forget = self.forget_nonces.removeprefix(_BEGIN)
            self.claim_and_forget = f"{_BEGIN}{self.claim}; SELECT row_count(); {self.advance}; {forget}"
        else:
            self.claim = f"INSERT OR IGNORE {what}"
            self.claim_and_forget = ""  # several statements: SQLite is no journey away

    def _put(self, name: str, columns: tuple[str, ...]) -> str:
        values = ", ".join([f":{column}" for column in columns])
        into = f"INTO {self._tables[name]} ({', '.join(columns)}) VALUES ({values})"
        if self.dialect is MARIADB:
            return f"REPLACE {into}"
        key = KEYS[name]
        others = ", ".join([f"{column} = excluded.{column}" for column in columns if column != key])
        return f"INSERT {into} ON CONFLICT ({key}) DO UPDATE SET {others}"

    def _forget(self, name: str, key: str, condition: str, order: str, limit: int) -> str:
        table, which = self._tables[name], f"WHERE {condition} ORDER BY {order} LIMIT {limit}"
        if self.dialect is MARIADB:
            return f"{_BEGIN}{_AT_ONCE}DELETE FROM {table} {which}; END"
        if self.dialect is POSTGRESQL:  # by place: whatever it knows of the table, it reads no other row
            return (
                f"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} {which} FOR UPDATE SKIP LOCKED))"
            )
        return f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} {which})"

    def batch_of(self, name: str) -> str:
        """Return what reads some keys and secrets of a table, in the order of the keys."""
        key, columns = KEYS[name], ", ".join(SECRETS[name])
        return f"SELECT {key}, {columns} FROM {self._tables[name]} WHERE {key} > :after ORDER BY {key} LIMIT :limit"

    def swap(self, name: str, column: str) -> str:
        """Return what writes a secret in another form, unless somebody has changed it."""
        return f"UPDATE {self._tables[name]} SET {column} = :new WHERE {KEYS[name]} = :key AND {column} = :old"

    @property
    def read_version(self) -> str:
        """What reads the version of the schema."""
        return f"SELECT version FROM {self._tables['schema_version']} WHERE one = 1"

    @property
    def version_table(self) -> str:
        """Name of the table with the version."""
        return self._tables["schema_version"]

    def make_nonces(self) -> list[str]:
        """Return what makes the tables of nonces, where they are not."""
        integer, end = self.dialect.integer, self.dialect.end
        nonce, horizon = self._tables["nonce"], self._tables["nonce_horizon"]
        return [
            f"CREATE TABLE IF NOT EXISTS {nonce} (timestamp {integer} NOT NULL, digest {self.dialect.digest} NOT NULL,"
            f" PRIMARY KEY (timestamp, digest)){end}",
            f"CREATE TABLE IF NOT EXISTS {horizon} (one INTEGER PRIMARY KEY CHECK (one = 1),"
            f" oldest {integer} NOT NULL){end}",
            self._insert_once(horizon, "1, 0"),
        ]

    def make_credentials(self) -> list[str]:
        """Return what makes the other tables, where they are not."""
        key, text, integer = self.dialect.key, self.dialect.text, self.dialect.integer
        tables = {
            "consumer": f"consumer_key {key} PRIMARY KEY, secret {text} NOT NULL, previous_secret {text},"
            f" public_key {text}, name {text} NOT NULL, callbacks {text} NOT NULL, signature_methods {text},"
            f" two_legged INTEGER NOT NULL, xauth INTEGER NOT NULL, owner {key}",
            "token": f"token_key {key} PRIMARY KEY, secret {text} NOT NULL, consumer_key {key} NOT NULL,"
            f" approved_by {key} NOT NULL, issued_at {integer} NOT NULL, realms {text} NOT NULL,"
            f" expires_at {integer}, session_handle {text}, session_expires_at {integer}, ends_at {integer}",
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
        return made + [
            f"CREATE INDEX IF NOT EXISTS {self.prefix}{name}_{column} ON {self._tables[name]} ({column})"
            for name, columns in indexes.items()
            for column in columns
        ]

    def make_version(self) -> list[str]:
        """Return what makes the table with the version, and its one row: last, when all else is there."""
        table = self._tables["schema_version"]
        return [
            f"CREATE TABLE IF NOT EXISTS {table} (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL)"
            f"{self.dialect.end}",
            self._insert_once(table, f"1, {VERSION}"),
        ]

    def _insert_once(self, table: str, values: str) -> str:
        if self.dialect is MARIADB:
            return f"INSERT IGNORE INTO {table} VALUES ({values})"
        return f"INSERT INTO {table} VALUES ({values}) ON CONFLICT DO NOTHING"
