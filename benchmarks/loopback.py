"""A small and fast HTTP/1.1 server on 127.0.0.1, in a separate process.

:mod:`benchmarks.client` runs this module as a script. The script prints its port. For a path that starts with
``/echo``, the body of the response is the request. For any other path, the body is "ok".
"""

from __future__ import annotations

import socket
import threading

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


def serve(connection: socket.socket) -> None:
    """Respond to the requests of one connection until the connection is closed."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    while True:
        head, end, rest = received.partition(b"\r\n\r\n")
        size = _content_length(head) if end else 0
        if not end or len(rest) < size:
            more = connection.recv(65536)
            if not more:
                return
            received += more
            continue
        received = rest[size:]
        if head.partition(b" ")[2].startswith(b"/echo"):
            echo = head + end + rest[:size]
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(echo), echo))
        else:
            connection.sendall(_OK)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def main() -> None:
    """Accept connections until the process is terminated."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
