"""Matchers for the libraries vcr.py, ``responses`` and respx.

These libraries record requests, or return prepared responses instead of sending requests.

The matchers ignore nonce, timestamp and signature, because these are new in each request. The matchers compare all
other protocol parameters and the rest of the request. No secret is written to a file. Each of the three libraries is
imported on first use.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from ..http import HTTPRequest
from ._comparison import IGNORED, differences
from ._scrubbing import Scrubber

if TYPE_CHECKING:
    from respx.patterns import Pattern
else:
    Pattern = object  # With this name, the annotations can be evaluated without respx.

__all__ = ["RequestMatcher", "prepare_responses", "prepare_vcr"]

_NAME = "oauth1"  # The name of the matcher in vcr.py.


class _SentRequest(Protocol):
    """A request of the library ``requests``, of httpx or of vcr.py. The three types have different attributes."""

    @property
    def method(self) -> str | None: ...


class _VCR(Protocol):
    """A ``vcr.VCR``."""

    def register_matcher(self, name: str, matcher: Callable[..., object]) -> None: ...


class _Registry(Protocol):
    """A ``responses.RequestsMock``, or a recorder of the library ``responses``."""

    def registered(self) -> Sequence[object]: ...


class RequestMatcher:
    """Matches a request that is equal to *expected*, except for nonce, timestamp and signature.

    With the library ``responses``, pass ``match=[matcher.responses]`` to ``responses.add()``. With ``respx``, pass
    ``matcher.respx()`` to ``respx.route()``. The matcher compares the method, the URL, the query, the body, the
    Content-Type, and the other protocol parameters. The protocol parameters must be in the same place as in *expected*:
    header, query or body. Other header fields are not compared.

    Args:
        expected: A request. In its Authorization header, nonce, timestamp and signature can be left out.
    """

    def __init__(self, expected: HTTPRequest) -> None:
        self.expected = expected

    def differences(self, request: HTTPRequest) -> list[str]:
        """Return a sentence, without values, for each part of *request* that differs; [] if none differs."""
        return differences(self.expected, request)

    def responses(self, request: _SentRequest) -> tuple[bool, str]:
        """Return whether a request matches, and the reason if it does not match.

        The library ``responses`` calls this method.
        """
        found = self.differences(_as_http(request))
        return not found, "; ".join(found)

    def respx(self) -> Pattern:
        """Return this matcher as a pattern of respx.

        Raises:
            ImportError: respx is not installed.
        """
        return _pattern_class()(self)


def prepare_vcr(vcr: _VCR, *, consumer_key: str | None = None) -> None:
    """Prepare a ``vcr.VCR`` for signed requests, and remove secrets from its cassettes.

    The matcher ``oauth1`` becomes the only matcher of *vcr*. The text ``REDACTED`` replaces secrets: the signature, the
    verifier, the token secret, the session handle and the password of xAuth. The token is not replaced, because the
    matcher compares it. The consumer key is replaced only if *consumer_key* is given. Existing filters of *vcr* are
    not removed.

    Args:
        vcr: The ``vcr.VCR``, before it opens a cassette.
        consumer_key: The text that replaces the consumer key in cassettes; None to leave the key unchanged.
    """
    scrubber = Scrubber(consumer_key)
    vcr.register_matcher(_NAME, _match_for_vcr)
    settings = {
        "match_on": (_NAME,),
        "decode_compressed_response": True,  # Secrets cannot be found in a compressed response.
        "before_record_request": [*_functions(vcr, "before_record_request"), _request_scrubber(scrubber)],
        "before_record_response": [*_functions(vcr, "before_record_response"), _response_scrubber(scrubber)],
    }
    for name, value in settings.items():
        setattr(vcr, name, value)


def prepare_responses(registry: _Registry, *, consumer_key: str | None = None) -> None:
    """Change the responses that are registered with the library ``responses``.

    After this call, the registered responses match signed requests, and contain no secrets. Nonce, timestamp and
    signature in a registered URL are ignored. Call this function with a recorder before the recorder writes its file,
    and with a ``RequestsMock`` after the mock has read a file.

    Args:
        registry: The ``responses.RequestsMock``, or the recorder of this library.
        consumer_key: The text that replaces the consumer key in URLs; None to leave the key unchanged.
    """
    scrubber = Scrubber(consumer_key)
    for each in registry.registered():
        _prepare_response(each, scrubber)


# --- vcr.py


def _functions(vcr: _VCR, name: str) -> Iterable[object]:
    before: object = getattr(vcr, name, None)
    if before is None:
        return []
    return before if isinstance(before, Iterable) else [before]


def _match_for_vcr(one: _SentRequest, other: _SentRequest) -> None:
    found = differences(_as_http(other), _as_http(one))
    if found:
        raise AssertionError("; ".join(found))


def _request_scrubber(scrubber: Scrubber) -> Callable[[Any], object]:
    def scrub(request: Any) -> object:
        headers = dict(scrubber.fields(_text_fields(request.headers)))
        body = request.body
        octets = None if body is None else _octets(body)
        if octets is not None:
            body = scrubber.body(octets)
        return type(request)(request.method, scrubber.text(request.uri), body, headers)

    return scrub


def _response_scrubber(scrubber: Scrubber) -> Callable[[Any], object]:
    def scrub(response: Any) -> object:
        text = response["body"]["string"]
        body = scrubber.text(text) if isinstance(text, str) else scrubber.body(text)
        length = str(len(body.encode() if isinstance(body, str) else body))
        headers = {}
        for name, values in response["headers"].items():
            # In most versions of vcr.py, the value is a list with one element for each header line.
            lines = [values] if isinstance(values, str) else values
            scrubbed = [length if name.lower() == "content-length" else scrubber.field(name, each) for each in lines]
            headers[name] = scrubbed[0] if isinstance(values, str) else scrubbed
        return {**response, "headers": headers, "body": {**response["body"], "string": body}}

    return scrub


# --- responses


def _prepare_response(response: Any, scrubber: Scrubber) -> None:
    if isinstance(response.url, str) and any(f"{name}=" in response.url for name in IGNORED):
        expected = HTTPRequest(response.method, scrubber.text(response.url))
        kept = [each for each in response.match if "query_string_matcher" not in each.__qualname__]
        response.match = (*kept, _query_matcher(expected, scrubber))
        response.url = expected.url
    body = response.body
    if isinstance(body, str):
        response.body = scrubber.text(body)
    elif isinstance(body, bytes):
        response.body = scrubber.body(body)
    if response.headers:
        response.headers = dict(scrubber.fields(_text_fields(response.headers)))


def _query_matcher(expected: HTTPRequest, scrubber: Scrubber) -> Callable[[_SentRequest], tuple[bool, str]]:
    def match(request: _SentRequest) -> tuple[bool, str]:
        sent = _as_http(request)
        found = differences(expected, HTTPRequest(expected.method, scrubber.text(sent.url)))
        return not found, "; ".join(found)

    return match


# --- respx


@cache
def _pattern_class() -> type[Pattern]:
    from respx import patterns

    class OAuth1Pattern(patterns.Pattern):
        """A pattern of respx with a :class:`RequestMatcher` as its value."""

        key = _NAME

        def match(self, request: Any) -> patterns.Match:
            return patterns.Match(not self.value.differences(_as_http(request)))

    return OAuth1Pattern


# --- the requests of all three libraries


def _as_http(request: Any) -> HTTPRequest:
    url = str(request.uri if hasattr(request, "uri") else request.url)
    # Only a request of httpx has the method read(), which returns the whole body.
    body = request.read() if hasattr(request, "read") else _octets(request.body)
    return HTTPRequest(request.method or "", url, _text_fields(request.headers), body or b"")


def _text_fields(headers: Mapping[Any, Any]) -> list[tuple[str, str]]:
    return [(_text(name), _text(value)) for name, value in headers.items()]


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list):
        return ", ".join([_text(each) for each in value])
    return str(value)


def _octets(body: Any) -> bytes | None:
    """Return a body as octets; None for an object that only the HTTP library can send, such as a form of aiohttp."""
    if body is None or isinstance(body, (str, bytes)):
        return body.encode() if isinstance(body, str) else body or b""
    # For aiohttp, vcr.py records the argument that the program passed to aiohttp: a form, or a value for JSON.
    if isinstance(body, Mapping):
        return json.dumps(body, default=str).encode()
    pieces: list[object] = [body.read()] if hasattr(body, "read") else [*body] if isinstance(body, Iterable) else [body]
    octets = [each.encode() if isinstance(each, str) else each for each in pieces]
    known = [each for each in octets if isinstance(each, bytes)]
    return b"".join(known) if len(known) == len(octets) else None
