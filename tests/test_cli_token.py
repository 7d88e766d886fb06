"""Accounts: where they are kept, who can read them, and that nobody sees a secret."""

import json
import os
import stat
import sys

import keyring
import pytest
from command import AS_FILE, CREDENTIALS, KEY, SECRET, TOKEN, TOKEN_SECRET, Command
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from oauth2.cli import vault
from oauth2.cli.account import Account
from oauth2.cli.vault import InFile, InKeyring, Vault

SECRETS = (SECRET, TOKEN, TOKEN_SECRET)
posix = pytest.mark.skipif(os.name != "posix", reason="file modes are those of POSIX")


@pytest.fixture
def command(tmp_path):
    return Command(tmp_path / "config")


class MemoryKeyring(KeyringBackend):
    priority = 5

    def __init__(self):
        super().__init__()
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


class LockedKeyring(MemoryKeyring):
    def set_password(self, service, username, password):
        raise KeyringLocked(f"cannot keep {password}")


@pytest.fixture
def memory_keyring():
    before = keyring.get_keyring()
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_an_account_is_listed_shown_and_deleted_without_its_secrets(command):
    command.add("photos", "https://api.example/v1/")
    listed, shown = command("token", "list"), command("token", "show", "photos")
    assert "photos" in listed.out
    assert "https://api.example\n" in listed.out
    assert KEY in shown.out
    assert "jane..." in shown.out
    assert not any(secret in done.all for secret in SECRETS for done in (listed, shown))
    deleted = command("token", "delete", "photos", "--yes")
    assert deleted.code == 0
    assert command("token", "list").out.startswith("There are no accounts yet.")
    assert list((command.folder / "accounts").iterdir()) == []


def test_scripts_get_json(command):
    command.add("photos", "https://api.example")
    (listed,) = json.loads(command("token", "list", "--json").out)
    assert listed == json.loads(command("token", "show", "photos", "--json").out)
    assert (listed["account"], listed["used_for"]) == ("photos", ["https://api.example"])
    assert not any(secret in json.dumps(listed) for secret in SECRETS)


@posix
def test_folder_and_file_are_for_their_owner_alone(command):
    before = os.umask(0)
    try:
        command.add("photos")
    finally:
        os.umask(before)
    folder = command.folder / "accounts"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


@posix
@pytest.mark.parametrize(("name", "mode", "fix"), [("", 0o755, "chmod 700"), ("photos.json", 0o640, "chmod 600")])
def test_looser_permissions_are_refused_with_the_fix(command, name, mode, fix):
    command.add("photos")
    path = command.folder / "accounts" / name
    path.chmod(mode)
    done = command("token", "show", "photos")
    assert done.code == 3
    assert done.error == f"others can read {path}; do this first: {fix} '{path}'".replace("'/", "'/")


@posix
def test_a_link_in_the_place_of_an_account_is_refused(command, tmp_path):
    command.add("photos")
    path = command.folder / "accounts" / "photos.json"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert "is a symbolic link" in command("token", "show", "photos").error


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    kept = Vault(tmp_path / "accounts", InFile())
    kept.save(Account(name="photos", consumer_key="first"))

    def fails(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="disk full"):
        kept.save(Account(name="photos", consumer_key="second"))
    assert kept.load("photos").consumer_key == "first"
    assert [path.name for path in (tmp_path / "accounts").iterdir()] == ["photos.json"]


def test_secrets_go_to_the_keyring_and_the_rest_to_the_file(command, memory_keyring):
    command.environment["OAUTH2_STORE"] = None
    assert "in the keyring" in command.add("photos", "https://api.example").out
    text = (command.folder / "accounts" / "photos.json").read_text()
    assert not any(secret in text for secret in SECRETS)
    assert json.loads(memory_keyring.kept["oauth2", "photos"])["token_secret"] == TOKEN_SECRET
    assert command("sign", "https://api.example/").code == 0
    assert command("token", "delete", "photos", "--yes").code == 0
    assert memory_keyring.kept == {}


def test_a_keyring_that_is_locked_is_one_line(command):
    before = keyring.get_keyring()
    keyring.set_keyring(LockedKeyring())
    command.environment["OAUTH2_STORE"] = "keyring"
    try:
        done = command("token", "add", "photos", "--credentials", "-", given=AS_FILE)
    finally:
        keyring.set_keyring(before)
    assert done.code == 3
    assert "OAUTH2_STORE=file" in done.error
    assert SECRET not in done.all


def test_secrets_that_are_gone_from_the_keyring_are_said_to_be(command, memory_keyring):
    command.environment["OAUTH2_STORE"] = "keyring"
    command.add("photos")
    memory_keyring.kept.clear()
    done = command("token", "show", "photos")
    assert done.code == 3
    assert "oauth2 token delete photos" in done.error


def test_an_account_that_moves_to_a_file_leaves_nothing_in_the_keyring(tmp_path, memory_keyring):
    account = Account(name="photos", consumer_key=KEY, consumer_secret=SECRET)
    Vault(tmp_path / "accounts", InKeyring()).save(account)
    Vault(tmp_path / "accounts", InFile()).save(account)
    assert memory_keyring.kept == {}
    assert Vault(tmp_path / "accounts", InKeyring()).load("photos").consumer_secret == SECRET


def test_without_a_keyring_a_file_is_used(monkeypatch, tmp_path):
    monkeypatch.setattr(vault, "_has_keyring", lambda: False)
    assert vault.open_vault({"OAUTH2_CONFIG_DIR": str(tmp_path)}).place == str(tmp_path / "accounts")


