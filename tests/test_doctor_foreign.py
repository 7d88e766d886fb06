"""Requests that clients of other authors really send: the doctor names the mistakes of these clients.

The clients are installed from npm into the cache of pytest, once. Clients in other languages are imitated in
test_doctor_clients.py.
"""

import fcntl
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from loopback import Loopback

from oauth2 import Consumer, Token
from oauth2.doctor import diagnose
from oauth2.http import HTTPRequest

CLIENTS = {
    "oauth": "0.10.2",  # node-oauth
    "oauth-1.0a": "2.2.6",
    "oauth-signature": "1.5.0",
    "superagent": "10.2.3",
    "superagent-oauth": "0.2.3",
}
CONSUMER, TOKEN = Consumer("key", "con/sumer s&cret"), Token("tok", "to+ken sec=ret")
PROGRAM = Path(__file__).parent / "foreign_clients.cjs"
SENT = {
    "/node-oauth/right": [],
    "/node-oauth/form": [],
    "/node-oauth/repeated": ["array-indices-added"],
    "/node-oauth/plaintext": ["plaintext-over-http"],
    "/oauth-1.0a/right": [],
    "/oauth-1.0a/plus": ["plus-read-literally"],
    "/oauth-1.0a/hash": ["other-hash"],
    "/oauth-1.0a/json": ["json-signed"],
    "/oauth-signature/right": [],
    "/oauth-signature/hash": ["other-hash"],
    "/superagent-oauth/form": [],
    "/superagent-oauth/json": ["json-signed"],
    "/superagent-oauth/query": ["query-not-signed"],
}


@pytest.fixture(scope="module")
def modules(request):
    """Return the folder of the installed clients."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node.js is not installed")
    folder = request.config.cache.mkdir("foreign-clients")
    wanted = json.dumps({"private": True, "dependencies": CLIENTS})
    installed = folder / "installed.json"
    with open(folder / "lock", "w") as lock:  # The processes of pytest-xdist share the cache.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_text() != wanted:
            (folder / "package.json").write_text(wanted)
            command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                message = f"The clients could not be installed from npm: {done.stderr.strip()[-300:]}"
                (pytest.fail if os.environ.get("OAUTH2_TEST_REQUIRE_ALL") else pytest.skip)(message)
            installed.write_text(wanted)
    return folder / "node_modules"


@pytest.fixture(scope="module")
def sent(modules):
    """Return the requests that arrived, by path."""
    with Loopback() as server:
        arguments = [server.origin, CONSUMER.key, CONSUMER.secret, TOKEN.key, TOKEN.secret]
        environment = {**os.environ, "NODE_PATH": str(modules)}
        done = subprocess.run(["node", PROGRAM, *arguments], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return {received.path: received for received in server.requests}


@pytest.mark.heavy
@pytest.mark.parametrize("path", SENT)
def test_what_a_client_of_another_author_does_wrong_is_named(sent, path):
    received = sent[path]
    request = HTTPRequest(received.method, received.url, received.headers, received.body)
    diagnosis = diagnose(request, CONSUMER, TOKEN, now=time.time())
    assert [finding.key for finding in diagnosis.findings] == SENT[path]
    assert all(finding.is_proven for finding in diagnosis.findings if finding.key != "plaintext-over-http")
    assert diagnosis.signature_is_right is (not SENT[path] or path == "/node-oauth/plaintext")


@pytest.mark.heavy
def test_every_request_of_the_program_is_diagnosed(sent):
    assert sorted(sent) == sorted(SENT)
