"""``oauth2 sign`` and ``oauth2 verify``: they sign and verify correctly, show no secret, and name mistakes."""

import base64
import hmac
import json
import re
import shlex
import shutil
import subprocess

import pytest
from command import AS_FILE, CREDENTIALS, KEY, SECRET, TOKEN, TOKEN_SECRET, Command
from peer import base_string, encode, header_of

import oauth2
from oauth2.cli.shell import split_words
from oauth2.parameters import parse_authorization_header, parse_form

pytestmark = pytest.mark.slow

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
    """Return the signature of *pairs*, computed without the code of the package."""
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


def test_the_query_of_the_url_contains_its_signature(command):
    url = command("sign", URL, "--as", "url").out.strip()
    pairs = parse_form(url.partition("?")[2])
    assert url.startswith(URL + "&oauth_")
    assert dict(pairs)["oauth_signature"] == signature("GET", "https://photos.example/photos", pairs)


def test_the_form_contains_its_signature(command):
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
    assert done.out == f"The signature is valid (HMAC-SHA1, consumer key {KEY}, token {TOKEN[:4]}...).\n"


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
    assert "(left out: the realm is not signed)" in done.out
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
    assert "<consumer secret>&   (no token, so the key ends after the &)" in done.out


def test_a_plaintext_signature_is_not_printed(command):
    for options in ((), ("--explain",), ("--as", "curl")):
        done = hidden(command("sign", URL, "--signature-method", "PLAINTEXT", *options))
        assert (done.code, done.out) == (3, "")
        assert "oauth2 request" in done.hint


def signatures_in(explanation):
    lines = explanation.partition("\n8. ")[2].splitlines()[1:3]
    return [line.strip().partition(": ")[::2] for line in lines]


def test_an_explanation_of_a_received_request_has_the_computed_and_the_received_signature(command):
    text = command("sign", URL, "--as", "curl").out
    right = dict(parse_authorization_header(command("sign", URL, *FIXED).out.removeprefix("Authorization: ").strip()))
    made = shlex.split(text)[-1]
    received = dict(parse_authorization_header(made.removeprefix("Authorization: ")))["oauth_signature"]
    done = hidden(command("verify", "-", "--explain", given=text))
    assert signatures_in(done.out) == [("computed", received), ("received", received)]
    wrong = command("sign", URL, *FIXED, **{**CREDENTIALS, "OAUTH2_TOKEN_SECRET": "other"}).out.strip()
    arguments = ["verify", "--url", URL, "-H", wrong, "-a", "photos", "--any-time", "--explain"]
    done = hidden(command(*arguments))
    computed, received = signatures_in(done.out)
    assert computed == ("computed", right["oauth_signature"])
    assert received == ("received", dict(parse_authorization_header(wrong.partition(": ")[2]))["oauth_signature"])
    assert received[1] != computed[1]
    explained = json.loads(hidden(command(*arguments, "--json")).out)["explained"]
    assert explained["signature"] == dict([computed, received])


def test_an_explanation_of_rsa_computes_only_with_the_private_key(command, tmp_path):
    key = tmp_path / "key.pem"
    command("keygen", key, "--bits", "2048")
    text = command("sign", URL, "--private-key", key, "--as", "curl").out
    done = command("verify", "-", "--public-key", f"{key}.pub", "--explain", given=text)
    assert signatures_in(done.out)[0] == ("computed", "(needs the private key)")
    done = command("verify", "-", "--explain", given=text)
    assert signatures_in(done.out)[0] == ("computed", "(needs the private key)")
    command.add("maps", "https://photos.example", private_key=key)
    done = command(
        "verify", "--url", f"{URL}&oauth_signature_method=X&oauth_token={TOKEN}", "-a", "photos", "--explain"
    )
    assert signatures_in(done.out) == [("computed", "(unknown signature method)"), ("received", "(none)")]
    (computed, made), (received, sent) = signatures_in(
        command("verify", "-", "-a", "maps", "--explain", given=text).out
    )
    assert (computed, received, made == sent) == ("computed", "received", True)


