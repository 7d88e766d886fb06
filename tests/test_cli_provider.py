"""``oauth2 provider`` over real databases: clients, grants, the check, the migration and encryption."""

import contextlib
import json
import os
import re
import sqlite3
import stat
import sys
from pathlib import Path

import click
import databases
import pytest
import redis
import sqlalchemy as sa
from command import Command, at_a_terminal, commands
from cryptography.fernet import Fernet
from cuttable import own_redis

from oauth2 import rsa
from oauth2.cli.provider_health import notes, problems
from oauth2.stores import ClientCredentials, TokenCredentials
from oauth2.stores.condition import Condition
from oauth2.stores.fernet import FernetCipher
from oauth2.stores.opening import open_credential_store

pytestmark = pytest.mark.slow

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are those of POSIX")
T = 1_700_000_000


class Operator:
    """Runs ``oauth2 provider`` on one store."""

    def __init__(self, folder, url, prefix=None):
        self.command = Command(folder / "config")
        self.url, self.prefix = url, prefix
        unset = dict.fromkeys(["OAUTH2_PROVIDER_NONCES", "OAUTH2_PROVIDER_KEYS", "OAUTH2_PROVIDER_KEY_FILE"])
        self.environment = {"OAUTH2_PROVIDER_STORE": url, **unset}
        self.opened = []

    def __call__(self, *words, code=0, **more):
        given = [] if self.prefix is None else ["--prefix", self.prefix]
        done = self.command("provider", *words, *given, **{**self.environment, **more})
        assert done.code == code, done
        return done

    def json(self, *words, **more):
        return json.loads(self(*words, "--json", **more).out)

    def check(self, **more):
        (found,) = self.json("check", **more)
        return found

    def store(self, **options):
        self.opened.append(open_credential_store(self.url, prefix=self.prefix, **options))
        return self.opened[-1]

    def close(self):
        for store in self.opened:
            store.close()

    def add_tokens(self, *tokens):
        store = self.store()
        for token in tokens:
            store.add_token(token)
        store.close()


def without_tables(kind, folder):
    """Yield an operator of a database that has no tables yet."""
    if kind == "sqlite":
        with contextlib.closing(Operator(folder, f"sqlite:///{folder}/provider.db")) as operator:
            yield operator
        return
    with databases.backend(kind, folder) as backend:
        backend.drop()
        with contextlib.closing(Operator(folder, backend.url, backend.prefix)) as operator:
            yield operator


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def new(request, tmp_path):
    yield from without_tables(request.param, tmp_path)


@pytest.fixture
def operator(new):
    new("migrate")
    return new


@pytest.fixture
def sqlite(tmp_path):
    with contextlib.closing(Operator(tmp_path, f"sqlite:///{tmp_path}/provider.db")) as found:
        found("migrate")
        yield found


def token(key, **fields):
    given = {"key": key, "secret": f"hidden {key}", "consumer_key": "printer", "user": "jane", "issued_at": T}
    return TokenCredentials(**{**given, **fields})


# --- clients ---------------------------------------------------------------------------


def test_a_client_is_added_listed_shown_and_removed(operator):
    added = operator("consumers", "add", "Printer ☃", "--callback", "https://printer.example/ready", "--owner", "jane")
    key, secret = re.fullmatch(r"consumer key +(\S+)\nconsumer secret +(\S+)\n", added.out).groups()
    assert "only time" in added.err
    store = operator.store()
    stored = store.get_consumer(key)
    store.close()
    assert (stored.secret, stored.name, stored.owner) == (secret, "Printer ☃", "jane")
    listed, shown = operator("consumers", "list"), operator("consumers", "show", key)
    assert re.search(rf"^{key} +Printer ☃ +jane +secret$", listed.out, re.MULTILINE)
    assert "https://printer.example/ready" in shown.out
    for done in (listed, shown, operator("consumers", "list", "--json"), operator("consumers", "show", key, "--json")):
        assert secret not in done.all
    assert operator.json("consumers", "list") == [operator.json("consumers", "show", key)]
    assert [each["consumer_key"] for each in operator.json("consumers", "list", "--owner", "jane")] == [key]
    assert operator.json("consumers", "list", "--owner", "joe") == []
    operator("consumers", "remove", key, "--yes")
    assert operator("consumers", "list").out.startswith("There are no clients.")
    assert operator("consumers", "show", key, code=2).error == f"There is no client with the key '{key}'."


