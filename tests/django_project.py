"""A Django project that runs in the same process as the tests: its settings, databases, clients and users."""

import atexit
import contextlib
import importlib
import os
import queue
import secrets
import shutil
import tempfile
import threading

import databases
from served import CLIENT, HMAC, part, signed

import oauth2

ORIGIN = "https://api.example"
SECRETS = ("printer-secret", "janes-secret")
KINDS = ("sqlite", "postgresql", "mariadb")
_FOLDER = tempfile.mkdtemp()
_NAME = f"d{os.getpid()}_{secrets.token_hex(4)}"  # name of a schema of PostgreSQL, or of a database of MariaDB


def import_module(name):
    """Import a module of the package. If the module needs Django, set up Django first."""
    needs_django = ("integrations.django", "integrations.rest_framework", "integrations._openapi", "stores.django")
    if name.removeprefix("oauth2.").startswith(needs_django):
        set_up()
    return importlib.import_module(name)


def set_up():
    """Configure Django once in this process. The default database is an SQLite file with the tables of all apps."""
    django, settings = part("django"), part("django.conf").settings
    if settings.configured:
        return
    atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
    settings.configure(
        ALLOWED_HOSTS=["api.example"],
        AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"],
        DATABASES={"default": _sqlite("default"), **{kind: _DATABASES[kind]() for kind in KINDS}},
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "oauth2.integrations.django",
            "rest_framework",
        ],
        LOGIN_URL="/admin/login/",
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        OAUTH2_BASE_URL=ORIGIN,
        OAUTH2_REALMS=["photos", "prints"],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # fast
        ROOT_URLCONF="django_urls",
        SECRET_KEY=secrets.token_urlsafe(40),
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        USE_TZ=True,
    )
    django.setup()


def _sqlite(name="store"):
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"{_FOLDER}/{name}.db",
        "OPTIONS": {"timeout": 60, "init_command": "PRAGMA synchronous = OFF"},
    }


def _server(kind, engine, **more):
    from sqlalchemy.engine import make_url

    url = make_url(databases.URLS[kind])
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": url.database,
        "HOST": url.host,
        "PORT": str(url.port or ""),
        "USER": url.username,
        "PASSWORD": url.password or "",
        **more,
    }


def _postgresql():
    return _server(
        "postgresql",
        "postgresql",
        OPTIONS={"connect_timeout": 5, "options": f"-c search_path={_NAME} -c synchronous_commit=off"},
    )


def _mariadb():
    import pymysql

    # Django accepts PyMySQL in place of mysqlclient only if PyMySQL reports a version of mysqlclient.
    pymysql.version_info = (2, 2, 8, "final", 0)
    pymysql.install_as_MySQLdb()
    return _server(
        "mariadb", "mysql", NAME=_NAME, OPTIONS={"connect_timeout": 5, "charset": "utf8mb4", "ssl_disabled": True}
    )


_DATABASES = {"sqlite": _sqlite, "postgresql": _postgresql, "mariadb": _mariadb}


@contextlib.contextmanager
def tables(kind):
    """Create the tables of the app in a separate schema; remove the schema afterwards."""
    import sqlalchemy
    from django.core.management import call_command
    from django.db import connections

    word = {"postgresql": "SCHEMA", "mariadb": "DATABASE"}.get(kind)

    def execute(statement):
        engine = sqlalchemy.create_engine(databases.URLS[kind], isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text(statement))
        finally:
            engine.dispose()

    if word:
        try:
            execute(f"CREATE {word} {_NAME}")
        except sqlalchemy.exc.OperationalError as exc:
            databases.missing(kind, f"it cannot be used: {exc.orig}")
    try:
        call_command("migrate", "oauth2", database=kind, verbosity=0)
        yield
    finally:
        connections[kind].close()
        if word:
            execute(f"DROP {word} {_NAME}" + (" CASCADE" if kind == "postgresql" else ""))


class SharedConnections:
    """A store whose threads use a few connections in turn.

    Opening a connection for each thread would take longer than the test.
    """

    def __init__(self, store):
        from django.db import connections

        self._store = store
        self._connections = connections
        self._idle = queue.LifoQueue()
        for _ in range(8):
            connection = connections.create_connection(store.using)
            connection.inc_thread_sharing()
            self._idle.put(connection)

    def __getattr__(self, name):
        method = getattr(self._store, name)
        if not callable(method):
            return method

        def call(*args, **kwargs):
            if threading.current_thread() is threading.main_thread():
                return method(*args, **kwargs)
            connection = self._idle.get()
            self._connections[self._store.using] = connection
            try:
                return method(*args, **kwargs)
            finally:
                self._idle.put(connection)

        return call

    def close_all(self):
        while not self._idle.empty():
            self._idle.get().close()


@contextlib.contextmanager
def project():
    """Create the tables of all apps in the default database, a client, a user, and a token; remove them afterwards."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connections

    from oauth2.integrations.django import provider
    from oauth2.stores import TokenCredentials

    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create_user("jane", password="secret-of-jane")
    store = provider().store
    store.add_consumer(CLIENT)
    token = TokenCredentials(
        key="janes", secret="janes-secret", consumer_key="printer", user=str(user.pk), realms=("photos",)
    )
    store.add_token(token)
    try:
        yield user, token
    finally:
        call_command("flush", interactive=False, verbosity=0)
        connections["default"].close()


def without_body_hash(method, path, token):
    """Return the Authorization header of a request whose body is not signed."""
    request = oauth2.Request.from_consumer_and_token(CLIENT, token, method, f"{ORIGIN}{path}", is_form_encoded=True)
    request.sign_request(HMAC, CLIENT, token)
    return {"HTTP_AUTHORIZATION": request.to_header()["Authorization"]}


def authorization(method, path, token, form=(), body=b"", origin=ORIGIN, **protocol):
    """Return the Authorization header of a signed request as an argument of Django's test client."""
    return {"HTTP_AUTHORIZATION": signed(method, f"{origin}{path}", form, token, body, **protocol)}
