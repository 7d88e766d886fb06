"""Accounts: where they are stored, who can read them, and that no output contains a secret."""

import json
import os
import stat
import sys
from dataclasses import replace

import keyring
import pytest
from command import AS_FILE, CREDENTIALS, KEY, SECRET, TOKEN, TOKEN_SECRET, Command
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from oauth2.cli import keeping
from oauth2.cli.account import Account
from oauth2.cli.keeping import InFile, InKeyring
from oauth2.cli.vault import Vault, open_vault

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
    assert command("token", "list").out.startswith("There are no accounts.")
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
    assert done.error == f"Other users can read {path}."
    assert done.hint == f"Run: {fix} {path}"


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


def test_a_keyring_that_is_locked_is_an_error_with_a_hint(command):
    before = keyring.get_keyring()
    keyring.set_keyring(LockedKeyring())
    command.environment["OAUTH2_STORE"] = "keyring"
    try:
        done = command("token", "add", "photos", "--credentials", "-", given=AS_FILE)
    finally:
        keyring.set_keyring(before)
    assert done.code == 3
    assert "OAUTH2_STORE=file" in done.hint
    assert SECRET not in done.all


def test_secrets_that_are_gone_from_the_keyring_are_reported(command, memory_keyring):
    command.environment["OAUTH2_STORE"] = "keyring"
    command.add("photos")
    memory_keyring.kept.clear()
    done = command("token", "show", "photos")
    assert done.code == 3
    assert "oauth2 token delete photos" in done.hint


def test_an_account_that_moves_to_a_file_leaves_nothing_in_the_keyring(tmp_path, memory_keyring):
    account = Account(name="photos", consumer_key=KEY, consumer_secret=SECRET)
    Vault(tmp_path / "accounts", InKeyring()).save(account)
    Vault(tmp_path / "accounts", InFile()).save(account)
    assert memory_keyring.kept == {}
    assert Vault(tmp_path / "accounts", InKeyring()).load("photos").consumer_secret == SECRET


def test_without_a_keyring_a_file_is_used(monkeypatch, tmp_path):
    monkeypatch.setattr(keeping, "_has_keyring", lambda: False)
    assert open_vault({"OAUTH2_CONFIG_DIR": str(tmp_path)}).place == str(tmp_path / "accounts")


def test_an_unknown_store_is_an_error_with_a_hint(command):
    assert "OAUTH2_STORE" in command("token", "list", OAUTH2_STORE="cloud").error


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kept_in": "file"}', '{"kept_in": "file", "account": 1}'])
def test_a_damaged_file_is_an_error_with_a_hint(command, content):
    command.add("photos")
    (command.folder / "accounts" / "photos.json").write_text(content)
    done = command("token", "show", "photos")
    assert done.code == 3
    assert "damaged" in done.error
    assert command("token", "delete", "photos", "--yes").code == 0


def damage(path):
    path.write_text("{")


def loosen(path):
    path.chmod(0o644)


def link(path):
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def replace_by_folder(path):
    path.unlink()
    path.mkdir(mode=0o700)


@posix
@pytest.mark.parametrize("spoil", [damage, loosen, link, replace_by_folder])
def test_an_account_that_cannot_be_used_does_not_stop_the_others(command, spoil):
    for name in ("maps", "photos", "printer"):
        command.add(name, f"https://{name}.example")
    spoil(command.folder / "accounts" / "photos.json")
    for arguments in (["sign", "https://printer.example/"], ["token", "list"], ["token", "list", "--json"]):
        done = command(*arguments)
        (warning,) = done.err.splitlines()
        assert (done.code, warning.startswith("Warning: ")) == (0, True)
        assert "photos" in warning
        assert "printer" in done.out
    done = command("sign", "https://photos.example/")
    assert (done.code, "There is no account for https://photos.example." in done.err) == (3, True)
    assert command("sign", "https://photos.example/", "-a", "maps").err == ""
    assert command("sign", "https://photos.example/", "-a", "photos").code == 3


def test_a_file_whose_name_is_not_an_account_s_is_ignored(command):
    command.add("photos", "https://photos.example")
    (command.folder / "accounts" / "photos (copy).json").write_text("{}")
    assert command("sign", "https://photos.example/").err == ""
    assert [each["account"] for each in json.loads(command("token", "list", "--json").out)] == ["photos"]