def test_more_clients_than_a_page_are_listed(operator):
    store = operator.store()
    for number in range(205):
        store.add_consumer(operator_client(f"k{number:03}"))
    store.close()
    assert [each["consumer_key"] for each in operator.json("consumers", "list")] == [f"k{n:03}" for n in range(205)]


def operator_client(key, **fields):
    return ClientCredentials(**{"key": key, "secret": f"hidden {key}", "name": "n", **fields})


def test_a_secret_is_rotated_and_the_rotation_is_ended(operator):
    first = operator.json("consumers", "add", "Printer", "--key", "printer", "--callback", "oob")["consumer_secret"]
    second = operator.json("consumers", "rotate", "printer")["consumer_secret"]
    assert pair(operator) == (second, first)
    third = operator.json("consumers", "rotate", "printer")["consumer_secret"]
    assert pair(operator) == (third, first)  # The client still signs with the first secret.
    assert operator.json("consumers", "show", "printer")["rotation_in_progress"] is True
    operator("consumers", "rotate", "printer", "--end")
    assert pair(operator) == (third, None)
    last = operator.json("consumers", "rotate", "printer", "--at-once")["consumer_secret"]
    assert pair(operator) == (last, None)
    assert len({first, second, third, last}) == 4
    operator("consumers", "rotate", "other", code=2)
    operator("consumers", "rotate", "printer", "--end", "--at-once", code=2)


def pair(operator):
    store = operator.store()
    found = store.get_consumer("printer")
    store.close()
    return found.secret, found.previous_secret


@posix
def test_a_secret_is_written_to_a_file_that_only_the_owner_can_read(sqlite, tmp_path):
    file = tmp_path / "secret"
    before = os.umask(0)
    try:
        added = sqlite("consumers", "add", "Printer", "--key", "printer", "--callback", "oob", "--secret-file", file)
    finally:
        os.umask(before)
    secret = pair(sqlite)[0]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == f"OAUTH2_CONSUMER_KEY=printer\nOAUTH2_CONSUMER_SECRET={secret}\n"
    assert secret not in added.all
    signed = sqlite.command("sign", "https://api.example/", "--credentials", file)
    assert signed.code == 0
    again = sqlite("consumers", "rotate", "printer", "--secret-file", file, code=2)
    assert again.failure == f"The file {file} exists. Choose another name, or move the file away."
    assert pair(sqlite) == (secret, None)
    rotated = sqlite("consumers", "rotate", "printer", "--json", "--secret-file", f"{file}2")
    assert json.loads(rotated.out) == {"consumer_key": "printer", "secret_file": f"{file}2"}


@posix
def test_no_file_is_left_if_the_store_refuses_the_client(sqlite, tmp_path):
    sqlite3.connect(tmp_path / "provider.db").execute(
        "CREATE TRIGGER full BEFORE INSERT ON consumer BEGIN SELECT RAISE(ABORT, 'full'); END"
    ).connection.close()
    done = sqlite("consumers", "add", "P", "--callback", "oob", "--secret-file", tmp_path / "secret", code=4)
    assert done.error.endswith("full.")
    assert not (tmp_path / "secret").exists()
    sqlite("consumers", "add", "P", "--callback", "oob", "--secret-file", tmp_path / "no" / "secret", code=2)
    sqlite("consumers", "add", "P", "--callback", "oob", "--secret-file", "-", code=2)


