"""The examples run as they stand."""

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import oauth2
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


def test_the_example_server_takes_requests_signed_with_rsa(tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    command = [sys.executable, EXAMPLE / "server.py", "--port=0", f"--nonces={tmp_path}/nonces.db"]
    command.append(f"--public-key={tmp_path}/public.pem")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        url = server.stdout.readline().split()[1]
        client = oauth2.Client(oauth2.Consumer("printer", "printer-secret"), oauth2.Token("janes-photos", ""))
        client.set_signature_method(oauth2.SignatureMethod_RSA_SHA256(private_key=key))
        assert client.request(url)[0].status == 200
        client.close()
        server.terminate()


def test_the_example_client_calls_the_example_server(tmp_path):
    command = [sys.executable, EXAMPLE / "server.py", "--port=0", f"--nonces={tmp_path}/nonces.db"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        url = server.stdout.readline().split()[1]
        done = subprocess.run([sys.executable, EXAMPLE / "client.py", url], capture_output=True, text=True)
        server.terminate()
    assert [line[:3] for line in done.stdout.splitlines()] == ["200"] * 3, done.stderr


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
