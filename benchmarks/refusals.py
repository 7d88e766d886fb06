"""Measure whether the time of a refusal reveals which credentials exist: ``python -m benchmarks.refusals``.

The provider refuses both requests of each pair with the same error. One request names credentials that exist; the other
request names credentials that do not exist. The ratio of their median times should be close to 1.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import statistics
import tempfile
from dataclasses import replace
from itertools import cycle
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import oauth2
from oauth2.http import HTTPRequest
from oauth2.provider import Provider, RequestPolicy
from oauth2.stores import ClientCredentials, MemoryStore, TokenCredentials
from oauth2.stores.fernet import FernetCipher
from oauth2.stores.sqlite import SQLiteStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oauth2.stores import ProviderStore

CHUNKS = 40
KNOWN = "known"
_CHUNK = 60
_URL = "https://api.example.com/photos?size=original"
_MANY = 1500  # The number of clients, which is larger than every cache of this package.
_METHODS = (
    oauth2.SignatureMethod_HMAC_SHA1(),
    oauth2.SignatureMethod_HMAC_SHA256(),
    oauth2.SignatureMethod_PLAINTEXT(),
    oauth2.SignatureMethod_RSA_SHA256(),
)
_TIMESTAMP = 1_700_000_000


def _public_key(bits: int) -> str:
    # The modulus is a random number and not the product of two primes. Verifying does not need the primes, and
    # generating a random number is much faster than generating a key.
    modulus = int.from_bytes(os.urandom(bits // 8)) | 1 << (bits - 1) | 1
    key = RSAPublicNumbers(65537, modulus).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class _Refusing:
    """A provider with clients and tokens. The provider must refuse all requests."""

    def __init__(self, store: ProviderStore, clients: Iterable[ClientCredentials], session: str | None = None) -> None:
        self.provider = Provider(store, policy=RequestPolicy(signature_methods=_METHODS), now=lambda: _TIMESTAMP)
        for client in clients:
            store.add_consumer(client)
            store.add_token(
                TokenCredentials(
                    key=f"token-of-{client.key}",
                    secret="token-secret-22-letter",
                    consumer_key=client.key,
                    user="jane",
                    session_handle=session,
                )
            )

    def refuse(self, request: HTTPRequest) -> float:
        """Return the seconds that the refusal of *request* takes."""
        start = perf_counter()
        try:
            self.provider.authenticate(request)
        except oauth2.Error as error:
            spent = perf_counter() - start
            if error.problem == "signature_invalid":
                return spent
            raise
        raise RuntimeError("The request was accepted.")


def _request(key: str, token: str, method: str, signature: bytes) -> HTTPRequest:
    said = {
        "oauth_consumer_key": key,
        "oauth_token": token,
        "oauth_signature_method": method,
        "oauth_timestamp": str(_TIMESTAMP),
        "oauth_nonce": "0123456789abcdefghijkl",
        "oauth_signature": base64.b64encode(signature).decode(),
    }
    return HTTPRequest("GET", _URL, oauth2.Request("GET", _URL, said).to_header())


class _Case(NamedTuple):
    """Requests from *clients* clients; all requests have the same signature."""

    name: str
    refusing: _Refusing
    method: str
    signature: bytes
    clients: int = 1

    def requests(self) -> dict[str, Iterator[HTTPRequest]]:
        known, unknown = _named("known", self.clients), _named("other", self.clients)
        named = {
            KNOWN: known,
            "unknown token": [(key, other) for (key, _), (_, other) in zip(known, unknown, strict=True)],
            "unknown client": unknown,
        }
        return {
            kind: cycle([_request(key, token, self.method, self.signature) for key, token in pairs])
            for kind, pairs in named.items()
        }


def _client(key: str, **fields: Any) -> ClientCredentials:
    return ClientCredentials(key=key, **{"secret": f"secret-of-{key}-in-full", **fields})


def _named(kind: str, count: int = 1) -> list[tuple[str, str]]:
    numbers = range(10_000, 10_000 + count)
    return [(f"{kind}-{number}", f"token-of-{kind}-{number}") for number in numbers]


def _without_cache() -> Iterator[_Case]:
    known = [key for key, _ in _named("known", _MANY)]
    hmac = _Refusing(MemoryStore(), [_client(key) for key in known])
    yield _Case("HMAC-SHA1, secrets that are not cached", hmac, "HMAC-SHA1", bytes(20), _MANY)
    yield _Case("PLAINTEXT, secrets that are not cached", hmac, "PLAINTEXT", bytes(20), _MANY)
    rsa = _Refusing(MemoryStore(), [_client(key, secret="", public_key=_public_key(2048)) for key in known])
    yield _Case("RSA-SHA256, keys that are not cached", rsa, "RSA-SHA256", b"\x01" * 256, _MANY)


def _cases(folder: str) -> Iterator[_Case]:
    ((known, _),) = _named("known")
    hmac = _Refusing(MemoryStore(), [_client(known)])
    yield _Case("HMAC-SHA1", hmac, "HMAC-SHA1", bytes(20))
    yield _Case("HMAC-SHA1, signature of 1 octet", hmac, "HMAC-SHA1", b"x")
    yield _Case("HMAC-SHA1, signature of 1,000 octets", hmac, "HMAC-SHA1", bytes(1000))
    yield _Case("HMAC-SHA256", hmac, "HMAC-SHA256", bytes(32))
    yield _Case("PLAINTEXT", hmac, "PLAINTEXT", bytes(20))
    rotated = _Refusing(MemoryStore(), [_client(known, previous_secret="previous-secret-22-let")])
    yield _Case("HMAC-SHA1, secret being rotated", rotated, "HMAC-SHA1", bytes(20))
    yield _Case("RSA-SHA256, client without a public key", hmac, "RSA-SHA256", b"\x01" * 256)
    for bits in (2048, 3072, 4096):
        rsa = _Refusing(MemoryStore(), [_client(known, secret="", public_key=_public_key(bits))])
        for octets in (1, 128, 256, 384, 512):
            yield _Case(f"RSA-SHA256, {bits} bits, signature of {octets} octets", rsa, "RSA-SHA256", b"\x01" * octets)
        yield _Case(f"RSA-SHA256, {bits} bits, signature above the modulus", rsa, "RSA-SHA256", b"\xff" * (bits // 8))
    cipher = FernetCipher(Fernet.generate_key())
    client = _client(known)
    for number, (name, records, session) in enumerate(
        [
            ("", client, None),
            (", sessions", client, "session-handle-22-let"),
            (", secret being rotated", replace(client, previous_secret="previous-secret-22-let"), None),
        ]
    ):
        sqlite = _Refusing(SQLiteStore(f"{folder}/{number}.db", cipher=cipher), [records], session)
        yield _Case(f"encrypted SQLite{name}", sqlite, "HMAC-SHA1", bytes(20))
    plain = _Refusing(SQLiteStore(f"{folder}/plain.db"), [client])
    yield _Case("SQLite", plain, "HMAC-SHA1", bytes(20))
    yield from _without_cache()


def measure(chunks: int = CHUNKS, only: str = "") -> dict[str, dict[str, float]]:
    """For each case, return the time of each kind of refusal, divided by the time for known credentials.

    The key ``microseconds`` has the time for known credentials.

    Args:
        chunks: Number of chunks to measure for each case. One chunk is 60 refusals of each kind: known credentials,
            unknown token, unknown client.
        only: Measure only cases whose name contains this text.
    """
    with tempfile.TemporaryDirectory() as folder:
        return {case.name: _ratios(case, chunks) for case in _cases(folder) if only in case.name}


def _ratios(case: _Case, chunks: int) -> dict[str, float]:
    requests = case.requests()
    ratios: dict[str, list[float]] = {kind: [] for kind in requests if kind != KNOWN}
    microseconds = []
    order = list(requests)
    for number in range(chunks + 1):  # The first chunk loads modules and fills caches.
        # The kinds are measured alternately, so that a slow moment of the machine affects all kinds.
        spent: dict[str, list[float]] = {kind: [] for kind in requests}
        for _ in range(_CHUNK):
            for kind in order:
                spent[kind].append(case.refusing.refuse(next(requests[kind])))
            order = order[1:] + order[:1]
        medians = {kind: statistics.median(seconds) for kind, seconds in spent.items()}
        if number:
            microseconds.append(1e6 * medians[KNOWN])
            for kind, found in ratios.items():
                found.append(medians[kind] / medians[KNOWN])
    medians = {kind: statistics.median(found) for kind, found in ratios.items()}
    return {**medians, "microseconds": statistics.median(microseconds)}


def main() -> None:
    """Print a table in Markdown, or JSON with ``--json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refusals", description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="measure only cases whose name contains this text")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chunks_help = f"number of chunks to measure for each case; a chunk is {_CHUNK} refusals of each kind"
    parser.add_argument("--chunks", type=int, default=CHUNKS, help=chunks_help)
    options = parser.parse_args()
    found = measure(options.chunks, options.name)
    if options.json:
        print(json.dumps(found))
        return
    print("| case | known, µs | unknown token / known | unknown client / known |\n| --- | --- | --- | --- |")
    for name, each in found.items():
        print(f"| {name} | {each['microseconds']:.1f} | {each['unknown token']:.2f} | {each['unknown client']:.2f} |")


if __name__ == "__main__":
    main()
