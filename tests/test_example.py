"""The examples run as they stand."""

import socket
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent / "example"


def test_the_demo_goes_as_it_should():
    done = subprocess.run([sys.executable, EXAMPLE / "demo.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "13 of 13 steps" in done.stdout
    for refusal in ("nonce_used", "oauth_body_hash does not match", "timestamp_refused"):
        assert refusal in done.stdout


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