@pytest.mark.parametrize("name", ["../photos", ".hidden", "a/b", "", "a" * 65, "a\nb"])
def test_a_name_that_is_no_file_name_is_refused(command, name):
    done = command("token", "add", name, "--credentials", "-", given=AS_FILE)
    assert done.code == 2
    assert "Not a valid name of an account" in done.error


def test_an_account_is_not_overwritten(command):
    command.add("photos")
    done = command("token", "add", "photos", "--credentials", "-", given="OAUTH2_CONSUMER_KEY=other")
    assert (done.code, "oauth2 token delete photos" in done.hint) == (2, True)


def test_an_unknown_account_names_those_there_are(command):
    assert "oauth2 login" in command("token", "show", "photos").hint
    command.add("maps")
    assert command("token", "show", "photos").hint == "Use one of: maps."


def kept(command, name):
    return Vault(command.folder / "accounts", InFile()).load(name)


def test_the_consumer_secret_of_an_account_is_replaced(command):
    command.add("photos", "https://photos.example")
    before = kept(command, "photos")
    done = command("token", "set", "photos", OAUTH2_CONSUMER_SECRET="another secret")
    assert (done.code, done.all) == (0, "Changed in photos: consumer secret.\n")
    assert kept(command, "photos") == replace(before, consumer_secret="another secret")


def test_credentials_in_a_file_replace_those_that_were_kept(command):
    command.add("photos", "https://photos.example")
    before = kept(command, "photos")
    given = "OAUTH2_TOKEN=new-token\nOAUTH2_TOKEN_SECRET=new-secret\n"
    done = command("token", "set", "photos", "--credentials", "-", given=given, OAUTH2_CONSUMER_SECRET="not this")
    assert (done.code, done.out) == (0, "Changed in photos: token, token secret.\n")
    assert kept(command, "photos") == replace(before, token="new-token", token_secret="new-secret")


def test_options_replace_how_an_account_is_used_and_leave_its_credentials(command):
    command.add("photos", "https://photos.example")
    before = kept(command, "photos")
    options = ["--url", "https://a.example/x", "--signature-method", "HMAC-SHA256", "--placement", "query"]
    done = command("token", "set", "photos", *options, OAUTH2_CONSUMER_SECRET="not this")
    assert done.code == 0
    changed = {"origins": ("https://a.example",), "signature_method": "HMAC-SHA256", "placement": "query"}
    assert kept(command, "photos") == replace(before, **changed)
    assert command("token", "set", "photos", "--private-key", "key.pem").code == 0
    key = {"private_key": os.path.abspath("key.pem"), "signature_method": "RSA-SHA1"}
    assert kept(command, "photos") == replace(before, **{**changed, **key})
    assert command("token", "set", "photos", "--private-key", "b.pem", "--signature-method", "RSA-SHA512").code == 0
    assert command("token", "set", "photos", "--private-key", "c.pem").code == 0
    assert kept(command, "photos").signature_method == "RSA-SHA512"


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (["photos"], "", "without a terminal the command cannot ask for it. Set OAUTH2_CONSUMER_SECRET"),
        (["photos", "--credentials", "-"], "", "There is no new credential."),
        (["photos", "--credentials", "-"], "OAUTH2_CONSUMER_SECRET=\n", "There is no new credential."),
        (["photos", "--url", "nowhere"], "", "Not an http or https URL"),
        (["maps"], "", "There is no account 'maps'"),
        ([], "", "Missing argument 'NAME'"),
    ],
)
def test_set_without_a_new_value_is_an_error_with_a_hint_and_changes_nothing(command, arguments, given, said):
    command.add("photos", "https://photos.example")
    before = kept(command, "photos")
    done = command("token", "set", *arguments, given=given)
    assert done.code in (2, 3)
    assert said in done.failure
    assert kept(command, "photos") == before


def test_deleting_asks_first(command):
    command.add("photos")
    done = command("token", "delete", "photos")
    assert (done.code, done.failure) == (2, "There is no terminal to ask for confirmation. Give --yes.")
    assert command("token", "show", "photos").code == 0


# --- where credentials come from -----------------------------------------------


