"""The examples run as they stand."""

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