def test_an_explanation_of_plaintext_shows_no_secret_either(command):
    secrets = encode(f"{encode(SECRET)}&{encode(TOKEN_SECRET)}")
    header = f'OAuth oauth_consumer_key="{KEY}", oauth_token="{TOKEN}", oauth_signature_method="PLAINTEXT"'
    text = f'GET / HTTP/1.1\nHost: photos.example\nAuthorization: {header}, oauth_signature="{secrets}"\n\n'
    done = hidden(command("verify", "-", "--explain", given=text))
    assert (done.code, done.err) == (0, "")
    assert "which is not shown" in done.out
    assert secrets not in done.out
    done = hidden(command("verify", "-", "--explain", "--json", given=text))
    assert "signature" not in json.loads(done.out)["explained"]


def test_the_variant_of_a_service_is_signed_explained_and_verified(command, tmp_path):
    key = tmp_path / "key.pem"
    command("keygen", key, "--bits", "2048")
    command.add("cards", "https://cards.example", service="mastercard", private_key=key)
    url = "https://cards.example/a?b=c%20d"
    assert "deviates from RFC 5849" in command("sign", url, "--explain").out
    text = command("sign", url, "--json", "{}", "--as", "curl").out
    done = command("verify", "-", given=text)
    assert done.out.startswith("The signature is valid (RSA-SHA256")


def test_realm_and_body_hash_can_be_set(command):
    done = command("sign", URL, "--realm", "Photos", "--no-body-hash")
    assert done.out.startswith('Authorization: OAuth realm="Photos", oauth_consumer_key')
    assert "oauth_body_hash" not in done.out
    assert "realm" not in command("sign", URL, "--realm", "").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sign"], "Missing argument 'URL'"),
        (["sign", "ftp://photos.example"], "Not an http or https URL"),
        (["sign", URL, "-d", "a=b", "--json", "{}"], "Give only one of"),
        (["sign", URL, "-H", "no header"], "Not a header"),
        (["sign", URL, "-H", "a: b\nc"], "Not a header"),
        (["sign", URL, "-d", "@/does/not/exist"], "Cannot read"),
        (["sign", URL, "--json", "{}", "--placement", "body"], "for a body that is not a form"),
        (["sign", URL, "--realm", "a\nb"], "control character"),
        (["sign", URL, "-F", "nothing"], "Not a form field"),
        (["sign", URL, "--signature-method", "RSA-SHA1"], "a private key"),
        (["sign", URL, "--timestamp", "now"], "Not a timestamp: 'now'"),
        (["sign", URL, "--timestamp", "-5"], "Not a timestamp: '-5'"),
        (["sign", URL, "--private-key", "/does/not/exist"], "Cannot read"),
        (["nonsense"], "nonsense"),
        (["sign", "--nonsense"], "--nonsense"),
    ],
)
def test_a_mistake_is_an_error_with_a_hint(command, arguments, said):
    done = command(*arguments)
    assert done.code in (2, 3)
    assert said in done.failure


# --- the Host header --------------------------------------------------------------


def received_at(host, done, target="/photos?a=b"):
    """Return the printed signature, and the signature that a server named *host* expects (section 3.4.1.2)."""
    pairs = parse_authorization_header(done.out.removeprefix("Authorization: ").strip())
    query = parse_form(target.partition("?")[2])
    return dict(pairs)["oauth_signature"], signature("GET", f"http://{host}/photos", [*pairs, *query])


@pytest.mark.parametrize(("given", "signed"), [("api.example", "api.example"), ("API.example:80 ", "api.example")])
def test_the_host_header_is_what_is_signed(command, given, signed):
    done = command("sign", "http://photos.example:8080/photos?a=b", "-H", f"host: {given}", "-a", "photos")
    made, wanted = received_at(signed, done)
    assert made == wanted
    explained = command("sign", "http://photos.example:8080/x?a=b", "-H", f"host: {given}", "-a", "photos", "--explain")
    assert f"\n     http://{signed}/x\n" in explained.out


