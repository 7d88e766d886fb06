"""Open a store by its URL, for example a URL from a configuration file or an environment variable.

======================================== =====================================================
URL                                      store
======================================== =====================================================
``sqlite:///provider.db``                ``SQLiteStore`` in the working directory
``sqlite:////var/lib/oauth/provider.db`` ``SQLiteStore`` with an absolute path
``postgresql+psycopg://user@host/name``  ``SQLAlchemyStore``; ``postgresql://`` means the same
``mysql+pymysql://user@host/name``       ``SQLAlchemyStore``; ``mariadb://`` means the same
``redis://host/0``, ``rediss://host/0``  ``RedisStore``: nonces only
======================================== =====================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from .cipher import Cipher
from .combined import CombinedStore
from .nonces import checked_seconds
from .sqlite import SQLiteStore

if TYPE_CHECKING:
    from redis import Redis
    from sqlalchemy import Engine

    from .redis import RedisStore
    from .sqlalchemy import SQLAlchemyStore
else:
    # With these names, typing.get_type_hints() works without SQLAlchemy and redis-py.
    Engine = Redis = RedisStore = SQLAlchemyStore = object

__all__ = [
    "connect_redis",
    "create_engine",
    "kind_of",
    "open_credential_store",
    "open_nonce_store",
    "open_store",
    "secrets_of",
    "shown_url",
    "sqlite_path",
]

# Key: the scheme of a URL. Value: the SQLAlchemy driver for the scheme. If the URL contains another driver, such as
# psycopg2, that driver is used.
_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
_KINDS = {
    "sqlite": "sqlite",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "mysql": "mariadb",
    "mariadb": "mariadb",
    "redis": "redis",
    "rediss": "redis",
}
_ASYNCIO = ("asyncpg", "psycopg_async", "asyncmy", "aiomysql", "aiosqlite")
_KEPT_ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


def open_store(
    url: str,
    *,
    nonces: str | None = None,
    prefix: str | None = None,
    cipher: Cipher | None = None,
    window: int = 300,
    timeout: float = 10.0,
) -> SQLiteStore | SQLAlchemyStore | CombinedStore:
    """Open the store of a provider. If necessary, its file or tables are created or upgraded.

    Args:
        url: The URL of the database for credentials. A password in the URL must be percent-encoded.
        nonces: The URL of another database for nonces, such as Redis; None to store nonces and credentials in the same
            database.
        prefix: The prefix of the names of tables; None for the default. For an SQLite file, *prefix* must be None.
        cipher: The cipher that encrypts secrets; None for no encryption.
        window: The largest ``timestamp_threshold`` of a server that may use this store, in seconds.
        timeout: Seconds to wait for a connection, and for a database or Redis that does not respond. This timeout does
            not end a statement of PostgreSQL that waits for a lock or for a synchronous standby.

    Raises:
        TypeError: *window* or *timeout* is not a number.
        ValueError: A URL is not the URL of a store, *url* is the URL of a Redis server, or another argument is not
            valid. The message contains no part of the URL.
        ModuleNotFoundError: The library for the database is not installed.
        StoreUnavailable: The database cannot be used.
    """
    store = open_credential_store(url, prefix=prefix, cipher=cipher, window=window, timeout=timeout)
    if nonces is None:
        return store
    try:
        other = open_nonce_store(nonces, window=window, timeout=timeout)
    except BaseException:
        store.close()
        raise
    return CombinedStore(credentials=store, temporary=store, nonces=other)


def open_credential_store(
    url: str,
    *,
    prefix: str | None = None,
    cipher: Cipher | None = None,
    window: int = 300,
    timeout: float = 10.0,
) -> SQLiteStore | SQLAlchemyStore:
    """Open one store for all records of a provider; see :func:`open_store` for the arguments and errors."""
    kind = kind_of(url)
    if kind == "redis":
        raise ValueError("url: must be the URL of a database for credentials; Redis can only store nonces")
    return _open_sql(url, kind, prefix=prefix, cipher=cipher, window=window, timeout=timeout)


def open_nonce_store(
    url: str, *, prefix: str | None = None, window: int = 300, timeout: float = 10.0
) -> SQLiteStore | SQLAlchemyStore | RedisStore:
    """Open a store for nonces; see :func:`open_store` for the arguments and errors.

    *url* may also be the URL of a Redis server. For Redis, this function opens no connection.
    """
    kind = kind_of(url)
    if kind != "redis":
        return _open_sql(url, kind, prefix=prefix, cipher=None, window=window, timeout=timeout)
    from .redis import RedisStore

    client = connect_redis(url, timeout=timeout)
    return RedisStore(client, window=window) if prefix is None else RedisStore(client, window=window, prefix=prefix)


def kind_of(url: str) -> str:
    """Return the kind of the database at *url*: "sqlite", "postgresql", "mariadb" or "redis".

    Raises:
        ValueError: *url* has another scheme.
    """
    scheme, colon, _ = url.partition("://")
    kind = _KINDS.get(scheme.partition("+")[0])
    if not colon or kind is None:
        raise ValueError("url: must start with sqlite:///, postgresql://, mysql://, redis:// or rediss://")
    return kind


def shown_url(url: str) -> str:
    """Return *url* without its password and its query, for messages."""
    scheme, _, rest = url.partition("://")
    place = rest.partition("?")[0].partition("#")[0]
    user, at, host = place.rpartition("@")
    name, colon, _ = user.partition(":")
    return f"{scheme}://{name}{':***' if colon else ''}{at}{host}"


def secrets_of(url: str) -> list[str]:
    """Return the passwords in *url*, so that messages can leave them out.

    The password before the host is returned in two forms: percent-encoded, as in *url*, and decoded. Passwords in the
    query are returned decoded.
    """
    rest, _, query = url.partition("://")[2].partition("?")
    written = rest.rpartition("@")[0].partition(":")[2]
    named = [value for name, value in parse_qsl(query) if "pass" in name.lower()]
    return [each for each in {written, unquote(written), *named} if each]


def sqlite_path(url: str) -> str:
    """Return the path in the URL of an SQLite file.

    Raises:
        ValueError: *url* has no path, or has a query.
    """
    place = url.partition("://")[2]
    if not place.startswith("/") or len(place) == 1 or "?" in place or "\0" in place:
        raise ValueError("url: must be sqlite:/// and the path of a file, such as sqlite:///provider.db")
    return place[1:]


def create_engine(url: str, *, timeout: float = 10.0) -> Engine:
    """Return an SQLAlchemy engine for PostgreSQL or MariaDB with the settings that a store needs.

    Options in the query of *url* are passed to the driver, and replace the settings of this function.

    Raises:
        ValueError: *url* cannot be read, or contains the name of an asyncio driver.
        ModuleNotFoundError: SQLAlchemy or the driver is not installed.
    """
    import sqlalchemy as sa
    from sqlalchemy import exc as sa_exc

    scheme, _, rest = url.partition("://")
    driver = _DRIVERS.get(scheme, scheme)
    if driver.partition("+")[2] in _ASYNCIO:
        raise ValueError("url: must name a blocking driver, such as postgresql+psycopg or mysql+pymysql")
    seconds = max(round(checked_seconds("timeout", timeout)), 2)  # libpq treats 1 second as 2 seconds.
    options = {"connect_timeout": seconds}
    if driver == "postgresql+psycopg":
        options |= {**_KEPT_ALIVE, "tcp_user_timeout": 1000 * seconds}
    elif driver == "mysql+pymysql":
        options |= {"read_timeout": seconds, "write_timeout": seconds}
    engine = None
    try:
        parsed = sa.make_url(f"{driver}://{rest}")
        given = {name: value for name, value in options.items() if name not in parsed.query}
        engine = sa.create_engine(
            parsed,
            connect_args=given,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            hide_parameters=True,
        )
    except (sa_exc.ArgumentError, ValueError, TypeError):
        pass
    if engine is None:  # This error is raised outside the except block, so that the traceback does not show the URL.
        raise ValueError("url: must have the form scheme://user:password@host:port/database, and a known driver")
    return engine


def connect_redis(url: str, *, timeout: float = 10.0) -> Redis:
    """Return a client of redis-py that raises an error if the server does not respond within *timeout* seconds.

    Raises:
        ValueError: *url* cannot be read.
        ModuleNotFoundError: redis-py is not installed.
    """
    from redis import Redis

    seconds = checked_seconds("timeout", timeout)
    client = None
    try:
        if urlsplit(url).hostname:
            client = Redis.from_url(url, socket_timeout=seconds, socket_connect_timeout=seconds)
    except (ValueError, TypeError):
        pass
    if client is None:  # This error is raised outside the except block, so that the traceback does not show the URL.
        raise ValueError("url: must have the form redis://user:password@host:port/database")
    return client


def _open_sql(
    url: str, kind: str, *, prefix: str | None, cipher: Cipher | None, window: int, timeout: float
) -> SQLiteStore | SQLAlchemyStore:
    if kind == "sqlite":
        if prefix is not None:
            raise ValueError("prefix: must be None for an SQLite file")
        return SQLiteStore(sqlite_path(url), window=window, timeout=timeout, cipher=cipher)
    from .sqlalchemy import SQLAlchemyStore

    engine = create_engine(url, timeout=timeout)
    try:
        if prefix is None:
            return SQLAlchemyStore(engine, window=window, cipher=cipher)
        return SQLAlchemyStore(engine, prefix=prefix, window=window, cipher=cipher)
    except BaseException:
        engine.dispose()
        raise
