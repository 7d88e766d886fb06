"""``oauth2 doctor``: it names the mistake in a request in any input format, and shows no secret."""

import base64
import json
import re

import pytest
from command import AS_FILE, CREDENTIALS, KEY, SECRET, TOKEN, TOKEN_SECRET, Command

pytestmark = [pytest.mark.slow, pytest.mark.portable]

URL = "https://photos.example/list?tag=a+b&size=large"


@pytest.fixture
def command(tmp_path):
    found = Command(tmp_path / "config")
    found.add("photos", "https://photos.example")
    return found


def hidden(done):
    for secret in (SECRET, TOKEN_SECRET, "s3cret%26of", "t0ken%2Fsecret"):
        assert secret not in done.all
    assert "Traceback" not in done.all
    return done


def header(command):
    return command("sign", URL, "-a", "photos").out.strip()


def har(command, url=URL):
    name, _, value = header(command).partition(": ")
    headers = [{"name": ":authority", "value": "photos.example"}, {"name": name, "value": value}]
    return {"request": {"method": "GET", "url": url, "headers": headers}}


def test_a_valid_request_has_no_mistake(command):
    done = hidden(command("doctor", "-", given=command("sign", URL, "--as", "curl").out))
    assert (done.code, done.err) == (0, "")
    assert done.out == "The signature is valid, and no mistake was found.\n"


def test_a_curl_command_is_diagnosed_with_proof_and_repair(command):
    sent = command("sign", URL, "--as", "curl").out.replace("https:", "http:")
    done = hidden(command("doctor", "-", "-a", "photos", given=sent))
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0] == "1 mistake was found."
    assert lines[2] == "scheme: The request was signed for https and received over http."
    assert [line.split() for line in lines[3:6]] == [
        ["base", "string", "URI"],
        ["expected", "http://photos.example/list"],
        ["signed", "https://photos.example/list"],
    ]
    assert lines[6].startswith("  Repair: Sign the URL at which the service receives the request")


def test_an_http_request_is_diagnosed(command):
    raw = f"POST /list?tag=a+b&size=large HTTP/1.1\nHost: photos.example\n{header(command)}\n\n"
    done = hidden(command("doctor", "-", "-a", "photos", given=raw))
    assert "method: The request was signed as GET and sent as POST." in done.out


def test_header_method_and_url_are_diagnosed(command):
    done = hidden(command("doctor", "--url", f"{URL}&page=2", "-H", header(command), "-X", "GET", "-a", "photos"))
    assert "parameter-not-signed: The parameter 'page' was sent and not signed." in done.out


def test_an_entry_of_a_har_file_is_diagnosed(command):
    wrong = har(command, URL.replace("https", "http"))
    for given in (wrong, wrong["request"], {"log": {"entries": [har(command), {"request": {"headers": []}}, wrong]}}):
        done = hidden(command("doctor", "-", "-a", "photos", given=json.dumps(given)))
        assert "scheme: " in done.out
    log = json.dumps({"log": {"entries": [har(command), wrong]}})
    assert command("doctor", "-", "-a", "photos", "--entry", "1", given=log).code == 0
    assert command("verify", "-", "-a", "photos", "--entry", "1", given=log).code == 0
    assert command("verify", "-", "-a", "photos", "--entry", "2", given=log).code == 1
    assert command("doctor", "-", "-a", "photos", "--entry", "3", given=log).hint.startswith(
        "Give a number from 1 to 2"
    )