@pytest.mark.parametrize("placement", ["header", "query"])
def test_a_request_with_a_host_header_verifies_as_it_was_signed(command, placement, tmp_path):
    options = ["-H", "Host: api.example:8443", "--placement", placement]
    text = command("sign", URL, *options, "--as", "curl").out
    assert command("verify", "-", given=text).code == 0
    for other in (["--url", URL], ["-H", "Host: elsewhere.example"]):
        done = command("verify", "-", *other, "-a", "photos", given=text)
        assert (done.code, "The signature is invalid" in done.error) == (
            1,
            placement == "header" or other[0] == "-H",
        )
    header = command("sign", URL, "-H", "Host: api.example:8443").out.strip()
    assert command("verify", "--url", URL, "-H", header, "-H", "Host: api.example:8443").code == 0
    target = URL.removeprefix("https://photos.example")
    raw = f"GET {target} HTTP/1.1\nHost: api.example:8443\n{header}\n\n"
    assert command("verify", "-", "-a", "photos", given=raw).code == 0
    assert command("verify", "-", "-a", "photos", "-H", "Host: other.example", given=raw).code == 1
    right = f"https://api.example:8443{target}"
    assert command("verify", "-", "-a", "photos", "--url", right, given=raw.replace("api.", "wrong.")).code == 0
    raw = f"GET {right} HTTP/1.1\nHost: proxy.example\n{header}\n\n"
    assert command("verify", "-", "-a", "photos", given=raw).code == 0


@pytest.mark.parametrize("host", ["a b", "a/b", "a?b", "http://a", "a:99999", "é"])
def test_an_invalid_host_header_is_an_error_with_a_hint(command, host):
    for arguments in (["sign", URL, "-H", f"Host: {host}"], ["verify", "--url", URL, "-H", f"Host: {host}"]):
        done = command(*arguments)
        assert (done.code, "Not a valid Host header" in done.error) == (2, True)


# --- keygen, and RSA ------------------------------------------------------------


def test_keys_that_were_made_sign_and_verify(command, tmp_path):
    key = tmp_path / "key.pem"
    assert json.loads(command("keygen", key, "--bits", "2048", "--json").out)["bits"] == 2048
    assert key.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "key.pem.pub").stat().st_mode & 0o777 == 0o600
    text = command("sign", URL, "--private-key", key, "--signature-method", "RSA-SHA256", "--as", "curl").out
    done = command("verify", "-", "--public-key", tmp_path / "key.pem.pub", given=text)
    assert done.out.startswith("The signature is valid (RSA-SHA256")
    done = command("verify", "-", "-X", "PUT", "--public-key", tmp_path / "key.pem.pub", given=text)
    assert "signed as GET and sent as PUT" in done.error
    explained = command("sign", URL, "--private-key", key, "--explain").out
    assert "the RSA private key; the secrets are not used" in explained


def test_an_rsa_account_verifies_with_the_key_beside_its_own(command, tmp_path):
    key = tmp_path / "key.pem"
    command("keygen", key, "--bits", "2048")
    command.add("maps", "https://maps.example", private_key=key)
    text = command("sign", "https://maps.example/", "--as", "curl").out
    assert command("verify", "-", given=text).out.startswith("The signature is valid (RSA-SHA1")


@pytest.mark.parametrize("name", ["key.pem", "key.pem.pub"])
def test_a_key_is_never_overwritten(command, tmp_path, name):
    (tmp_path / name).write_text("mine")
    done = command("keygen", tmp_path / "key.pem")
    assert (done.code, "exists" in done.error) == (2, True)
    assert (tmp_path / name).read_text() == "mine"
    assert len([path for path in tmp_path.iterdir() if path.name.startswith("key")]) == 1


def test_a_file_without_a_key_is_an_error_with_a_hint(command, tmp_path):
    (tmp_path / "key").write_text("nonsense")
    done = command("sign", URL, "--private-key", tmp_path / "key")
    assert (done.code, "Not an RSA private key" in done.error) == (3, True)
    done = command("verify", "-", "--public-key", tmp_path / "key", "-a", "photos", given=RFC)
    assert (done.code, "Not an RSA public key" in done.error) == (3, True)


# --- verify ---------------------------------------------------------------------


def test_the_example_of_the_rfc_verifies(command):
    done = command("verify", "-", "--scheme", "http", "--any-time", given=RFC, **RFC_CREDENTIALS)
    assert done.out == "The signature is valid (HMAC-SHA1, consumer key dpf43f3p2l4k3l03, token nnch...).\n"


