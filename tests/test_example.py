"""The examples run as they stand."""

import contextlib
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

EXAMPLE = Path(__file__).parent.parent / "example"


def test_the_demo_goes_as_it_should():
    done = subprocess.run([sys.executable, EXAMPLE / "demo.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "23 of 23 steps" in done.stdout
    for refusal in ("nonce_used", "signature_invalid", "verifier_invalid", "timestamp_refused", "permission_denied"):
        assert refusal in done.stdout
    # What was issued is told by its name, and never whole.
    assert not re.search(r"oauth_(token|verifier)=\w", done.stdout)


def test_a_step_that_goes_otherwise_fails_the_demo(capsys, monkeypatch):
    monkeypatch.setattr(story.Story, "tell", lambda self: self.teller.step("A call", "401 nonce_used", "200 {}"))
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
    """The URL of the example server, which runs meanwhile."""
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


def test_what_goes_wrong_is_said_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, EXAMPLE / "server.py", f"--port={port}", f"--nonces={tmp_path}/nonces.db"]
        done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "--port 0" in done.stderr
    command = [sys.executable, EXAMPLE / "client.py", f"http://127.0.0.1:{port}/photos"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "example/server.py" in done.stderr