def test_the_form_of_a_har_file_is_read(command):
    signed = command("sign", "https://photos.example/", "-d", "a=b c", "-d", "d=e", "-a", "photos").out
    name, _, value = signed.strip().partition(": ")
    form = "application/x-www-form-urlencoded"
    request = {"method": "POST", "url": "https://photos.example/", "headers": [{"name": name, "value": value}]}
    params = [{"name": "a", "value": "b c"}, {"name": "d", "value": "e"}]
    encoded = base64.b64encode(b"a=b+c&d=e").decode()
    for data in ({"text": "a=b+c&d=e"}, {"params": params}, {"text": encoded, "encoding": "base64"}):
        given = {"request": {**request, "postData": {"mimeType": form, **data}}}
        assert command("doctor", "-", "-a", "photos", given=json.dumps(given)).code == 0, data


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"log": []}',
        '{"log": {"entries": [1]}}',
        '{"request": null}',
        '{"request": {"headers": [{}], "oauth_signature": 1}}',
        '{"request": {"headers": [], "method": "GET", "url": "oauth_signature", "postData": 1}}',
        '{"log": {"entries": []}}',
        '{"a":' * 5000,
    ],
)
def test_what_is_not_a_har_file_is_an_error_with_a_hint(command, text):
    for name in ("doctor", "verify"):
        done = hidden(command(name, "-", "-a", "photos", given=text))
        assert done.code == 2
        assert done.error.endswith(".")
        assert done.hint


def base_string(command, sent):
    shown = command("doctor", "-", "-a", "photos", "--explain", given=sent).out
    return re.search(r"base string (\S+&\S+)", shown)[1]


def test_the_base_string_of_the_service_is_compared(command, tmp_path):
    sent = command("sign", URL, "--as", "curl").out
    theirs = base_string(command, sent).replace("https", "http", 1)
    (tmp_path / "answer").write_text(f"oauth_problem=signature_invalid&debug_sbs={theirs}")
    entry = har(command)
    reported = base_string(command, json.dumps(entry)).replace("https", "http", 1)
    entry["response"] = {"content": {"text": f"Invalid signature. Expected base string: {reported}"}}
    for arguments, given in (
        (["--their-base-string", theirs], sent),
        (["--answer", tmp_path / "answer"], sent),
        (["--credentials", tmp_path / "credentials"], json.dumps(entry)),
    ):
        (tmp_path / "credentials").write_text(AS_FILE)
        account = [] if "--credentials" in arguments else ["-a", "photos"]
        done = hidden(command("doctor", "-", *account, *arguments, given=given))
        assert done.code == 1
        assert "scheme: According to the other side's base string: " in done.out
    (tmp_path / "answer").write_text("Unauthorized")
    done = command("doctor", "-", "-a", "photos", "--answer", tmp_path / "answer", given=sent)
    assert (done.code, done.error) == (2, "The response contains no signature base string.")


def test_a_difference_that_no_mistake_explains_is_shown(command):
    sent = command("sign", URL, "--as", "curl").out
    theirs = base_string(command, sent).replace("size", "seize")
    done = hidden(command("doctor", "-", "-a", "photos", "--their-base-string", theirs, given=sent))
    assert done.out.startswith("The signature is valid, but the other side reports another base string.\n")
    assert "The base strings differ from character " in done.out
    assert re.search(r"expected  .*size", done.out)
    assert re.search(r"reported  .*seize", done.out)


def test_the_secret_of_another_account_is_found(command):
    command.add("maps", "https://maps.example", given=AS_FILE.replace(TOKEN_SECRET, "t0ken/secret of maps"))
    sent = command("sign", URL, "--as", "curl", "-a", "maps").out
    assert "no known mistake" in command("doctor", "-", "-a", "photos", given=sent).out
    done = hidden(command("doctor", "-", "-a", "photos", "--known", "maps", given=sent))
    assert "other-token: The signing key had the secret of another known token." in done.out
    assert "of maps" not in done.all


def test_an_unexplained_signature_comes_with_what_was_tried(command):
    sent = command("sign", URL, "--as", "curl").out
    done = hidden(command("doctor", "-", given=sent, **{**CREDENTIALS, "OAUTH2_TOKEN_SECRET": "another"}))
    assert done.code == 1
    assert done.out.startswith("The signature is not valid, and no known mistake explains it.\n")
    assert "Tried: " in done.out


