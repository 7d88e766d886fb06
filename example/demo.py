"""Run the example server, call it every way it can be called, and see it refuse what it must.

Run it with ``make demo``.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httplib2
from client import CONSUMER, TOKEN
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import oauth2 as oauth

SERVER = Path(__file__).with_name("server.py")
JSON = {"Content-Type": "application/json"}
PHOTO = json.dumps({"title": "海", "tags": ["sun", "sea"]})


def main() -> int:
    """Return 0 if every step went as it should."""
    with tempfile.TemporaryDirectory() as folder:
        private_key, public_key = make_keys(Path(folder))
        methods: list[oauth.SignatureMethod] = [
            oauth.SignatureMethod_HMAC_SHA1(),
            oauth.SignatureMethod_HMAC_SHA256(),
            oauth.SignatureMethod_RSA_SHA256(private_key=private_key),
        ]
        with running(f"--nonces={folder}/nonces.db", f"--public-key={public_key}") as url:
            print(f"The example server runs at {url}\n")
            print("Accepted, with what was verified:")
            right = [show(*step) for step in accepted(url, methods)]
            print("\nRefused, as they must be, but for the first:")
            right += [show(*step) for step in refused(url)]
        print("\nThe server is stopped.")
    print(f"{sum(right)} of {len(right)} steps went as they should.")
    return 0 if all(right) else 1


def accepted(url: str, methods: list[oauth.SignatureMethod]) -> Iterator[tuple[str, int, int, bytes]]:
    """Yield what comes of requests that the server has to answer."""
    for method in methods:
        client = oauth.Client(CONSUMER, TOKEN)
        client.set_signature_method(method)
        calls: dict[str, dict[str, Any]] = {
            "GET": {"uri": f"{url}?size=original&file=vacation%20%26%20sea.jpg"},
            "form POST": {"uri": url, "method": "POST", "body": "title=Sea+%26+sun&tag=a&tag=b"},
            "JSON POST": {"uri": url, "method": "POST", "body": PHOTO, "headers": JSON},
        }
        for name, call in calls.items():
            response, content = client.request(**call)
            yield f"{method.name}, {name}", 200, response.status, content
        client.close()


def refused(url: str) -> Iterator[tuple[str, int, int, bytes]]:
    """Yield what comes of requests that the server has to refuse."""
    http = httplib2.Http()
    body = PHOTO.encode()

    def send(step: str, expected: int, header: dict[str, str], body: bytes) -> tuple[str, int, int, bytes]:
        response, content = http.request(url, "POST", body, {**JSON, **header})
        return step, expected, response.status, content

    header = signed_header(url, body)
    yield send("a signed request", 200, header, body)
    yield send("the same request again (replay)", 401, header, body)
    yield send("a body changed after signing", 401, signed_header(url, body), body.replace(b"sun", b"rain"))
    hour_ago = str(int(time.time()) - 3600)
    yield send("a timestamp of an hour ago", 401, signed_header(url, body, oauth_timestamp=hour_ago), body)
    http.close()


def signed_header(url: str, body: bytes, **protocol: str) -> dict[str, str]:
    """Return the Authorization header of a POST of *body*, for sending it by hand."""
    request = oauth.Request.from_consumer_and_token(CONSUMER, TOKEN, "POST", url, protocol, body=body)
    request.sign_request(oauth.SignatureMethod_HMAC_SHA256(), CONSUMER, TOKEN)
    return request.to_header()


def show(step: str, expected: int, status: int, content: bytes) -> bool:
    """Print one step; return whether it went as it should."""
    right = status == expected
    print(f"{'ok  ' if right else 'FAIL'}  {step:42} {status} {content.decode()}")
    return right


def make_keys(folder: Path) -> tuple[bytes, Path]:
    """Make an RSA key pair; return the private key and the file of the public one, both PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public_key = folder / "public.pem"
    public_key.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, public_key


@contextmanager
def running(*options: str) -> Iterator[str]:
    """Run the server for as long as the block lasts; the URL that it serves is what the block gets."""
    command = [sys.executable, str(SERVER), "--port=0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = next(iter(process.stdout or ()), "")
            if not line.startswith("Serving "):
                raise SystemExit("The example server did not start; its message stands above.")
            yield line.split()[1]
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
