"""``oauth2 sign`` and ``oauth2 verify``: what they print is right, shows no secret, and says what is wrong."""

import base64
import hmac
import json
import shlex

import pytest
from command import AS_FILE, CREDENTIALS, KEY, SECRET, TOKEN, TOKEN_SECRET, Command
from peer import base_string, encode, header_of

import oauth2
from oauth2.parameters import parse_authorization_header, parse_form

URL = "https://photos.example/photos?size=original&file=vacation%20%26%20sea.jpg"
FIXED = ("--nonce", "chapoH", "--timestamp", "1700000000")
RFC = """GET /photos?file=vacation.jpg&size=original HTTP/1.1
Host: photos.example.net
Authorization: OAuth realm="Photos",
    oauth_consumer_key="dpf43f3p2l4k3l03",
    oauth_token="nnch734d00sl2jdk",
    oauth_signature_method="HMAC-SHA1",
    oauth_timestamp="137131202",
    oauth_nonce="chapoH",
    oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"

"""
CONSUMER_ONLY = "OAUTH2_CONSUMER_KEY=k\nOAUTH2_CONSUMER_SECRET=s"
RFC_URL = "photos.example.net/photos?file=vacation.jpg&size=original"
RFC_CREDENTIALS = {
    "OAUTH2_CONSUMER_KEY": "dpf43f3p2l4k3l03",
    "OAUTH2_CONSUMER_SECRET": "kd94hf93k423kf44",
    "OAUTH2_TOKEN": "nnch734d00sl2jdk",
    "OAUTH2_TOKEN_SECRET": "pfkkdhi9sl3r4s00",
}


@pytest.fixture
def command(tmp_path):
    found = Command(tmp_path / "config")
    found.add("photos", "https://photos.example", "http://photos.example")
    return found


def signature(method, uri, pairs, *, secret=SECRET, token_secret=TOKEN_SECRET):
    """What a peer that shares no code with us signs *pairs* with."""
    text = base_string(method, uri, [pair for pair in pairs if pair[0] not in ("realm", "oauth_signature")])
    key = f"{encode(secret)}&{encode(token_secret)}"
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), "sha1")).decode()


def hidden(done):
    assert SECRET not in done.all
    assert TOKEN_SECRET not in done.all
    assert encode(SECRET) not in done.all
    assert encode(TOKEN_SECRET) not in done.all
    return done


# --- sign ----------------------------------------------------------------------


def test_the_header_is_what_another_signer_makes(command):
    done = hidden(command("sign", URL))
    assert done.code == 0
    pairs = parse_authorization_header(done.out.removeprefix("Authorization: ").strip())
    query = [("size", "original"), ("file", "vacation & sea.jpg")]
    assert dict(pairs)["oauth_signature"] == signature("GET", "https://photos.example/photos", pairs + query)
    assert dict(pairs)["oauth_token"] == TOKEN


def test_the_url_is_signed_in_its_query(command):
    url = command("sign", URL, "--as", "url").out.strip()
    pairs = parse_form(url.partition("?")[2])
    assert url.startswith(URL + "&oauth_")
    assert dict(pairs)["oauth_signature"] == signature("GET", "https://photos.example/photos", pairs)


def test_the_form_is_signed_in_itself(command):
    form = command("sign", "https://photos.example/photos", "-d", "title=Sea+%26+sun", "-d", "a=b", "--as", "form").out
    pairs = parse_form(form.strip())
    assert pairs[:2] == [("title", "Sea & sun"), ("a", "b")]
    assert dict(pairs)["oauth_signature"] == signature("POST", "https://photos.example/photos", pairs)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-X", "DELETE"),
        ("-d", "a=b&c='d'"),
        ("--json", '{"a": "b c"}'),
        ("-H", "X-Note: it's"),
        ("--data-urlencode", "title=Sea & sun"),
        ("-G", "-d", "a=b"),
        ("-I",),
        ("--placement", "query"),
        ("--placement", "body", "-d", "a=b"),
    ],
)
def test_the_curl_command_is_one_that_verifies(command, options, tmp_path):
    text = hidden(command("sign", URL, *options, "--as", "curl")).out
    assert shlex.split(text)[0] == "curl"
    done = command("verify", "-", "--account", "photos", given=text)
    assert done.out == f"The signature holds (HMAC-SHA1, consumer key {KEY}, token {TOKEN[:4]}...).\n"


def test_a_signature_can_be_repeated(command):
    once, again = (command("sign", URL, *FIXED, "--as", "json").out for _ in range(2))
    assert once == again
    header = json.loads(once)["headers"]["Authorization"]
    assert 'oauth_nonce="chapoH"' in header
    assert 'oauth_timestamp="1700000000"' in header