# Every call with these arguments creates the same signature.
SIGN = ("sign", "https://api.example/", "--nonce", "n", "--timestamp", "1")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_a_line_end_in_the_environment_is_not_part_of_a_credential(command, end):
    ended = {name: value + end for name, value in CREDENTIALS.items()}
    done = command(*SIGN, **ended)
    assert (done.code, done.err) == (0, "")
    assert done.out == command(*SIGN, **CREDENTIALS).out
    assert command("token", "add", "kept", **ended).code == 0
    kept = Vault(command.folder / "accounts", InFile()).load("kept")
    assert (kept.consumer_key, kept.consumer_secret) == (KEY, SECRET)
    assert (kept.token, kept.token_secret) == (TOKEN, TOKEN_SECRET)


def test_a_line_end_in_an_account_file_is_not_part_of_a_credential(command):
    command.add("photos", "https://api.example")
    path = command.folder / "accounts" / "photos.json"
    content = json.loads(path.read_text())
    content["secrets"] |= {"consumer_secret": f"{SECRET}\r\n", "token_secret": f"{TOKEN_SECRET}\n"}
    path.write_text(json.dumps(content))
    done = command(*SIGN)
    assert (done.code, done.err) == (0, "")
    assert done.out == command(*SIGN, **CREDENTIALS).out


@pytest.mark.parametrize(
    ("name", "what"), [("OAUTH2_CONSUMER_SECRET", "consumer secret"), ("OAUTH2_TOKEN_SECRET", "token secret")]
)
def test_a_secret_with_other_whitespace_around_it_is_signed_and_warned_of(command, name, what):
    given = {**CREDENTIALS, name: f" {CREDENTIALS[name]}"}
    warning = f"Warning: The {what} has leading or trailing whitespace."
    warning += " If the whitespace is not part of the secret, remove the whitespace.\n"
    done = command(*SIGN, **given)
    assert (done.code, done.err) == (0, warning)
    assert done.out != command(*SIGN, **CREDENTIALS).out
    assert command("token", "add", "kept", **given).err == warning
    assert command(*SIGN, "--account", "kept").err == warning
    quoted = "".join(f"{key}='{value}'\n" for key, value in given.items())
    assert command(*SIGN, "--credentials", "-", given=quoted).err == warning


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
def test_an_invalid_credentials_file_is_refused_and_not_shown(command, text):
    done = command("sign", "https://api.example/", "--credentials", "-", given=text)
    assert done.code == 3
    assert done.error
    assert SECRET not in done.all


def test_a_credentials_file_that_is_not_there_is_an_error_with_a_hint(command, tmp_path):
    done = command("sign", "https://api.example/", "--credentials", tmp_path / "none")
    assert done.code == 3
    assert "Cannot read" in done.error


def test_the_account_is_that_of_the_origin(command):
    command.add("photos", "https://photos.example")
    command.add("maps", "https://maps.example:8443", given=AS_FILE.replace(KEY, "mapper"))
    assert 'oauth_consumer_key="mapper"' in command("sign", "https://MAPS.example:8443/here").out
    assert f'oauth_consumer_key="{KEY}"' in command("sign", "https://photos.example/").out
    for url in ("https://maps.example/", "http://photos.example/", "https://photos.example.org/"):
        done = command("sign", url)
        assert (done.code, done.out) == (3, "")
        assert "oauth2 login" in done.hint


def test_two_accounts_for_an_origin_need_the_account_option(command):
    command.add("mine", "https://photos.example")
    command.add("yours", "https://photos.example")
    done = command("sign", "https://photos.example/")
    assert (done.code, "mine, yours" in done.hint) == (3, True)
    assert command("sign", "https://photos.example/", "--account", "yours").code == 0


def test_credentials_that_are_no_text_are_refused_and_not_shown(command):
    done = command.process(
        "sign", "https://api.example/", environment={**CREDENTIALS, "OAUTH2_TOKEN_SECRET": "ab\udcff"}
    )
    assert done.code == 3
    assert done.failure == "The value of OAUTH2_TOKEN_SECRET is not UTF-8. Set OAUTH2_TOKEN_SECRET to UTF-8 text."


def test_without_a_terminal_the_command_does_not_ask(command):
    done = command("token", "add", "photos")
    assert done.code == 3
    assert "Set OAUTH2_CONSUMER_KEY" in done.hint


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
        while b"Saved the account" not in seen:
            seen += os.read(ours, 1000)
        process.wait(30)
    os.close(ours)
    assert process.returncode == 0
    assert SECRET.encode() not in seen
    assert TOKEN_SECRET.encode() not in seen
    assert Vault(command.folder / "accounts", InFile()).load("photos").token_secret == TOKEN_SECRET
