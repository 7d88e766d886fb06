"""Programs that were written for python-oauth2 1.9 run on 1.9.0.post1 and on this package, and send the same bytes.

The programs of written_for_1_9/ are in the style of the documentation of version 1.9, and are not changed. Clock and
nonces are fixed. docs/migration.md describes the two permitted differences. First, this package may send the parameters
in another order than 1.9, and may encode a space as ``%20`` instead of ``+``. Second, a GET or DELETE of ``Client`` may
lack oauth_body_hash, and therefore have another signature.
"""

import os
import re
import socketserver
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import parse_qsl

import httplib2
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.version_info >= (3, 12), reason="1.9 cannot be imported")]

FOLDER = Path(__file__).parent / "written_for_1_9"
PROGRAMS = sorted(path.name for path in FOLDER.glob("*.py") if path.name != "fixed.py")
TOKEN = b"oauth_token=requestkey&oauth_token_secret=requestsecret&oauth_callback_confirmed=true"


@pytest.fixture(scope="module")
def elder(tmp_path_factory):
    """The Python of an environment that has python-oauth2 1.9.0.post1."""
    folder = tmp_path_factory.mktemp("elder")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    packages = ["oauth2==1.9.0.post1", f"httplib2=={httplib2.__version__}"]  # Requests contain this version.
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], capture_output=True, text=True)
    if done.returncode:
        message = f"python-oauth2 1.9.0.post1 could not be installed: {done.stderr.strip()[-300:]}"
        if os.environ.get("OAUTH2_TEST_REQUIRE_ALL"):
            pytest.fail(message)
        pytest.skip(message)
    return python


class Recorder(socketserver.ThreadingTCPServer):
    """A server that answers each request and records its octets."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while head := self.rfile.readline():
            while not head.endswith(b"\r\n\r\n"):
                head += self.rfile.readline()
            length = re.search(rb"(?im)^content-length: (\d+)", head)
            self.server.requests.append(head + self.rfile.read(int(length[1]) if length else 0))
            body = TOKEN if b"_token " in head.partition(b"\r\n")[0] else b'{"ok": true}'
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


@pytest.fixture(scope="module")
def recorder():
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def run(python, program, recorder):
    """Return the output of a program, and the requests that it sends."""
    recorder.requests.clear()
    url = f"http://127.0.0.1:{recorder.server_address[1]}"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [python, "-W", "ignore", FOLDER / "fixed.py", FOLDER / program, url]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout, list(recorder.requests)


def parts(request):
    """Return the lines of a request without their parameters, and the parameters of query, header and form."""
    head, _, body = request.decode("latin-1").partition("\r\n\r\n")
    is_form = "content-type: application/x-www-form-urlencoded" in head.lower()
    line, *fields = head.split("\r\n")
    method, target, version = line.split(" ")
    path, _, query = target.partition("?")
    header = next((each for each in fields if each.lower().startswith("authorization: ")), "")
    fields = [each.partition(",")[0] if each is header else each for each in fields]  # The realm comes first.
    if is_form:  # The length of a form depends on how a space is written.
        fields = [each for each in fields if not each.lower().startswith("content-length: ")]
    signed = re.findall(r'(oauth_\w+)="([^"]*)"', header)
    given = [parse_qsl(query, True, True), signed, parse_qsl(body, True, True) if is_form else []]
    return (method, path, version, fields, "" if is_form else body), [sorted(each) for each in given]


def without_hash(parameters):
    return [[pair for pair in each if pair[0] not in {"oauth_body_hash", "oauth_signature"}] for each in parameters]


def assert_same(before, after):
    (lines, parameters), (lines_now, parameters_now) = parts(before), parts(after)
    assert lines_now == lines
    was_hashed, is_hashed = (b"oauth_body_hash" in each for each in (before, after))
    if was_hashed and not is_hashed:
        assert lines[0] in {"GET", "DELETE"}
        parameters, parameters_now = without_hash(parameters), without_hash(parameters_now)
    assert parameters_now == parameters
    assert any(name == "oauth_signature_method" for each in parameters for name, _ in each)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_sends_the_same_bytes_on_both_packages(elder, recorder, program):
    output, before = run(elder, program, recorder)
    output_now, after = run(sys.executable, program, recorder)
    assert output_now == output
    assert len(after) == len(before) > 1
    for one, other in zip(before, after, strict=True):
        assert_same(one, other)


def test_the_comparison_finds_a_difference():
    form = b"POST /a HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\na=b+c&oauth_signature_method=x"
    assert_same(form, form.replace(b"a=b+c&oauth_signature_method=x", b"oauth_signature_method=x&a=b%20c"))
    for old, new in ((b"POST", b"PUT"), (b"/a ", b"/b "), (b"b+c", b"b"), (b"urlencoded\r", b"urlencoded\r\nX: y\r")):
        with pytest.raises(AssertionError):
            assert_same(form, form.replace(old, new))


def test_there_are_five_programs():
    assert len(PROGRAMS) == 5
