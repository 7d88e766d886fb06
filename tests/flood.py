"""Open many connections and send requests on all of them at once: ``python flood.py PORT COUNT ROUNDS``.

One request in a hundred is forged. The program prints one JSON object. The object has the number of connections that
were opened, and the number of connections that are open at the end. For each round, the object has the number of
accepted requests, some of the wrong decisions, and the memory of the server. ``test_connections.py`` runs the program.
"""

import asyncio
import dataclasses
import json
import random
import resource
import sys
from email.parser import Parser
from http import HTTPStatus

from served import TOKEN, signed

PATIENCE = 100  # longest time of one round, in seconds
AT_ONCE = 200  # connections that are opened at the same time
FORGED_EVERY = 100
STRANGER = dataclasses.replace(TOKEN, secret="guessed")


class Connection(asyncio.Protocol):
    """One connection, which sends one request at a time."""

    def __init__(self):
        self.transport = self.answer = None
        self.received = b""

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, octets):
        self.answer, self.received = asyncio.get_running_loop().create_future(), b""
        self.transport.write(octets)
        return self.answer

    def data_received(self, data):
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if end:
            line, _, fields = head.decode("latin-1").partition("\r\n")
            fields = Parser().parsestr(fields, headersonly=True)
            if len(body) >= int(fields["Content-Length"]):
                self.answer.set_result((int(line.split(" ")[1]), fields["WWW-Authenticate"] or "", body))

    def connection_lost(self, error):
        self.transport = None
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionError("the server closed a connection"))


def octets_of(port, target, header):
    return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {header}\r\n\r\n".encode()


def valid(port, number):
    target = f"/photos?size=original&n={number}"
    return octets_of(port, target, signed("GET", f"http://127.0.0.1:{port}{target}"))


def forged(port, number, used):
    """Return a request that must be refused, and the problem that the refusal must name."""
    target = f"/photos?size=original&n={number}"
    url = f"http://127.0.0.1:{port}{target}"
    kinds = [
        lambda: (octets_of(port, target, signed("GET", url, token=STRANGER)), "signature_invalid"),
        lambda: (octets_of(port, f"{target}&admin=1", signed("GET", url)), "signature_invalid"),
        lambda: (octets_of(port, target, signed("GET", url, oauth_timestamp="1700000000")), "timestamp_refused"),
        lambda: (octets_of(port, target, "OAuth oauth_nonce=1"), "parameter_absent"),
        lambda: (random.choice(used), "nonce_used"),
    ]
    return kinds[number // FORGED_EVERY % (len(kinds) if used else len(kinds) - 1)]()


def requests_of(port, count, used):
    """Return the requests of one round, each with the expected problem, which is None for a valid request."""
    return [
        (valid(port, number), None) if number % FORGED_EVERY else forged(port, number, used) for number in range(count)
    ]


def is_right(answer, problem):
    status, challenge, body = answer
    if problem is None:
        return status == HTTPStatus.OK and body.decode().split()[1] == TOKEN.user
    return status in (400, 401) and f'oauth_problem="{problem}"' in challenge


def memory_of(process):
    """Return the resident memory of a process in MB."""
    with open(f"/proc/{process}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


async def opened(port, gate):
    async with gate:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
        return connection


async def flood(port, count, rounds):
    gate = asyncio.Semaphore(AT_ONCE)
    connections = await asyncio.wait_for(asyncio.gather(*[opened(port, gate) for _ in range(count)]), PATIENCE)
    found, used = [], []
    for _ in range(rounds):
        requests = requests_of(port, count, used)
        asked = [each.ask(octets) for each, (octets, _) in zip(connections, requests, strict=True)]
        answers = await asyncio.wait_for(asyncio.gather(*asked), PATIENCE)
        process = next(body.decode().split()[0] for status, _, body in answers if status == HTTPStatus.OK)
        expected = [problem for _, problem in requests]
        wrong = [
            (each[:2], problem) for each, problem in zip(answers, expected, strict=True) if not is_right(each, problem)
        ]
        accepted = sum(status == HTTPStatus.OK for status, _, _ in answers)
        found.append({"accepted": accepted, "wrong": wrong[:5], "memory": memory_of(process)})
        used = [octets for octets, problem in requests if problem is None][:1000]
    is_open = sum(each.transport is not None for each in connections)
    return {"connections": len(connections), "open": is_open, "rounds": found}


def main():
    port, count, rounds = map(int, sys.argv[1:])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(json.dumps(asyncio.run(flood(port, count, rounds))))


if __name__ == "__main__":
    main()