def test_the_explanation_shows_each_step_and_no_secret(command):
    done = hidden(command("sign", URL, "-d", "a=1&a=0", *FIXED, "--explain"))
    assert "query   file = vacation & sea.jpg" in done.out
    assert "form    a = 1" in done.out
    assert "header  oauth_nonce = chapoH" in done.out
    assert "(left out: a realm is not signed)" in done.out
    assert "<consumer secret>&<token secret>" in done.out
    signed = command("sign", URL, "-d", "a=1&a=0", *FIXED, "--explain", "--as", "json")
    explained = json.loads(hidden(signed).out)["explained"]
    pairs = [(each["name"], each["value"]) for each in explained["parameters"] if each["signed"]]
    text = base_string("POST", "https://photos.example/photos", pairs)
    assert explained["signature_base_string"] == text
    assert f"     {text}\n" in done.out
    order = [line.strip().partition("=")[0] for line in done.out.partition("4. ")[2].splitlines()[1:4]]
    assert order == ["a", "a", "file"]


def test_the_key_without_a_token_ends_with_its_ampersand(command):
    done = command(
        "sign", URL, "--explain", "--credentials", "-", given="OAUTH2_CONSUMER_KEY=k\nOAUTH2_CONSUMER_SECRET=s"
    )
    assert "<consumer secret>&   (no token: nothing after the &)" in done.out


def test_a_plaintext_signature_is_not_printed(command):
    for options in ((), ("--explain",), ("--as", "curl")):
        done = hidden(command("sign", URL, "--signature-method", "PLAINTEXT", *options))
        assert (done.code, done.out) == (3, "")
        assert "oauth2 request" in done.error


def test_an_explanation_of_plaintext_shows_no_secret_either(command):
    secrets = encode(f"{encode(SECRET)}&{encode(TOKEN_SECRET)}")
    header = f'OAuth oauth_consumer_key="{KEY}", oauth_token="{TOKEN}", oauth_signature_method="PLAINTEXT"'
    text = f'GET / HTTP/1.1\nHost: photos.example\nAuthorization: {header}, oauth_signature="{secrets}"\n\n'
    done = hidden(command("verify", "-", "--explain", given=text))
    assert (done.code, done.err) == (0, "")
    assert "it is not shown" in done.out
    assert secrets not in done.out


def test_a_service_s_own_way_is_signed_explained_and_verified(command, tmp_path):
    key = tmp_path / "key.pem"
    command("keygen", key, "--bits", "2048")
    command.add("cards", "https://cards.example", service="mastercard", private_key=key)
    url = "https://cards.example/a?b=c%20d"
    assert "deviates from RFC 5849" in command("sign", url, "--explain").out
    text = command("sign", url, "--json", "{}", "--as", "curl").out
    done = command("verify", "-", given=text)
    assert done.out.startswith("The signature holds (RSA-SHA256")


def test_realm_and_body_hash_can_be_set(command):
    done = command("sign", URL, "--realm", "Photos", "--no-body-hash")
    assert done.out.startswith('Authorization: OAuth realm="Photos", oauth_consumer_key')
    assert "oauth_body_hash" not in done.out
    assert "realm" not in command("sign", URL, "--realm", "").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sign"], "Missing argument 'URL'"),
        (["sign", "ftp://photos.example"], "no http or https URL"),
        (["sign", URL, "-d", "a=b", "--json", "{}"], "choose one of"),
        (["sign", URL, "-H", "no header"], "is no header"),
        (["sign", URL, "-H", "a: b\nc"], "is no header"),
        (["sign", URL, "-d", "@/does/not/exist"], "cannot be read"),
        (["sign", URL, "--json", "{}", "--placement", "body"], "this body is none"),
        (["sign", URL, "--realm", "a\nb"], "control character"),
        (["sign", URL, "-F", "nothing"], "is no form field"),
        (["sign", URL, "--signature-method", "RSA-SHA1"], "a private key"),
        (["sign", URL, "--private-key", "/does/not/exist"], "cannot be read"),
        (["nonsense"], "nonsense"),
        (["sign", "--nonsense"], "--nonsense"),
    ],
)
def test_a_mistake_is_one_line(command, arguments, said):
    done = command(*arguments)
    assert done.code in (2, 3)
    assert said in done.error
    assert "; do " in done.error


# --- keygen, and RSA ------------------------------------------------------------


