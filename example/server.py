"""A resource on loopback that only answers signed requests, each of them once.

Run it with ``python example/server.py [--port PORT] [--nonces FILE] [--public-key FILE]``
in an environment that has the package, such as the ``.venv`` that ``make demo`` sets up.
Call it by exactly the URL that it prints: that is the one it verifies.

Any number of these may share one file of nonces: a request that one of them has
answered is refused by all.
"""

import argparse
import json
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import oauth2 as oauth
from oauth2.problem import error_headers, report
from oauth2.stores.sqlite import SQLiteStore

# A real service keeps these in its database.
CONSUMERS = {"printer": oauth.Consumer("printer", "printer-secret")}
TOKENS = {"janes-photos": oauth.Token("janes-photos", "token-secret")}


class Resource(BaseHTTPRequestHandler):
    """Answers with the parameters that were signed, or says why not."""

    protocol_version = "HTTP/1.1"
    verifier: oauth.Server
    base_url: str

    def answer(self) -> None:
        """Verify the request as it came in, and answer it."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = None
        try:
            # The base URL is what this server knows itself to be, not what the Host header says.
            request = oauth.Request.from_request(self.command, self.base_url + self.path, self.headers, body=body)
            consumer = CONSUMERS.get(request.get("oauth_consumer_key", "")) if request else None
            token = TOKENS.get(request.get("oauth_token", "")) if request else None
            parameters = self.verifier.verify_request(request, consumer, token)
        except oauth.Error as error:
            # The problem goes into WWW-Authenticate, too: that is where clients look for it.
            now, threshold = int(time.time()), self.verifier.timestamp_threshold
            pairs = report(error, request or {}, (now - threshold, now + threshold))
            headers = error_headers(error, pairs, "photos")
            self.reply(error.status, {"refused": error.message, "problem": error.problem}, headers)
        else:
            self.reply(200, {"verified": parameters, "by": request["oauth_consumer_key"] if request else None})

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def reply(self, status: int, content: dict[str, object], headers: Iterable[tuple[str, str]] = ()) -> None:
        """Send *content* as JSON, with *headers* besides."""
        octets = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(octets)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base class
        """Stay quiet."""


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: 8080)")
    parser.add_argument("--nonces", default="nonces.db", help="file of used nonces (default: nonces.db)")
    parser.add_argument("--public-key", type=Path, help="PEM file: also take requests signed with this RSA key")
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
        raise SystemExit(f"Port {options.port} cannot be used ({exc.strerror}); --port 0 takes a free one.") from None
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