def test_a_valid_signature_with_another_mistake_says_both(command):
    sent = command("sign", URL, "--as", "curl", "--timestamp", "1700000000").out
    done = hidden(command("doctor", "-", "-a", "photos", "--nonce-used", given=sent))
    assert done.out.startswith("The signature is valid, but 2 mistakes were found.\n")
    assert re.search("^clock: ", done.out, re.MULTILINE)
    assert re.search("^nonce-used: ", done.out, re.MULTILINE)
    assert command("doctor", "-", "-a", "photos", "--any-time", given=sent).code == 0


def test_json_has_the_findings_and_with_explain_the_pieces(command):
    sent = command("sign", URL, "--as", "curl").out.replace("https:", "http:")
    found = json.loads(hidden(command("doctor", "-", "-a", "photos", "--json", given=sent)).out)
    assert (found["verdict"], found["signature_is_right"]) == ("mistaken", False)
    assert [each["key"] for each in found["findings"]] == ["scheme"]
    assert found["findings"][0]["is_proven"] is True
    assert found["findings"][0]["repair"].startswith("Sign the URL")
    assert "pieces" not in found
    found = json.loads(command("doctor", "-", "-a", "photos", "--json", "--explain", given=sent).out)
    assert found["pieces"]["method"] == "GET"


def test_explain_shows_the_base_string_piece_by_piece(command):
    sent = command("sign", URL, "--as", "curl").out
    shown = hidden(command("doctor", "-", "--explain", given=sent)).out
    assert re.search(r"^  method +GET$", shown, re.MULTILINE)
    assert re.search(r"^  URI +https://photos.example/list$", shown, re.MULTILINE)
    assert re.search(r"^  query +tag=a%20b$", shown, re.MULTILINE)
    assert re.search(rf"^  header +oauth_consumer_key={KEY}$", shown, re.MULTILINE)
    assert TOKEN in shown


def test_an_rsa_signature_is_diagnosed_with_a_public_key(command, tmp_path):
    command("keygen", tmp_path / "key.pem")
    options = ["--private-key", tmp_path / "key.pem", "--signature-method", "RSA-SHA256", "-a", "photos"]
    sent = command("sign", URL, "--as", "curl", *options).out
    assert command("doctor", "-", "-a", "photos", "--public-key", tmp_path / "key.pem.pub", given=sent).code == 0
    done = command("doctor", "-", "-a", "photos", "-X", "PUT", "--public-key", tmp_path / "key.pem.pub", given=sent)
    assert "method: The request was signed as GET and sent as PUT." in done.out
    assert "no RSA public key" in command("doctor", "-", "-a", "photos", given=sent).out


def test_a_hostile_request_cannot_control_the_terminal(command):
    evil = "GET /?oauth_consumer_key=%1B%5B2J&a=%C2%9B31m&oauth_signature=x HTTP/1.1\nHost: photos.example\n\n"
    done = command("doctor", "-", "-a", "photos", "--explain", given=evil)
    assert done.code == 1
    assert "\x1b" not in done.all
    assert "\x9b" not in done.all


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ((), "curl https://api.example/ -H 'Authorization: OAuth oauth_signature=\"s3cret%26\"'"),
        ((), "GET /photos?s3cret HTTP/1.1\r\nHost: api.example\r\n\r\n"),
        ((), '{"log": {"entries": ["s3cret"]}}'),
        (("--answer",), "oauth_problem=signature_invalid\ndebug_sbs=GET&s3cret"),
        (("--public-key",), "-----BEGIN PUBLIC KEY-----\ns3cret"),
        (("--credentials",), "consumer_key=k\nconsumer_secret=s3cret"),
    ],
)
def test_content_in_place_of_a_file_name_is_not_shown_and_has_a_hint(command, option, content):
    request = ("--url", URL, "-H", "Authorization: OAuth a=b") if option else ()
    done = command("doctor", *request, *option, content)
    assert done.code in (2, 3)
    assert done.err.splitlines() == [
        "Error: A file name is required, but the content of a file was given.",
        "Hint: Give - instead of the file name, and enter the content on standard input.",
    ]