def test_keys_that_were_made_sign_and_verify(command, tmp_path):
    key = tmp_path / "key.pem"
    assert json.loads(command("keygen", key, "--bits", "2048", "--json").out)["bits"] == 2048
    assert key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "key.pem.pub").stat().st_mode & 0o777 == 0o600
    text = command("sign", URL, "--private-key", key, "--signature-method", "RSA-SHA256", "--as", "curl").out
    done = command("verify", "-", "--public-key", tmp_path / "key.pem.pub", given=text)
    assert done.out.startswith("The signature holds (RSA-SHA256")
    done = command("verify", "-", "-X", "PUT", "--public-key", tmp_path / "key.pem.pub", given=text)
    assert "signed as GET, and is PUT" in done.error
    explained = command("sign", URL, "--private-key", key, "--explain").out
    assert "the RSA private key; the secrets play no part" in explained


def test_an_rsa_account_verifies_with_the_key_beside_its_own(command, tmp_path):
    key = tmp_path / "key.pem"
    command("keygen", key, "--bits", "2048")
    command.add("maps", "https://maps.example", private_key=key)
    text = command("sign", "https://maps.example/", "--as", "curl").out
    assert command("verify", "-", given=text).out.startswith("The signature holds (RSA-SHA1")


@pytest.mark.parametrize("name", ["key.pem", "key.pem.pub"])
def test_a_key_is_never_overwritten(command, tmp_path, name):
    (tmp_path / name).write_text("mine")
    done = command("keygen", tmp_path / "key.pem")
    assert (done.code, "exists" in done.error) == (2, True)
    assert (tmp_path / name).read_text() == "mine"
    assert len([path for path in tmp_path.iterdir() if path.name.startswith("key")]) == 1


def test_what_is_no_key_is_one_line(command, tmp_path):
    (tmp_path / "key").write_text("nonsense")
    done = command("sign", URL, "--private-key", tmp_path / "key")
    assert (done.code, "RSA private key" in done.error) == (3, True)
    done = command("verify", "-", "--public-key", tmp_path / "key", "-a", "photos", given=RFC)
    assert (done.code, "RSA public key" in done.error) == (3, True)


# --- verify ---------------------------------------------------------------------


def test_the_example_of_the_rfc_verifies(command):
    done = command("verify", "-", "--scheme", "http", "--any-time", given=RFC, **RFC_CREDENTIALS)
    assert done.out == "The signature holds (HMAC-SHA1, consumer key dpf43f3p2l4k3l03, token nnch...).\n"


def test_options_can_say_it_all(command):
    header = command("sign", URL).out.strip()
    assert command("verify", "--url", URL, "-H", header).code == 0
    done = command("verify", "--url", URL, "-H", header, "--json")
    assert json.loads(done.out)["valid"] is True


def test_an_old_request_is_told_from_a_wrong_one(command):
    done = command("verify", "-", "--scheme", "http", given=RFC, **RFC_CREDENTIALS)
    assert done.code == 1
    assert done.error.startswith("the signature holds, but the timestamp is ")
    assert "--any-time" in done.error


MISTAKES = [
    ("scheme", {}, ["--scheme", "https"], "signed for http, and you gave https"),
    ("method", {}, ["-X", "POST"], "signed as GET, and is POST"),
    (
        "host",
        {},
        ["--url", f"http://www.{RFC_URL}"],
        "signed for photos",
    ),
    (
        "port",
        {},
        ["--url", f"http://{RFC_URL.replace('/', ':8080/')}"],
        "without the port",
    ),
    ("slash", {}, ["--url", f"http://{RFC_URL.replace('?', '/?')}"], "slash at its end"),
    ("secret", {"OAUTH2_TOKEN_SECRET": "x"}, [], "no common mistake explains it"),
]


@pytest.mark.parametrize(("options", "changed", "said"), [each[2:0:-1] + each[3:] for each in MISTAKES])
def test_a_common_mistake_is_named(command, options, changed, said):
    arguments = ["verify", "-", "--scheme", "http", "--any-time", *options]
    done = command(*arguments, given=RFC, **{**RFC_CREDENTIALS, **changed})
    assert done.code == 1
    assert said in done.error
    assert not any(secret in done.all for secret in ("kd94hf93k423kf44", "pfkkdhi9sl3r4s00"))