def test_a_client_that_signs_with_rsa_has_no_secret(sqlite, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(rsa.generate_key_pair(2048)[1])
    (tmp_path / "none").write_text("no key")
    add = ("consumers", "add", "Printer", "--key", "printer", "--two-legged", "--public-key")
    assert "Not an RSA public key" in sqlite(*add, tmp_path / "none", code=2).error
    assert sqlite.json(*add, tmp_path / "one") == {"consumer_key": "printer", "secret_file": None}
    assert pair(sqlite) == ("", None)
    assert "RSA" in sqlite("consumers", "list").out
    assert "--public-key" in sqlite("consumers", "rotate", "printer", code=2).hint
    sqlite("consumers", "rotate", "printer", "--public-key", tmp_path / "two")
    assert sqlite.store().get_consumer("printer").public_key == (tmp_path / "two").read_text()


def test_a_client_needs_a_callback_and_a_key_of_its_own(sqlite):
    assert "no terminal" in sqlite("consumers", "add", "P", code=2).error
    for callback in ("javascript:alert(1)", "https://a@b/", "", "https://a/#b"):
        assert sqlite("consumers", "add", "P", "--callback", callback, code=2).error.startswith("--callback: ")
    sqlite("consumers", "add", "P", "--callback", "oob", "--key", "printer")
    before = pair(sqlite)
    taken = sqlite("consumers", "add", "Q", "--callback", "oob", "--key", "printer", code=2)
    assert taken.error == "There is already a client with the key 'printer'."
    assert pair(sqlite) == before
    assert sqlite("consumers", "add", "P", "--callback", "oob", "--key", "k" * 256, code=2).error.startswith("--key: ")
    assert sqlite.json("consumers", "list")[0]["callbacks"] == ["oob"]


def test_all_settings_of_a_client_are_stored(sqlite):
    options = ["--key", "k", "--callback", "oob", "--callback", "https://a/", "--signature-method", "hmac-sha256"]
    sqlite("consumers", "add", "P", *options, "--two-legged", "--xauth")
    found = sqlite.store().get_consumer("k")
    assert found.callbacks == ("oob", "https://a/")
    assert found.signature_methods == ("HMAC-SHA256",)
    assert (found.two_legged, found.xauth) == (True, True)


def test_at_a_terminal_the_command_asks_for_a_callback_and_before_it_removes(sqlite):
    pytest.importorskip("pty", reason="there are no pseudo-terminals")
    environment = {name: value for name, value in sqlite.environment.items() if value is not None}
    arguments = ("provider", "consumers", "add", "P", "--key", "k")
    process, screen = at_a_terminal(sqlite.command, *arguments, answers=b"\n", **environment)
    assert process.returncode == 0, screen
    assert b"Callback URL (empty for none): " in screen
    assert sqlite.store().get_consumer("k").callbacks == ("oob",)
    arguments = ("provider", "consumers", "remove", "k")
    process, screen = at_a_terminal(sqlite.command, *arguments, answers=b"n\n", **environment)
    assert (process.returncode, b"Remove P and its grants? [y/N]: " in screen) == (130, True)
    assert sqlite.store().get_consumer("k") is not None
    process, screen = at_a_terminal(sqlite.command, *arguments, answers=b"y\n", **environment)
    assert process.returncode == 0
    assert sqlite.store().get_consumer("k") is None


# --- grants ----------------------------------------------------------------------------


def test_grants_are_listed_without_secrets_and_revoked(operator):
    operator.add_tokens(
        token("a"), token("b", user="joe"), token("c", consumer_key="other"), token("d", session_handle="hidden handle")
    )
    listed = operator("grants", "list")
    assert re.search(r"^a +printer +jane +2023-11-14$", listed.out, re.MULTILINE)
    assert "hidden" not in listed.all + operator("grants", "list", "--json").all
    assert grants(operator) == ["a", "b", "c", "d"]
    assert grants(operator, "--user", "jane", "--consumer", "printer") == ["a", "d"]
    assert grants(operator, "--user", "joe") == ["b"]
    assert grants(operator, "--consumer", "other") == ["c"]
    assert operator("grants", "revoke", "a", "--yes").out == "Revoked 1 grant.\n"
    assert operator("grants", "revoke", "a", "--yes", code=2).error == "There is no grant 'a'."
    assert operator("grants", "revoke", "--user", "jane", "--yes").out == "Revoked 2 grants.\n"
    assert operator("grants", "revoke", "--consumer", "printer", "--yes").out == "Revoked 1 grant.\n"
    assert operator("grants", "list").out == "There are no grants.\n"


def grants(operator, *options):
    return [each["grant"] for each in operator.json("grants", "list", *options)]


def test_more_grants_than_a_page_are_revoked(sqlite):
    sqlite.add_tokens(*[token(f"t{number}") for number in range(150)])
    assert sqlite("grants", "revoke", "--consumer", "printer", "-y").out == "Revoked 150 grants.\n"
    assert grants(sqlite) == []


def test_a_grant_or_an_owner_of_grants_must_be_named(sqlite):
    sqlite.add_tokens(token("a"))
    for words in ([], ["a", "--user", "jane"], ["a", "--consumer", "printer"]):
        assert "Give GRANT" in sqlite("grants", "revoke", *words, "--yes", code=2).error
    assert "--yes" in sqlite("grants", "revoke", "a", code=2).hint
    assert grants(sqlite) == ["a"]


def test_a_renewed_grant_is_shown_and_times_that_are_no_dates_do_not_fail(sqlite):
    sqlite.add_tokens(token("z", grant="a"), token("b", issued_at=10**17), token("c", issued_at=0))
    assert [each["renewed"] for each in sqlite.json("grants", "list")] == [True, False, False]
    assert str(10**17) in sqlite("grants", "list").out


# --- check and migrate -----------------------------------------------------------------


def test_a_database_without_tables_is_found_and_migrated(new):
    if new.url.startswith("sqlite:"):
        assert "migrate" in new("check", code=4).hint
        assert not Path(new.url.removeprefix("sqlite:///")).exists()
    else:
        assert new.check(code=1)["problems"][0].startswith("There are no tables.")
        assert "has no tables" in new("consumers", "list", code=2).error
        statements = new("migrate", "--sql").out
        assert f"CREATE TABLE IF NOT EXISTS {new.prefix}consumer" in statements
        assert new.check(code=1)["schema_version"] is None
    assert new("migrate").out.startswith("Created the tables")
    assert new("migrate").out.endswith("There is nothing to do.\n")
    assert new.check()["problems"] == []


def test_the_check_reports_the_condition(operator):
    store = operator.store()
    for number in range(3):
        store.add_nonce(str(number), T, "k", None)
    store.close()
    found = operator.check()
    assert (found["problems"], found["nonces"]) == ([], 3)
    assert found["schema_version"] in (2, 3)
    assert found["clock_difference"] is None or abs(found["clock_difference"]) < 5
    text = operator("check").out
    assert re.search(r"^problems +none$", text, re.MULTILINE)
    assert re.search(r"^nonces +3$", text, re.MULTILINE)


def test_a_later_schema_version_is_refused(operator):
    change_version(operator, 99)
    assert operator.check(code=1)["problems"][0].endswith("Upgrade oauth2 on this machine.")
    for words in (["consumers", "list"], ["migrate"]):
        assert "Upgrade oauth2" in operator(*words, code=4).error


def test_an_earlier_schema_version_is_upgraded_by_migrate_only(operator):
    change_version(operator, 1)
    assert "version is 1" in operator.check(code=1)["problems"][0]
    assert "oauth2 provider migrate" in operator("consumers", "list", code=2).hint
    assert "--yes" in operator("migrate", code=2).hint
    assert "version is 1" in operator.check(code=1)["problems"][0]
    assert operator("migrate", "--yes").out.startswith("Upgraded the tables")
    assert operator.check()["problems"] == []


def change_version(operator, version):
    """Write another schema version, but leave the tables as the current version created them."""
    if operator.url.startswith("sqlite:"):
        connection = sqlite3.connect(operator.url.removeprefix("sqlite:///"))
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
        return
    engine = sa.create_engine(operator.url)
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {operator.prefix}schema_version SET version = {version}"))
    engine.dispose()


@posix
@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root can write each file")
def test_a_file_that_cannot_be_written_is_a_problem(sqlite, tmp_path):
    (tmp_path / "provider.db").chmod(0o400)
    assert "cannot be written" in sqlite("check", code=1).out


def test_a_locked_file_is_a_problem(sqlite, tmp_path, monkeypatch):
    monkeypatch.setattr("oauth2.cli.provider_store._TIMEOUT", 0.2)
    other = sqlite3.connect(tmp_path / "provider.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    (found,) = sqlite.check(code=1)["problems"]
    assert found.startswith("The database cannot be written: database is locked. ")
    other.close()


def test_redis_is_checked_and_its_settings_are_judged(tmp_path):
    with own_redis(tmp_path, "--appendonly", "yes") as port:
        with redis.Redis(port=port) as client:
            client.config_set("requirepass", "hunter2")
        operator = Operator(tmp_path, f"redis://:hunter2@127.0.0.1:{port}/0")
        found = operator.check()
        assert (found["problems"], found["nonces"], found["schema_version"]) == ([], 0, None)
        assert found["store"] == f"redis://:***@127.0.0.1:{port}/0"
        assert operator("migrate").out.startswith("Redis has no schema.")
        assert "Redis stores nonces" in operator("consumers", "list", code=2).error
        wrong = Operator(tmp_path, f"redis://:hunter3@127.0.0.1:{port}/0")
        assert "hunter" not in wrong("check", code=4).all
    with own_redis(tmp_path, "--maxmemory-policy", "allkeys-lru", "--maxmemory", "100mb") as port:
        found = Operator(tmp_path, f"redis://127.0.0.1:{port}/0").check(code=1)
        assert len(found["problems"]) == 2


def test_the_store_of_nonces_is_checked_too(sqlite, tmp_path):
    with own_redis(tmp_path) as port:
        nonces = f"redis://127.0.0.1:{port}/0"
        found = sqlite.json("check", "--nonces", nonces, code=1)
        assert [each["store"] for each in found] == [sqlite.url, nonces]
        assert [len(each["problems"]) for each in found] == [0, 1]  # This Redis has no append-only file.
        assert sqlite("check", code=1, OAUTH2_PROVIDER_NONCES=nonces).out.count("\n\nstore ") == 1
    assert sqlite("check", "--nonces", nonces, code=4).error.startswith(f"{nonces}: ")
    assert "not valid" in sqlite("check", "--nonces", "provider.db", code=2).error


def test_an_unreachable_database_is_reported_without_its_password(tmp_path):
    for url in (
        "postgresql://joe:hunter2@127.0.0.1:1/x",
        "mysql://joe:hunter2@127.0.0.1:1/x",
        "redis://:hunter2@127.0.0.1:1",
    ):
        operator = Operator(tmp_path, url)
        done = operator("check", code=4)
        assert "hunter2" not in done.all
        assert "***@127.0.0.1:1" in done.error
        assert done.err.count("\n") == 2


def test_a_wrong_password_is_not_shown(tmp_path):
    with databases.backend("mariadb", tmp_path) as backend:
        place = backend.url.partition("@")[2]
        done = Operator(tmp_path, f"mysql+pymysql://nobody:hunter2%21@{place}")("check", code=4)
    assert "hunter2" not in done.all
    assert "nobody:***@" in done.error


def test_a_password_on_the_command_line_causes_a_warning(sqlite):
    done = sqlite("check", "--store", "postgresql://joe:hunter2@127.0.0.1:1/x", code=4)
    assert done.err.startswith("Warning: ")
    assert "hunter2" not in done.all


# --- encryption ------------------------------------------------------------------------


def test_secrets_are_encrypted_again_with_the_first_key(operator, tmp_path):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    for name, keys in (("old", [old]), ("both", ["# the new key comes first", new, "", old]), ("new", [new])):
        (tmp_path / name).write_text("\n".join(keys) + "\n")
        (tmp_path / name).chmod(0o600)
    first = operator.json("consumers", "add", "P", "--key", "printer", "--callback", "oob")["consumer_secret"]
    assert "There are no keys." in operator("reencrypt", code=2).error
    operator("reencrypt", "--key-file", tmp_path / "old")
    for words in (["show", "printer"], ["list"], ["add", "Q", "--callback", "oob"]):
        done = operator("consumers", *words, code=3)
        assert done.error.endswith("A secret in the store is encrypted.")
        assert "--key-file" in done.hint
    second = operator.json("consumers", "rotate", "printer", "--key-file", tmp_path / "old")["consumer_secret"]
    done = operator("reencrypt", "--key-file", tmp_path / "both")
    assert done.out.startswith("All secrets are encrypted with the first key.")
    operator("consumers", "show", "printer", OAUTH2_PROVIDER_KEYS=new)
    operator("consumers", "show", "printer", OAUTH2_PROVIDER_KEY_FILE=str(tmp_path / "new"))
    failed = operator("consumers", "show", "printer", "--key-file", tmp_path / "old", code=3)
    assert "cannot be decrypted" in failed.error
    store = operator.store(cipher=FernetCipher(new))
    found = store.get_consumer("printer")
    store.close()
    assert (found.secret, found.previous_secret) == (second, first)


def test_a_key_file_without_keys_is_refused_and_not_shown(sqlite, tmp_path):
    for content in (b"", b"hunter2\n", b"\xff\xfe", b"# nothing\n"):
        (tmp_path / "keys").write_bytes(content)
        done = sqlite("consumers", "list", "--key-file", tmp_path / "keys", code=3)
        assert "has no valid keys" in done.error
        assert "hunter2" not in done.all
    done = sqlite("consumers", "list", code=3, OAUTH2_PROVIDER_KEYS="x")
    assert "OAUTH2_PROVIDER_KEYS has no valid keys" in done.error


# --- the command itself ----------------------------------------------------------------


def test_a_store_must_be_named(sqlite):
    done = sqlite("check", code=2, OAUTH2_PROVIDER_STORE=None)
    assert done.failure == (
        "There is no URL of a store. Give --store URL, or set OAUTH2_PROVIDER_STORE: sqlite:///provider.db"
    )
    for url in ("provider.db", "sqlite:provider.db", "oracle://x/y", "://", "postgresql+nothing://h/d", "sqlite:///"):
        assert sqlite("check", "--store", url, code=2).err.count("\n") == 2
    assert "no prefix" in sqlite("check", "--prefix", "a_", code=2).error
    assert "blocking driver" in sqlite("check", "--store", "postgresql+asyncpg://h/d", code=2).error


def test_a_missing_library_is_named(sqlite, monkeypatch):
    for name, url, extra in (("sqlalchemy", "postgresql://h/d", "sqlalchemy"), ("redis", "redis://h", "redis")):
        monkeypatch.setitem(sys.modules, name, None)
        done = sqlite("check", "--store", url, code=2)
        assert done.error == f"This command needs {name}."
        assert f"oauth2[{extra}]" in done.hint


def test_a_mistyped_command_is_suggested(sqlite):
    assert sqlite("consumer", code=2).hint == "Run: oauth2 provider consumers"
    assert sqlite("consumers", "rotat", code=2).hint == "Run: oauth2 provider consumers rotate"


def test_the_help_of_each_command_fits_80_columns(sqlite):
    for words, _ in commands():
        if words[0] == "provider":
            done = sqlite.command(*words, "--help", COLUMNS="80", TERMINAL_WIDTH="80")
            assert done.code == 0
            assert max(map(len, done.out.splitlines())) <= 80, done.out


def test_tables_fit_80_columns(sqlite):
    store = sqlite.store()
    store.add_consumer(operator_client("k" * 22, name="n" * 100, owner="o" * 100))
    store.close()
    sqlite.add_tokens(token("g" * 22, consumer_key="k" * 22, user="u" * 100))
    for words in (["consumers", "list"], ["grants", "list"]):
        assert max(map(len, sqlite(*words).out.splitlines())) <= 80


def test_the_shell_completes_keys_of_clients(sqlite):
    sqlite("consumers", "add", "P", "--key", "printer", "--callback", "oob")
    for words in ("consumers show pri", "consumers rotate pri", "consumers remove pri", "grants list --consumer pri"):
        line = f"oauth2 provider {words}"
        environment = {**sqlite.environment, "_OAUTH2_COMPLETE": "bash_complete", "COMP_WORDS": line}
        environment["COMP_CWORD"] = str(len(line.split()) - 1)
        assert "printer" in sqlite.command.process(environment=environment).out
        environment["OAUTH2_PROVIDER_STORE"] = "sqlite:////does/not/exist"
        done = sqlite.command.process(environment=environment)
        assert "printer" not in done.out
        assert done.err == ""


def test_every_command_of_a_store_has_the_same_options():
    for words, found in commands():
        if words[0] == "provider" and not isinstance(found, click.Group):
            assert {"store", "prefix", "key_file"} <= {each.name for each in found.params}, words


# --- the judgement ---------------------------------------------------------------------


def test_what_is_wrong_is_judged_from_the_condition():
    good = {"kind": "postgresql", "server": "", "schema": 2, "supported_schema": 2, "clock_difference": 0.5}
    assert problems(Condition(**good)) == []
    for changes, text in [
        ({"clock_difference": 60.4}, "is 60 seconds ahead of the clock"),
        ({"clock_difference": -11.0}, "is 11 seconds behind the clock"),
        ({"schema": None}, "There are no tables."),
        ({"write_error": "read-only"}, "cannot be written: read-only. Check whether the server is the primary"),
        (
            {"write_error": "No.", "settings": {"synchronous_standby_names": "a"}},
            "cannot be written: No. Check the synchronous standbys",
        ),
        ({"kind": "redis", "settings": {"role": "slave"}}, "is a replica"),
        ({"kind": "redis", "settings": {"maxmemory-policy": "volatile-ttl"}}, "may evict used nonces"),
        ({"kind": "redis", "settings": {"appendonly": "no"}}, "loses used nonces when it restarts"),
    ]:
        (found,) = problems(Condition(**{**good, **changes}))
        assert text in found


def test_settings_that_may_lose_writes_are_noted():
    settings = {"synchronous_commit": "off", "fsync": "off"}
    assert len(notes(Condition(kind="postgresql", server="", settings=settings))) == 2
    assert len(notes(Condition(kind="mariadb", server="", settings={"innodb_flush_log_at_trx_commit": "2"}))) == 1
    redis = {"appendonly": "yes", "appendfsync": "no"}
    assert len(notes(Condition(kind="redis", server="", settings=redis))) == 1
    assert notes(Condition(kind="redis", server="", settings={"appendonly": "yes", "appendfsync": "always"})) == []


# --- oauth2 serve with a store -------------------------------------------------------------


def test_serve_keeps_clients_and_grants_in_the_named_store(sqlite, tmp_path, monkeypatch):
    opened = []

    class Site:
        class CannotServe(RuntimeError):
            pass

        def serve(self, database, host, port, *, store, **options):
            opened.append(store)
            store.add_consumer(operator_client("k"))

    monkeypatch.setitem(sys.modules, "oauth2.site", Site())
    with own_redis(tmp_path) as port:
        nonces = f"redis://127.0.0.1:{port}/0"
        assert sqlite.command("serve", "--nonces", nonces, **sqlite.environment).code == 0
        assert [type(each.nonces).__name__ for each in opened] == ["RedisStore"]
    assert sqlite.json("consumers", "show", "k")["name"] == "n"
    for words in (["--nonces", "http://h/"], ["--nonces", "redis://h:x/"]):
        done = sqlite.command("serve", *words, **sqlite.environment)
        assert done.code == 2, done
    done = sqlite.command("serve", "--key-file", "keys")
    assert done.error == "--nonces and --key-file need --store."