def test_a_request_can_be_given_with_options_alone(command):
    header = command("sign", URL).out.strip()
    assert command("verify", "--url", URL, "-H", header).code == 0
    done = command("verify", "--url", URL, "-H", header, "--json")
    assert json.loads(done.out)["valid"] is True


def test_an_old_request_is_not_reported_for_its_signature(command):
    done = command("verify", "-", "--scheme", "http", given=RFC, **RFC_CREDENTIALS)
    assert done.code == 1
    assert done.error.startswith("The signature is valid, but the timestamp is ")
    assert "--any-time" in done.hint


MISTAKES = [
    ("scheme", {}, ["--scheme", "https"], "signed for http and received over https"),
    ("method", {}, ["-X", "POST"], "signed as GET and sent as POST"),
    (
        "host",
        {},
        ["--url", f"http://www.{RFC_URL}"],
        "signed for the host photos",
    ),
    (
        "port",
        {},
        ["--url", f"http://{RFC_URL.replace('/', ':8080/')}"],
        "without the port",
    ),
    ("slash", {}, ["--url", f"http://{RFC_URL.replace('?', '/?')}"], "without the trailing slash"),
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
    ("no token secret", lambda text: (text, f"{encode(SECRET)}&")),
    ("token secret was before the consumer secret", lambda text: (text, f"{encode(TOKEN_SECRET)}&{encode(SECRET)}")),
    ("not percent-encoded", lambda text: (text, f"{SECRET}&{TOKEN_SECRET}")),
    ("The signing key had no &", lambda text: (text, encode(SECRET) + encode(TOKEN_SECRET))),
    ("a line end after it", lambda text: (text, f"{encode(SECRET)}%0A&{encode(TOKEN_SECRET)}")),
    ("The path was decoded before signing", lambda text: (text.replace("%2520", "%20"), None)),
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
        ("GET /?oauth_consumer_key=other HTTP/1.1\nHost: photos.example\n\n", "has the consumer key 'other'"),
        (
            f"GET /?oauth_consumer_key={KEY} HTTP/1.1\nHost: photos.example\n\n",
            "The account has a token, but the request has none",
        ),
        (
            f"GET /?oauth_consumer_key={KEY}&oauth_token={TOKEN} HTTP/1.1\nHost: photos.example\n\n",
            "Missing oauth_signature",
        ),
        ("GET /?a=%zz&oauth_token=b HTTP/1.1\nHost: photos.example\n\n", "syntax"),
        ("curl 'https://photos.example", "quotation mark that is not closed"),
        ("curl --silent", "no URL"),
        ("curl --nonsense https://photos.example", "No such option"),
        (
            'GET / HTTP/1.1\nHost: photos.example\nAuthorization: OAuth a="b"\nAuthorization: OAuth a="c"\n\n',
            "two different",
        ),
    ],
)
def test_a_text_without_a_request_is_an_error_with_a_hint(command, text, said):
    done = command("verify", "-", "-a", "photos", given=text)
    assert done.code in (1, 2)
    assert said in done.error or said == "syntax"


def test_a_body_hash_that_does_not_match_is_named(command, tmp_path):
    text = command("sign", URL, "--json", '{"a": 1}', "--as", "curl").out
    (tmp_path / "body").write_text('{"a": 2}')
    done = command("verify", "-", "--body", tmp_path / "body", given=text)
    assert "oauth_body_hash does not match the body" in done.error


