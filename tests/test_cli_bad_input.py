"""No command shows a traceback: each option of each command with wrong, empty, binary and huge values and input."""

import json
import socket
import sys

import click
import pytest
from command import AS_FILE, Command, commands
from loopback import Answer, Loopback

from oauth2 import rsa, services
from oauth2.stores import ClientCredentials
from oauth2.stores.sqlite import SQLiteStore

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9/"  # No service listens on this port.
HERE = "{service}"  # The tests replace this text by the origin of the service.
NAME = "printer"
STORE = ["--store", "sqlite:///provider.db"]
CREDENTIALS = b"oauth_token=a&oauth_token_secret=b&oauth_callback_confirmed=true"

#: Values that a user, a script or a copied text can give by mistake.
VALUES = {
    "empty": "",
    "space": " ",
    "dash": "-",
    "folder": "/",
    "missing file": "/does/not/exist",
    "file as data": "@/does/not/exist",
    "folder as data": "@/",
    "not UTF-8": "\udcff\udc80=\udcff",
    "not UTF-8 URL": "http://127.0.0.1:9/\udcff?a=\udcff",
    "control": "\x1b[2J: \x07",
    "lines": "a: b\r\nc: d",
    "huge": "x" * 200_000,
    "huge number": "9" * 5_000,
    "negative": "-1",
    "not a number": "nan",
    "endless": "inf",
    "pair": "a=b",
    "no name": "=b",
    "colon": ":",
    "URL": NOWHERE,
    "URL without host": "https:///a",
    "URL with a wrong port": "http://127.0.0.1:99999/",
    "URL with a text for port": "http://127.0.0.1:x/",
    "URL with open bracket": "http://[::1/",
    "URL with user": "http://a:b@127.0.0.1:9/",
    "callback that is none": "http://localhost:99999/a",
    "not ASCII": "ü海\u202e",
    "template": "{account}",
    "service": "netsuite",
    "service without signature": "bricklink",
    "curl": "curl",
}
INPUTS = {
    "nothing": b"",
    "binary": bytes(range(256)) * 16,
    "huge": b"x" * 2_000_000,
    "lines": b"a=b\n" * 1000,
    "curl": b"curl ",
    "open quote": b"curl $'\\x",
    "HTTP": b"GET / HTTP/1.1\r\n\xff\xff: \x00\r\n\r\n",
    "UTF-16": "GET / HTTP/1.1\n\n".encode("utf-16"),
}
#: The arguments that each command requires, so that the tested value is the only mistake.
NEEDED = {
    "login": [f"{HERE}/temporary", f"{HERE}/authorize", f"{HERE}/token", "--no-browser", "--callback", "oob"],
    "request": [f"{HERE}/photos"],
    "sign": ["https://photos.example/"],
    "verify": ["-", "-a", NAME],
    "doctor": ["-", "-a", NAME],
    "services show": ["discogs"],
    "token show": [NAME],
    "token delete": ["nothing", "--yes"],
    "token add": ["new"],
    "token set": [NAME],
    "keygen": ["key.pem"],
    "provider consumers add": ["new", *STORE, "--callback", "oob"],
    "provider consumers list": STORE,
    "provider consumers show": [NAME, *STORE],
    "provider consumers rotate": [NAME, *STORE],
    "provider consumers remove": [NAME, *STORE, "--yes"],
    "provider grants list": STORE,
    "provider grants revoke": ["grant", *STORE, "--yes"],
    "provider check": STORE,
    "provider migrate": STORE,
    "provider reencrypt": STORE,
}


def options(found):
    """For each option that takes a value, yield one of its names."""
    for each in found.params:
        if isinstance(each, click.Option) and not each.is_flag:
            yield each.opts[-1]


CASES = [
    pytest.param([*words, *NEEDED.get(" ".join(words), []), option], id=" ".join([*words, option]))
    for words, found in commands()
    for option in options(found)
]


@pytest.fixture(scope="module")
def service():
    with Loopback() as found:
        found.routes.update({path: Answer(body=CREDENTIALS) for path in ("/temporary", "/token")})
        yield found


@pytest.fixture
def command(tmp_path, monkeypatch, service):
    def resolve(host, *rest, **more):
        if host in ("127.0.0.1", "localhost", b"127.0.0.1", b"localhost"):
            return real(host, *rest, **more)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(rsa, "generate_key_pair", lambda bits: (b"private", b"public"))
    monkeypatch.setitem(sys.modules, "oauth2.site", Site())
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    store = SQLiteStore("provider.db")
    store.add_consumer(ClientCredentials(key=NAME, secret="s"))
    store.close()
    found = Command(tmp_path / "config")
    found.add(NAME, "https://photos.example", NOWHERE, service.origin)

    def run(*arguments, **more):
        filled = [each.replace(HERE, service.origin) if len(each) < 100 else each for each in arguments]
        return found(*filled, **more)

    return run


class Site:
    """Replaces the provider, which would run until it is stopped."""

    class CannotServe(RuntimeError):
        message = hint = ""

    def serve(self, *arguments, **options):
        pass

    def demo(self):
        return 0


