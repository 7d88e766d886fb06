"""A server on loopback that accepts each signed request only once.

Run it with ``python example/server.py [--port PORT] [--nonces FILE] [--public-key FILE]``
in an environment that has the package, such as the ``.venv`` that ``make demo`` creates.
Clients must use exactly the URL that the server prints, because the server verifies signatures with that URL. Several
servers can use the same file of nonces. If one server has accepted a request, all these servers refuse a replay of it.
"""

import argparse
import json
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import oauth2 as oauth
from oauth2.provider.refusal import error_headers, report
from oauth2.stores.sqlite import SQLiteStore

# A real service reads these credentials from its database.
CONSUMERS = {"printer": oauth.Consumer("printer", "printer-secret")}
TOKENS = {"janes-photos": oauth.Token("janes-photos", "token-secret")}

MAX_BODY = 16 * 1024 * 1024  # In bytes; a larger body is refused.


class Resource(BaseHTTPRequestHandler):
    """Handles requests. The response contains the signed parameters, or the reason for a refusal."""

    protocol_version = "HTTP/1.1"
    verifier: oauth.Server
    base_url: str

    def answer(self) -> None:
        """Verify the request and send the response."""
        try:
            body = self.body()
        except ValueError:
            self.close_connection = True  # Otherwise the server would read the rest of the body as the next request.
            self.reply(
                400, {"refused": f"Send a body of at most {MAX_BODY} bytes, with a Content-Length or in chunks."}
            )
            return
        request = None
        try:
            # Scheme and host come from base_url. The Host header is ignored, because the client controls it.
            request = oauth.Request.from_request(self.command, self.base_url + self.path, self.headers, body=body)
            consumer = CONSUMERS.get(request.get("oauth_consumer_key", "")) if request else None
            token = TOKENS.get(request.get("oauth_token", "")) if request else None
            parameters = self.verifier.verify_request(request, consumer, token)
        except oauth.Error as error:
            # Clients read the reason for the refusal from the problem report in WWW-Authenticate.
            now, threshold = int(time.time()), self.verifier.timestamp_threshold
            pairs = report(error, request or {}, (now - threshold, now + threshold))
            headers = error_headers(error, pairs, "photos")
            self.reply(error.status, {"refused": error.message, "problem": error.problem}, headers)
        else:
            self.reply(200, {"verified": parameters, "by": request["oauth_consumer_key"] if request else None})

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def body(self) -> bytes:
        """Read the body by its Content-Length, or in chunks (RFC 9112 section 7.1).

        Raises:
            ValueError: The length is malformed or too large.
        """
        if "Transfer-Encoding" not in self.headers:
            return self.rfile.read(size_of(self.headers.get("Content-Length", "0"), 10))
        body = bytearray()
        while size := size_of(self.rfile.readline(100).decode("latin-1").partition(";")[0], 16):
            body += self.rfile.read(size)
            size_of(f"{len(body)}", 10)
            self.rfile.readline(100)
        while self.rfile.readline(1000).strip():
            pass  # This loop reads the trailer fields and ignores them.
        return bytes(body)

    def reply(self, status: int, content: dict[str, object], headers: Iterable[tuple[str, str]] = ()) -> None:
        """Send a response with *content* as JSON and the additional *headers*."""
        octets = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(octets)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Log nothing."""


def size_of(digits: str, base: int) -> int:
    """Convert *digits*, a number of bytes in base *base*, to an int.

    Raises:
        ValueError: *digits* are malformed, or the number is larger than MAX_BODY.
    """
    size = int(digits, base)
    if not 0 <= size <= MAX_BODY:
        raise ValueError("size: must be at most MAX_BODY")
    return size


def main() -> None:
    """Run the server until the process is interrupted."""
    parser = argparse.ArgumentParser(description="Accept each signed request only once.")
    parser.add_argument("--port", type=int, default=8080, help="the port; 0 chooses a free port (default: 8080)")
    parser.add_argument("--nonces", default="nonces.db", help="the file of used nonces (default: nonces.db)")
    parser.add_argument(
        "--public-key", type=Path, help=("PEM file; requests that are signed with this RSA key are also accepted")
    )
    options = parser.parse_args()

    verifier = oauth.Server(nonce_store=SQLiteStore(options.nonces))
    verifier.add_signature_method(oauth.SignatureMethod_HMAC_SHA1())
    verifier.add_signature_method(oauth.SignatureMethod_HMAC_SHA256())
    if options.public_key:
        public_key = options.public_key.read_bytes()
        verifier.add_signature_method(oauth.SignatureMethod_RSA_SHA256(public_key=public_key))

    try:
        httpd = ThreadingHTTPServer(("127.0.0.1", options.port), Resource)
    except OSError as exc:
        error = f"Error: Cannot listen on port {options.port}: {exc.strerror}."
        raise SystemExit(f"{error}\nHint: Choose another port; --port 0 chooses a free port.") from None
    with httpd:
        Resource.verifier = verifier
        Resource.base_url = f"http://127.0.0.1:{httpd.server_port}"
        print(f"Serving {Resource.base_url}/photos", flush=True)
        try:
            httpd.serve_forever()
        except KeyboardInterrupt:
            print("Stopped.")


if __name__ == "__main__":
    main()
