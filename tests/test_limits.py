"""Answers of a hostile service that are too long, compressed too much, or endless."""

import contextlib
import gzip
import itertools
import re
import socket
import sys
import threading
import time
import tracemalloc
import zlib

import pytest

import oauth2
from oauth2._login import limits
from oauth2.authorize import begin, redeem, renew, revoke, xauth
from oauth2.errors import InvalidAnswer, ServiceRefused
from oauth2.flow import Endpoints
from oauth2.lti import Outcome, OutcomeTarget

pytestmark = pytest.mark.slow

CONSUMER = oauth2.Consumer("key", "secret")
CREDENTIALS = b"oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true"
MIB = 1 << 20


def is_complete(received):
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: ([0-9]+)", head)
    return bool(end) and len(body) >= int(length[1] if length else 0)


@contextlib.contextmanager
def answering(make):
    """Run a service that sends the chunks of ``make()`` to every client; yield its endpoints."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threads = []
        is_over = threading.Event()

        def answer(connection):
            with connection, contextlib.suppress(OSError):
                # Read the whole request. If the socket were closed with unread data, the operating system would reset
                # the connection.
                received = b""
                while not is_complete(received):
                    received += connection.recv(65536)
                for chunk in make():
                    connection.sendall(chunk)
                    if is_over.is_set():
                        return

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection = server.accept()[0]
                    threads.append(threading.Thread(target=answer, args=(connection,)))
                    threads[-1].start()

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        try:
            yield Endpoints(temporary=url, authorize=url, token=url, revoke=url, renew=url)
        finally:
            is_over.set()
            # shutdown() wakes accept(). shutdown() also raises an error, because the listening socket is not connected.
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in threads:
                each.join()


def head(*fields, status="200 OK"):
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode()


def slowly(*before):
    """Yield *before*, then one octet ten times a second, without an end."""
    yield from before
    while True:
        time.sleep(0.1)
        yield b"a"


def many(chunk, size):
    return itertools.repeat(chunk, size // len(chunk) + 1)


LONG = 64 * MIB
TOO_LONG = {
    "with its length": lambda: [head(f"Content-Length: {LONG}"), *many(b"a" * 65536, LONG)],
    "with a length that no memory has": lambda: [head(f"Content-Length: {10**18}"), b"a"],
    "with a length that no integer of C holds": lambda: [head(f"Content-Length: {10**30}"), b"a"],
    "until the connection is closed": lambda: itertools.chain([head()], many(b"a" * 65536, LONG)),
    "in chunks": lambda: itertools.chain(
        [head("Transfer-Encoding: chunked")], many(b"10000\r\n" + b"a" * 65536 + b"\r\n", LONG)
    ),
    "in one chunk": lambda: [head("Transfer-Encoding: chunked"), b"ffffffffffffffff\r\n", b"a"],
    "in a refusal": lambda: itertools.chain([head(status="401 No")], many(b"a" * 65536, LONG)),
    "before the head": lambda: many(head(status="100 Continue"), LONG),
}


# Since Python 3.15, http.client reads long bodies in pieces and refuses some of these answers itself.
REFUSED = "longer than 1048576 bytes" + ("|is not valid HTTP" if sys.version_info >= (3, 15) else "")


@pytest.mark.parametrize("answer", TOO_LONG)
def test_an_answer_that_is_too_long_is_not_read(answer):
    with answering(TOO_LONG[answer]) as endpoints:
        tracemalloc.start()
        try:
            with pytest.raises(InvalidAnswer, match=REFUSED):
                begin(CONSUMER, endpoints, "oob")
            assert tracemalloc.get_traced_memory()[1] < 8 * MIB
        finally:
            tracemalloc.stop()


def gzipped(octets):
    return head("Content-Encoding: gzip", f"Content-Length: {len(octets)}") + octets


@pytest.fixture(scope="module")
def bomb():
    return gzip.compress(bytes(64 * MIB), 9)


def test_a_compression_bomb_is_not_unpacked(bomb):
    with answering(lambda: [gzipped(bomb)]) as endpoints:
        tracemalloc.start()
        try:
            with pytest.raises(InvalidAnswer, match="longer than 1048576 bytes"):
                begin(CONSUMER, endpoints, "oob")
            assert tracemalloc.get_traced_memory()[1] < 8 * MIB
        finally:
            tracemalloc.stop()


def deflated(octets):
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(octets) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("Deflate", deflated)],
)
def test_a_compressed_answer_is_read(encoding, compress):
    body = compress(CREDENTIALS)
    answer = head(f"Content-Encoding: {encoding}", f"Content-Length: {len(body)}") + body
    with answering(lambda: [answer]) as endpoints:
        assert begin(CONSUMER, endpoints, "oob").temporary.secret == "s"


@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(CREDENTIALS)[:-9]], ids=["other", "cut"])
def test_an_answer_that_cannot_be_decompressed_is_refused(body):
    with answering(lambda: [gzipped(body)]) as endpoints, pytest.raises(InvalidAnswer, match="decompressed"):
        begin(CONSUMER, endpoints, "oob")


def test_an_empty_answer_that_is_called_compressed_is_an_empty_one():
    with answering(lambda: [gzipped(b"")]) as endpoints, pytest.raises(ServiceRefused, match="answered 200"):
        begin(CONSUMER, endpoints, "oob")


@pytest.mark.parametrize("before", [(), (b"HTTP/1.1 200 OK\r\nX: ",), (head(),), (head("Content-Length: 99"),)])
@pytest.mark.parametrize("seconds", [0.5, 0])
def test_an_endless_answer_is_a_timeout(before, seconds, monkeypatch):
    monkeypatch.setattr(limits, "MAX_SECONDS", seconds)
    started = time.monotonic()
    with answering(lambda: slowly(*before)) as endpoints:
        with pytest.raises(TimeoutError, match="did not complete its response in time"):
            begin(CONSUMER, endpoints, "oob")
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("size", [MIB - 500, MIB + 500])
def test_the_limit_is_the_documented_one(size):
    body = CREDENTIALS + b"&x=" + b"a" * size
    with answering(lambda: [head(f"Content-Length: {len(body)}") + body]) as endpoints:
        if size > MIB:
            with pytest.raises(InvalidAnswer, match="longer"):
                begin(CONSUMER, endpoints, "oob")
        else:
            assert begin(CONSUMER, endpoints, "oob").temporary.key == "t"


TOKEN = oauth2.Token("t", "s")
STEPS = {
    "redeem": lambda endpoints: redeem(CONSUMER, endpoints, TOKEN, "v"),
    "renew": lambda endpoints: renew(CONSUMER, endpoints, TOKEN),
    "revoke": lambda endpoints: revoke(CONSUMER, endpoints, TOKEN),
    "xauth": lambda endpoints: xauth(CONSUMER, endpoints, "jane", "password"),
    "a client of one's own": lambda endpoints: redeem(CONSUMER, endpoints, TOKEN, "v", client=oauth2.Client),
}


def read_grade(endpoints):
    return Outcome(OutcomeTarget(url=endpoints.token, sourcedid="s"), CONSUMER).read()


STEPS["a grade of LTI"] = read_grade


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_the_limits(step, bomb):
    with answering(lambda: [gzipped(bomb)]) as endpoints, pytest.raises(InvalidAnswer, match="longer"):
        STEPS[step](endpoints)


@pytest.mark.parametrize("answer", ["until the connection is closed", "in chunks", "before the head"])
def test_an_answer_to_a_grade_that_is_too_long_is_not_read(answer):
    with answering(TOO_LONG[answer]) as endpoints:
        tracemalloc.start()
        try:
            with pytest.raises(InvalidAnswer, match=REFUSED):
                read_grade(endpoints)
            assert tracemalloc.get_traced_memory()[1] < 8 * MIB
        finally:
            tracemalloc.stop()


def test_an_endless_answer_to_a_grade_is_a_timeout(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SECONDS", 0.5)
    with answering(lambda: slowly(head())) as endpoints, pytest.raises(TimeoutError):
        read_grade(endpoints)


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", head('WWW-Authenticate: OAuth realm="', status="401 No")])
def test_an_answer_to_a_grade_that_is_not_http_is_refused(answer):
    with answering(lambda: [answer]) as endpoints, pytest.raises(InvalidAnswer):
        read_grade(endpoints)
