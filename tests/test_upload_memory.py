"""A long upload that is hashed takes little memory; a separate process uploads, and measures its own memory."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from callers import missing

pytestmark = pytest.mark.slow

SIZE = 24 << 20
LIMIT = 8 << 20  # maximum growth of the process's memory in bytes


class Sink:
    """A server that answers 200 to every request, and records only the length of the body."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.lengths = []
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                self.read(stream)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def read(self, stream):
        length = None
        while (line := stream.readline().strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        left = self.skip(stream, length) if length is not None else self.skip_chunks(stream)
        self.lengths.append(left)

    def skip(self, stream, length):
        left = length
        while left and (read := len(stream.read(min(left, 1 << 20)))):
            left -= read
        return length - left

    def skip_chunks(self, stream):
        total = 0
        while size := int(stream.readline(), 16):
            total += self.skip(stream, size)
            stream.readline()
        stream.readline()
        return total


@pytest.mark.parametrize(
    "name", ["httplib2", "requests", "niquests", "httpx2", "httpx2_multipart", "aiohttp", "aiohttp_multipart"]
)
def test_an_upload_runs_in_constant_memory(name, tmp_path):
    missing(name.partition("_")[0])
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.truncate(SIZE)
    with Sink() as sink:
        command = [sys.executable, str(Path(__file__).with_name("upload.py")), name, sink.url, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sink.lengths[1] >= SIZE
    assert int(done.stdout) < LIMIT
