"""Servers that become unavailable: a TCP proxy that can drop its connections, and a separate Redis for a test."""

import contextlib
import shutil
import socket
import struct
import subprocess
import threading
import time

import databases

RESET = struct.pack("ii", 1, 0)  # value of SO_LINGER with which close() resets the connection


class Proxy:
    """A proxy that forwards data between clients and a server until ``cut()``, and counts the pieces that clients send.

    Args:
        target: Host and port of the server.
        rewrite: Called with the bytes of each piece that the server sends; returns the bytes to forward.
        rewrite_sent: Called with the bytes of each piece that a client sends; returns the bytes to forward.
    """

    def __init__(self, target, rewrite=bytes, rewrite_sent=bytes):
        self.target, self.rewrite, self.rewrite_sent = target, rewrite, rewrite_sent
        self.port = 0
        self.sent = 0  # number of pieces that clients have sent; each round trip is one piece
        self.silent = False
        self.listener = None
        self.sockets = []
        self.restore()

    def restore(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def cut(self):
        """Refuse new connections, and reset the existing connections."""
        if self.listener is not None:
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)  # This wakes the thread that waits in accept().
            self.listener.close()
            self.listener = None
        while self.sockets:
            end = self.sockets.pop()
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    close = cut

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(self.target)
            except OSError:
                return
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets += [client, server]
            threading.Thread(target=self.pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, False), daemon=True).start()

    def pump(self, source, sink, from_client):
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                if self.silent:
                    continue
                self.sent += from_client
                sink.sendall(self.rewrite_sent(piece) if from_client else self.rewrite(piece))
            sink.shutdown(socket.SHUT_WR)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def own_redis(directory, *options):
    """Yield the port of a new Redis server that only this test uses."""
    import redis

    program = shutil.which("redis-server")
    if program is None:
        databases.missing("redis", "there is no redis-server to start")
    port = free_port()
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(directory), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process, redis.Redis(port=port) as client:
        try:
            deadline = time.monotonic() + 20
            while True:
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    assert process.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
            yield port
        finally:
            process.kill()
