"""Run python-oauth2 1.9 in a separate interpreter, because its package has the same name as ours.

:mod:`benchmarks.predecessor` runs this module as a script. The script reads one JSON object per line, and writes one
JSON value for each object: the results of the items, or their time in seconds. The script itself measures the time, so
the time of the pipe does not count. The garbage collector is disabled during the measurement.
"""

from __future__ import annotations

import gc
import json
import sys
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl

import oauth2


def signer(credentials: dict[str, str]) -> Any:
    """Return a function that signs a call in the same way as most programs that use python-oauth2."""
    consumer = oauth2.Consumer(credentials["consumer_key"], credentials["consumer_secret"])
    token = oauth2.Token(credentials["token"], credentials["token_secret"])
    method = oauth2.SignatureMethod_HMAC_SHA1()

    def sign(verb: str, url: str, form: dict[str, str] | None, body: bytes | None) -> tuple[str, str | None]:
        request = oauth2.Request.from_consumer_and_token(
            consumer, token, verb, url, form, body or b"", is_form_encoded=form is not None
        )
        request.sign_request(method, consumer, token)
        return request.to_header()["Authorization"], None if form is None else request.to_postdata()

    return sign


def verifier(credentials: dict[str, str]) -> Any:
    """Return a function that verifies a request. The function parses the form, because version 1.9 does not parse it.

    The query is passed separately, because version 1.9 reads a query in the URL twice.
    """
    consumer = oauth2.Consumer(credentials["consumer_key"], credentials["consumer_secret"])
    token = oauth2.Token(credentials["token"], credentials["token_secret"])
    consumers, tokens = {consumer.key: consumer}, {token.key: token}
    server = oauth2.Server()
    server.add_signature_method(oauth2.SignatureMethod_HMAC_SHA1())

    def verify(method: str, url: str, headers: dict[str, str], form: str) -> bool:
        try:
            parameters = dict(parse_qsl(form, keep_blank_values=True))
            base, _, query = url.partition("?")
            request: Any = oauth2.Request.from_request(method, base, headers, parameters, query)
            server.verify_request(request, consumers[request["oauth_consumer_key"]], tokens[request["oauth_token"]])
        except (oauth2.Error, KeyError):
            return False
        return True

    return verify


def _calls(items: list[Any]) -> list[Any]:
    return [(verb, url, form, None if body is None else body.encode("latin-1")) for verb, url, form, body in items]


def main() -> None:
    """Process messages until the other process closes the pipe."""
    functions: dict[str, Any] = {}
    gc.disable()
    for line in sys.stdin:
        message = json.loads(line)
        kind, items = message["kind"], message["items"]
        if kind == "start":
            functions = {"sign": signer(items), "verify": verifier(items)}
            answer: Any = str(oauth2.__version__)
        else:
            function = functions[kind]
            arguments = _calls(items) if kind == "sign" else items
            if message["timed"]:
                start = perf_counter()
                for each in arguments:
                    function(*each)
                answer = perf_counter() - start
                gc.collect()
            else:
                answer = [function(*each) for each in arguments]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
