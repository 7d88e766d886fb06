"""The examples run without changes."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httplib2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import oauth2
from oauth2.parameters import parse_authorization_header
from oauth2.site import story
from oauth2.site.visitor import Visitor

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parent.parent / "example"


def test_each_step_of_the_demo_has_the_expected_result():
    done = subprocess.run([sys.executable, EXAMPLE / "demo.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b(\d+) of \1 steps", done.stdout)
    for refusal in ("nonce_used", "signature_invalid", "verifier_invalid", "timestamp_refused", "permission_denied"):
        assert refusal in done.stdout
    # The output names the issued credentials, but never shows them completely.
    assert not re.search(r"oauth_(token|verifier)=\w", done.stdout)


def test_the_demo_ends_with_three_commands_that_exist(tmp_path):
    done = subprocess.run([sys.executable, EXAMPLE / "demo.py"], capture_output=True, text=True)
    commands = re.findall(r"^  (.+?) +# \w", done.stdout.partition("Try next:\n")[2], re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        shown = subprocess.run([*command.split(), "--help"], capture_output=True, text=True)
        assert shown.returncode == 0, shown.stderr
    # The last of these commands ends without a signal, so the test can run it.
    assert "flickr" in subprocess.run(commands[2].split(), capture_output=True, text=True).stdout


def test_a_step_with_an_unexpected_result_fails_the_demo(capsys, monkeypatch):
    monkeypatch.setattr(story.Story, "run", lambda self: self.report.step("A call", "401 nonce_used", "200 {}"))
    assert story.demo() == 1
    assert "NOT AS EXPECTED" in capsys.readouterr().out


def test_the_example_provider_runs(tmp_path):
    for file in ("run.py", "README.md"):
        shutil.copy(EXAMPLE / "provider" / file, tmp_path)
    with subprocess.Popen([sys.executable, tmp_path / "run.py", "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().split()[1]
            assert "Notebook" in Visitor(url).get("/").text
        finally:
            process.terminate()
    assert (tmp_path / "provider.db").exists()


@contextlib.contextmanager
def example_server(directory, *options):
    """Run the example server; yield its URL."""
    command = [sys.executable, EXAMPLE / "server.py", "--port=0", f"--nonces={directory}/nonces.db", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().split()[1]
        finally:
            server.terminate()


def test_the_example_server_takes_requests_signed_with_rsa(tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    with example_server(tmp_path, f"--public-key={tmp_path}/public.pem") as url:
        client = oauth2.Client(oauth2.Consumer("printer", "printer-secret"), oauth2.Token("janes-photos", ""))
        client.set_signature_method(oauth2.SignatureMethod_RSA_SHA256(private_key=key))
        assert client.request(url)[0].status == 200
        client.close()


def test_a_file_is_uploaded_to_the_example_server(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(bytes(range(256)) * 5000)
    client = oauth2.Client(oauth2.Consumer("printer", "printer-secret"), oauth2.Token("janes-photos", "token-secret"))
    headers = {"Content-Type": "image/jpeg"}
    with example_server(tmp_path) as url, contextlib.closing(client), (tmp_path / "photo.jpg").open("rb") as file:
        for more in ({}, {}, {"Transfer-Encoding": "chunked"}):  # All three requests use one connection.
            file.seek(0)
            body = in_chunks(file) if more else file
            client.body_hash = not more
            response, content = client.request(url, "POST", body, {**headers, **more})
            assert (response.status, json.loads(content)["by"]) == (200, "printer")
        assert client.request(url)[0].status == 200


def in_chunks(file):
    while octets := file.read(100_000):
        yield b"%x;extension\r\n%s\r\n" % (len(octets), octets)
    yield b"0\r\nTrailer: x\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: x",
        "Content-Length: -1",
        f"Content-Length: {1 << 40}",
        "Transfer-Encoding: chunked\r\n\r\nzz",
        "Transfer-Encoding: chunked\r\n\r\n-1",
        f"Transfer-Encoding: chunked\r\n\r\n{1 << 40:x}",
        "Transfer-Encoding: chunked\r\n\r\nffffff\r\n" + "x" * 0xFFFFFF + "\r\nffffff\r\n" + "x" * 0xFFFFFF,
        "Transfer-Encoding: chunked\r\n\r\n" + "0" * 5000,
    ],
    ids=["no number", "negative", "huge", "chunk zz", "chunk negative", "chunk huge", "chunks too long", "chunk 5000"],
)
def test_the_example_server_refuses_a_body_whose_length_it_does_not_take(tmp_path, head):
    with example_server(tmp_path) as url:
        port = int(url.split(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port), 10) as connection, connection.makefile("rb") as answer:
            connection.sendall(f"POST /photos HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode())
            assert b" 400 " in answer.readline()


def test_the_example_client_calls_the_example_server(tmp_path):
    with example_server(tmp_path) as url:
        done = subprocess.run([sys.executable, EXAMPLE / "client.py", url], capture_output=True, text=True)
    assert [line[:3] for line in done.stdout.splitlines()] == ["200"] * 3, done.stderr


@pytest.mark.parametrize(
    ("secret", "timestamp", "expected"),
    [
        ("wrong", None, (401, "signature_invalid")),
        ("printer-secret", "1", (401, "timestamp_refused")),
        ("", None, (400, "parameter_absent")),
    ],
)
def test_the_example_server_says_in_the_header_why_it_refuses(tmp_path, secret, timestamp, expected):
    consumer, token = oauth2.Consumer("printer", secret), oauth2.Token("janes-photos", "token-secret")
    with example_server(tmp_path) as url, contextlib.closing(httplib2.Http(proxy_info=None)) as http:
        request = oauth2.Request.from_consumer_and_token(consumer, token, "GET", url)
        request["oauth_timestamp"] = timestamp or request["oauth_timestamp"]
        request.sign_request(oauth2.SignatureMethod_HMAC_SHA256(), consumer, token)
        answer, _ = http.request(url, headers=request.to_header() if secret else {})
    pairs = dict(parse_authorization_header(answer.get("www-authenticate", "")))
    assert (answer.status, pairs.get("oauth_problem"), pairs.get("realm")) == (*expected, "photos")
    assert ("oauth_acceptable_timestamps" in pairs) == (timestamp is not None)


def test_a_failure_is_an_error_with_a_hint(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, EXAMPLE / "server.py", f"--port={port}", f"--nonces={tmp_path}/nonces.db"]
        done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 2), done.stderr
    assert "--port 0" in done.stderr
    command = [sys.executable, EXAMPLE / "client.py", f"http://127.0.0.1:{port}/photos"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 2), done.stderr
    assert "example/server.py" in done.stderr