def test_a_store_that_is_none_is_one_line(command):
    assert "OAUTH2_STORE" in command("token", "list", OAUTH2_STORE="cloud").error


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kept_in": "file"}', '{"kept_in": "file", "account": 1}'])
def test_a_damaged_file_is_one_line(command, content):
    command.add("photos")
    (command.folder / "accounts" / "photos.json").write_text(content)
    done = command("token", "show", "photos")
    assert done.code == 3
    assert "damaged" in done.error
    assert command("token", "delete", "photos", "--yes").code == 0


@pytest.mark.parametrize("name", ["../photos", ".hidden", "a/b", "", "a" * 65, "a\nb"])
def test_a_name_that_is_no_file_name_is_refused(command, name):
    done = command("token", "add", name, "--credentials", "-", given=AS_FILE)
    assert done.code == 2
    assert "cannot name an account" in done.error


def test_an_account_is_not_overwritten(command):
    command.add("photos")
    done = command("token", "add", "photos", "--credentials", "-", given="OAUTH2_CONSUMER_KEY=other")
    assert (done.code, "oauth2 token delete photos" in done.error) == (2, True)


def test_an_unknown_account_names_those_there_are(command):
    assert "oauth2 login" in command("token", "show", "photos").error
    command.add("maps")
    assert "use one of: maps" in command("token", "show", "photos").error


def test_deleting_asks_first(command):
    command.add("photos")
    done = command("token", "delete", "photos")
    assert (done.code, done.error) == (2, "there is no terminal to ask at; do give --yes")
    assert command("token", "show", "photos").code == 0


# --- where credentials come from -----------------------------------------------


def test_credentials_come_from_the_environment(command):
    done = command("sign", "https://api.example/", **CREDENTIALS)
    assert f'oauth_consumer_key="{KEY}"' in done.out


def test_credentials_come_from_a_file(command, tmp_path):
    path = tmp_path / "credentials"
    path.write_text(f"# of the printer\n\nexport OAUTH2_CONSUMER_KEY='{KEY}'\nOAUTH2_CONSUMER_SECRET = \"{SECRET}\"\n")
    done = command("sign", "https://api.example/", "--credentials", path)
    assert f'oauth_consumer_key="{KEY}"' in done.out
    assert "oauth_token" not in done.out


@pytest.mark.parametrize("text", [f"{SECRET}\n", f"SECRET={SECRET}\n", ""])
def test_a_credentials_file_that_is_none_is_refused_and_not_shown(command, text):
    done = command("sign", "https://api.example/", "--credentials", "-", given=text)
    assert done.code == 3
    assert done.error
    assert SECRET not in done.all


def test_a_credentials_file_that_is_not_there_is_one_line(command, tmp_path):
    done = command("sign", "https://api.example/", "--credentials", tmp_path / "none")
    assert done.code == 3
    assert "cannot be read" in done.error


def test_the_account_is_that_of_the_origin(command):
    command.add("photos", "https://photos.example")
    command.add("maps", "https://maps.example:8443", given=AS_FILE.replace(KEY, "mapper"))
    assert 'oauth_consumer_key="mapper"' in command("sign", "https://MAPS.example:8443/here").out
    assert f'oauth_consumer_key="{KEY}"' in command("sign", "https://photos.example/").out
    for url in ("https://maps.example/", "http://photos.example/", "https://photos.example.org/"):
        done = command("sign", url)
        assert (done.code, done.out) == (3, "")
        assert "oauth2 login" in done.error


def test_of_two_accounts_for_an_origin_one_has_to_be_named(command):
    command.add("mine", "https://photos.example")
    command.add("yours", "https://photos.example")
    done = command("sign", "https://photos.example/")
    assert (done.code, "mine, yours" in done.error) == (3, True)
    assert command("sign", "https://photos.example/", "--account", "yours").code == 0


def test_credentials_that_are_no_text_are_refused_and_not_shown(command):
    done = command.process(
        "sign", "https://api.example/", environment={**CREDENTIALS, "OAUTH2_TOKEN_SECRET": "ab\udcff"}
    )
    assert done.code == 3
    assert done.error == "OAUTH2_TOKEN_SECRET is not UTF-8; do set it to text"


def test_without_a_terminal_nobody_is_asked(command):
    done = command("token", "add", "photos")
    assert done.code == 3
    assert "set OAUTH2_CONSUMER_KEY" in done.error


def test_no_option_takes_a_secret(command):
    for name in ("login", "request", "sign", "verify", "token add"):
        text = command(*name.split(), "--help").out.lower()
        assert "--consumer-secret" not in text
        assert "--token-secret" not in text


def test_an_account_shows_no_secret_in_its_repr():
    account = Account(
        name="a", consumer_secret=SECRET, token=TOKEN, token_secret=TOKEN_SECRET, parameters={"x": SECRET}
    )
    assert not any(secret in repr(account) for secret in SECRETS)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_person_is_asked_and_the_secret_is_not_echoed(command):
    import pty

    ours, theirs = pty.openpty()
    ends = {"stdin": theirs, "stderr": theirs, "stdout": theirs}
    with command.start(
        "token", "add", "photos", "--url", "https://photos.example", **ends, start_new_session=True
    ) as process:
        os.close(theirs)
        seen = b""
        for question, answer in (
            (b"Consumer key: ", KEY),
            (b"Consumer secret: ", SECRET),
            (b"Token (empty for none): ", TOKEN),
            (b"Token secret: ", TOKEN_SECRET),
        ):
            while not seen.endswith(question):
                seen += os.read(ours, 1000)
            os.write(ours, answer.encode() + b"\n")
        while b"Kept as" not in seen:
            seen += os.read(ours, 1000)
        process.wait(30)
    os.close(ours)
    assert process.returncode == 0
    assert SECRET.encode() not in seen
    assert TOKEN_SECRET.encode() not in seen
    assert Vault(command.folder / "accounts", InFile()).load("photos").token_secret == TOKEN_SECRET