WORDS = [
    ("curl 'a b' c\\ d \"e 'f\" ''", ["curl", "a b", "c d", "e 'f", ""]),
    ("curl \\\n  'a\\\nb' \"c\\\nd\" e\\\nf \\\n g", ["curl", "a\\\nb", "cd", "ef", "g"]),
    (r"curl $'it\'s\u0021 \x41\101\n\r\t\\ \q \cA\?'", ["curl", "it's! AA\n\r\t\\ \\q \x01?"]),
    (r"curl $'\u00e9\U0001F600' $'\xc3\xa9' $'\xff' $'\u41g'", ["curl", "é😀", "é", "\udcff", "Ag"]),
    (r"curl '$a' x$'b'y '$'", ["curl", "$a", "xby", "$"]),
    (r'curl "\$a \`b\` \\ \x $"', ["curl", r"$a `b` \ \x $"]),
]
BROWSERS = [
    ("curl \\\r\n  'a' \\\r\n b", ["curl", "a", "b"]),
    (r"curl $'\ud83d\ude00' $'\ud83d'", ["curl", "😀", "\udced\udca0\udcbd"]),
    (r"curl $'\U00110000'", ["curl", r"\U00110000"]),
    ("curl a$", ["curl", "a$"]),
    (
        'curl ^"https://a/?b=^%^41^&c^" ^\r\n  -H ^"d: ^\\^"e^\\^"^" ^\n -d ^"1^\n\n2^"',
        ["curl", "https://a/?b=%41&c", "-H", 'd: "e"', "-d", "1\n2"],
    ),
]


@pytest.mark.parametrize(("text", "words"), [*WORDS, *BROWSERS])
def test_a_command_is_split_into_words_as_a_shell_does(text, words):
    assert split_words(text) == words


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_bash_splits_a_command_into_the_same_words(text, words):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    script = f"curl() {{ printf '%s\\0' curl \"$@\"; }}\n{text}"
    done = subprocess.run([bash, "-c", script.encode()], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1] == words


def for_cmd(word):
    """Return *word* as Chrome writes it in a command for cmd.exe."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return '^"' + re.sub(r"[^a-zA-Z0-9\s_\-:=+~'/.,?;()*`]", r"^\g<0>", escaped).replace("\n", "^\n\n") + '^"'


def test_a_command_as_a_browser_copies_it_verifies(command):
    text = command("sign", URL, "--data-raw", "text=it's new!\né😀", "--as", "curl").out
    *words, data = shlex.split(text)
    quoted = r"$'text=it\'s new\u0021\n\u00e9\ud83d\ude00'"
    copied = " \\\n  ".join([*map(shlex.quote, words), quoted, "--compressed"])
    assert command("verify", "-", given=copied).code == 0
    copied = " ^\r\n  ".join(map(for_cmd, [*words[1:], data]))
    assert command("verify", "-", given=f"curl {copied}").code == 0


@pytest.mark.parametrize("text", ["curl $'open", 'curl "open', "curl -d $'@\\0' https://photos.example/", "curl\n"])
def test_an_invalid_curl_command_is_an_error_with_a_hint(command, text):
    done = command("verify", "-", "-a", "photos", given=text)
    assert (done.code, bool(done.hint)) == (2, True)


def test_curl_options_that_do_not_change_the_request_are_ignored(command):
    text = command("sign", URL, "--as", "curl").out.replace("curl", "$ curl -sSL --compressed -A agent \\\n")
    assert command("verify", "-", given=text).code == 0


def test_a_received_request_cannot_control_the_terminal(command):
    evil = "GET /?oauth_consumer_key=%1B%5B2J&oauth_token=%C2%9B31m HTTP/1.1\nHost: photos.example\n\n"
    done = command("verify", "-", "-a", "photos", given=evil)
    assert "\x1b" not in done.all
    assert "\x9b" not in done.all
    explained = command("verify", "-", "--explain", given=evil, **{**CREDENTIALS, "OAUTH2_CONSUMER_KEY": "\x1b[2J"})
    assert "\x1b" not in explained.all


def test_colours_are_for_terminals_only(command):
    assert "\x1b" not in command("sign").err
    assert "\x1b" not in command("sign", NO_COLOR="1").err


def test_the_version_and_the_commands_are_printed(command):
    assert command("--version").out == f"oauth2 {oauth2.__version__}\n"
    for done in (command(), command("--help")):
        assert done.code == 0
        for name in ("login", "request", "sign", "verify", "doctor", "services", "token", "keygen", "serve", "demo"):
            assert f"\n  {name} " in done.out


def test_credentials_on_standard_input_and_a_request_in_a_file(command, tmp_path):
    (tmp_path / "sent").write_text(command("sign", URL, "--as", "curl").out)
    assert command("verify", tmp_path / "sent", "--credentials", "-", given=AS_FILE).code == 0