def is_clean(done):
    """Check that the command succeeded, or ended with an error and a hint."""
    assert done.code in (0, 1, 2, 3, 4), done
    if done.code and done.err:
        *_, error, hint = done.err.splitlines()
        assert error.startswith("Error: "), done.err[-500:]
        assert hint.startswith("Hint: "), done.err[-500:]
    assert "Traceback" not in done.all
    assert "\x1b" not in done.err
    assert len(done.err) < 5_000, done.err[:500]


@pytest.mark.parametrize("arguments", CASES)
def test_no_value_of_an_option_causes_a_traceback(command, arguments):
    for value in VALUES.values():
        is_clean(command(*arguments, value, given=AS_FILE))


@pytest.mark.parametrize("words", [words for words, _ in commands()], ids=" ".join)
def test_wrong_missing_and_too_many_arguments_cause_no_traceback(command, words):
    is_clean(command(*words))
    for value in VALUES.values():
        if list(words) == ["check-migration"] and value == "/":  # This command would read all files of the machine.
            continue
        for arguments in ([value], [value, value], [value, value, value]):
            is_clean(command(*words, *arguments, given=AS_FILE))


@pytest.mark.parametrize("given", INPUTS.values(), ids=INPUTS)
def test_no_standard_input_causes_a_traceback(command, given):
    for words, _ in commands():
        is_clean(command(*words, *NEEDED.get(" ".join(words), []), given=given))
        is_clean(command(*words, *NEEDED.get(" ".join(words), []), "--credentials", "-", given=given))
    for option in ("-d", "--json", "--data-binary", "--data-urlencode"):
        is_clean(command("sign", "https://photos.example/", option, "@-", given=given))
        is_clean(command("request", NOWHERE, option, "@-", given=given))
    for option in ("-T", "-F", "-K"):
        is_clean(command("sign", "https://photos.example/", option, "a=@-" if option == "-F" else "-", given=given))
    is_clean(command("verify", "--url", NOWHERE, "--body", "-", given=given))


@pytest.mark.parametrize("content", INPUTS.values(), ids=INPUTS)
def test_no_content_of_a_file_causes_a_traceback(command, content):
    with open("file", "wb") as file:
        file.write(content)
    for arguments in CASES:
        words = arguments.values[0]
        is_clean(command(*words, "file", given=AS_FILE))
        is_clean(command(*words, "@file", given=AS_FILE))


WRONG = [None, True, 5, -1.5, 10**400, "", "\ud800", "\x1b[2J", [], ["a", 5], {}, {"a": 5}, {"a": {"b": []}}]


def kept_texts(text):
    """Yield damaged versions of *text*, the content of an account's file."""
    kept = json.loads(text)
    for place in (kept, kept["account"], kept["secrets"]):
        for name in list(place):
            before = place.pop(name)
            yield json.dumps(kept)
            for value in WRONG:
                place[name] = value
                yield json.dumps(kept)
            place[name] = before
    yield from ("", "{", "5", "[]", "[" * 100_000, "\0", text[:-1], text[: len(text) // 2])


def test_no_content_of_an_account_s_file_causes_a_traceback(command, tmp_path):
    path = tmp_path / "config" / "accounts" / f"{NAME}.json"
    for text in kept_texts(path.read_text()):
        path.write_text(text)
        for arguments in (["list"], ["list", "--json"], ["show", NAME], ["delete", "nothing", "--yes"]):
            is_clean(command("token", *arguments))
        for arguments in (["sign", HERE], ["sign", HERE, "-a", NAME], ["request", HERE, "-a", NAME]):
            is_clean(command(*arguments))


@pytest.mark.parametrize("name", services.names())
def test_an_account_that_was_added_for_a_service_can_be_used_by_every_command(command, name):
    added = command("token", "add", "new", "--service", name, "--credentials", "-", given=AS_FILE)
    is_clean(added)
    for words, _ in commands():
        given = f"curl https://photos.example/ -H 'Authorization: OAuth oauth_consumer_key=\"{NAME}\"'"
        is_clean(command(*words, *NEEDED.get(" ".join(words), []), "-a", "new", given=given))
        is_clean(command(*words, "new", given=given))


@pytest.mark.parametrize("name", ["OAUTH2_STORE", "OAUTH2_CONFIG_DIR", "OAUTH2_CONSUMER_KEY", "OAUTH2_TOKEN"])
def test_a_wrong_environment_causes_no_traceback(command, name):
    for value in VALUES.values():
        if "\0" not in value and len(value) < 100_000:
            for arguments in (["token", "list"], ["sign", NOWHERE], ["token", "add", "new"], ["request", NOWHERE]):
                is_clean(command(*arguments, given=AS_FILE, **{name: value}))


@pytest.mark.parametrize("name", ["OAUTH2_PROVIDER_STORE", "OAUTH2_PROVIDER_KEY_FILE", "OAUTH2_PROVIDER_KEYS"])
def test_a_wrong_environment_of_an_operator_causes_no_traceback(command, name):
    for value in VALUES.values():
        if "\0" not in value and len(value) < 100_000:
            store = [] if name == "OAUTH2_PROVIDER_STORE" else STORE
            for words in (["consumers", "list"], ["check"], ["migrate", "--yes"], ["reencrypt"]):
                is_clean(command("provider", *words, *store, **{name: value}))