SENDERS = [
    ("without the token secret", lambda text: (text, f"{encode(SECRET)}&")),
    ("secrets in the wrong order", lambda text: (text, f"{encode(TOKEN_SECRET)}&{encode(SECRET)}")),
    ("not percent-encoded", lambda text: (text, f"{SECRET}&{TOKEN_SECRET}")),
    ("lacks the &", lambda text: (text, encode(SECRET) + encode(TOKEN_SECRET))),
    ("white space at its end", lambda text: (text, f"{encode(SECRET)}%0A&{encode(TOKEN_SECRET)}")),
    ("the path decoded", lambda text: (text.replace("%2520", "%20"), None)),
]
PAIRS = [
    ("oauth_consumer_key", KEY),
    ("oauth_nonce", "n1"),
    ("oauth_signature_method", "HMAC-SHA1"),
    ("oauth_timestamp", "1700000000"),
    ("oauth_token", TOKEN),
]


@pytest.mark.parametrize(("said", "mistaken"), SENDERS, ids=[said for said, _ in SENDERS])
def test_a_sender_s_mistake_is_named(command, said, mistaken):
    uri = "https://photos.example/a%20b"
    text, key = mistaken(base_string("GET", uri, PAIRS))
    key = (key or f"{encode(SECRET)}&{encode(TOKEN_SECRET)}").encode()
    made = base64.b64encode(hmac.digest(key, text.encode(), "sha1")).decode()
    header = f"Authorization: {header_of([*PAIRS, ('oauth_signature', made)])}"
    done = hidden(command("verify", "--url", uri, "-H", header, "--any-time"))
    assert done.code == 1
    assert said in done.error


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "neither a curl command nor an HTTP request"),
        ("hello there\n", "neither a curl command nor an HTTP request"),
        ("GET / HTTP/1.1\nHost: photos.example\n\n", "no OAuth parameters"),
        ("GET / HTTP/1.1\n\n", "no Host header"),
        ("GET /?oauth_consumer_key=other HTTP/1.1\nHost: photos.example\n\n", "names the consumer key 'other'"),
        (f"GET /?oauth_consumer_key={KEY} HTTP/1.1\nHost: photos.example\n\n", "no token, and the account has one"),
        (
            f"GET /?oauth_consumer_key={KEY}&oauth_token={TOKEN} HTTP/1.1\nHost: photos.example\n\n",
            "Missing oauth_signature",
        ),
        ("GET /?a=%zz&oauth_token=b HTTP/1.1\nHost: photos.example\n\n", "syntax"),
        ("curl 'https://photos.example", "an open quote"),
        ("curl --silent", "no URL"),
        ("curl --nonsense https://photos.example", "No such option"),
        (
            'GET / HTTP/1.1\nHost: photos.example\nAuthorization: OAuth a="b"\nAuthorization: OAuth a="c"\n\n',
            "two different",
        ),
    ],
)
def test_what_is_no_request_is_one_line(command, text, said):
    done = command("verify", "-", "-a", "photos", given=text)
    assert done.code in (1, 2)
    assert said in done.error or said == "syntax"


def test_a_body_hash_that_does_not_match_is_named(command, tmp_path):
    text = command("sign", URL, "--json", '{"a": 1}', "--as", "curl").out
    (tmp_path / "body").write_text('{"a": 2}')
    done = command("verify", "-", "--body", tmp_path / "body", given=text)
    assert "oauth_body_hash is not that of the body" in done.error


def test_curl_options_that_do_not_matter_are_passed_over(command):
    text = command("sign", URL, "--as", "curl").out.replace("curl", "$ curl -sSL --compressed -A agent \\\n")
    assert command("verify", "-", given=text).code == 0


def test_what_a_peer_sent_cannot_steer_the_terminal(command):
    evil = "GET /?oauth_consumer_key=%1B%5B2J&oauth_token=%C2%9B31m HTTP/1.1\nHost: photos.example\n\n"
    done = command("verify", "-", "-a", "photos", given=evil)
    assert "\x1b" not in done.all
    assert "\x9b" not in done.all
    explained = command("verify", "-", "--explain", given=evil, **{**CREDENTIALS, "OAUTH2_CONSUMER_KEY": "\x1b[2J"})
    assert "\x1b" not in explained.all


def test_colours_are_for_terminals_only(command):
    assert "\x1b" not in command("sign").err
    assert "\x1b" not in command("sign", NO_COLOR="1").err


def test_the_version_and_the_commands_are_told(command):
    assert command("--version").out == f"oauth2 {oauth2.__version__}\n"
    for done in (command(), command("--help")):
        assert done.code == 0
        for name in ("login", "request", "sign", "verify", "services", "token", "keygen", "serve", "demo"):
            assert f"\n  {name} " in done.out


def test_credentials_on_standard_input_and_a_request_in_a_file(command, tmp_path):
    (tmp_path / "sent").write_text(command("sign", URL, "--as", "curl").out)
    assert command("verify", tmp_path / "sent", "--credentials", "-", given=AS_FILE).code == 0
