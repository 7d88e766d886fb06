"""Deviations in the HTTP method and in the base string URI: RFC 5849 sections 3.4.1.1 and 3.4.1.2."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from .._wire.percent import percent_decode_as_sent
from ._parameters import shortened
from ._signed import Deviation, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ._message import Message
    from ._signed import Signed

    Candidates = Iterator[tuple[str, str, str]]  # key, sentence, URI

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_PORTS = ("443", "80", "8080", "8443", "8000", "3000", "5000")
_PATH_CHARACTERS = "'()!*@:,+;=&$~"
_PREFIXES = ("/api", "/rest", "/v1")
_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")
_ORIGINAL_PATHS = ("x-original-url", "x-original-uri", "x-rewrite-url", "x-forwarded-uri", "x-replaced-path")


def method_deviations(message: Message) -> Iterator[Deviation]:
    """Yield the deviations in the HTTP request method."""
    right = message.method.upper()
    override = next(filter(None, map(message.header, _OVERRIDES)), "") or message.first("_method") or ""
    for method in dict.fromkeys([override.upper(), right.lower(), *_METHODS]):
        if method and method != right:
            key = "method-in-lower-case" if method == right.lower() else "method"
            yield Deviation(
                key="method-override" if method == override.upper() else key,
                change=_as_method(method),
                sentence=f"The request was signed as {shortened(method)} and sent as {shortened(right)}.",
            )


def _as_method(method: str) -> Callable[[Signed], Signed | None]:
    return lambda signed: signed.with_target(method=method)


def uri_deviations(message: Message, uri: str, others: Iterable[str] = ()) -> Iterator[Deviation]:
    """Yield the deviations in the base string URI.

    Args:
        message: The request.
        uri: The base string URI of the request.
        others: Other base string URIs that the sender may have signed.
    """
    seen = {uri}
    for key, sentence, other in [*_others(uri, others), *_candidates(message, uri)]:
        if other not in seen:
            seen.add(other)
            yield Deviation(key=key, change=_to(uri, other), sentence=sentence)


def _to(uri: str, other: str) -> Callable[[Signed], Signed | None]:
    before, after = _parts(uri), _parts(other)

    def change(signed: Signed) -> Signed | None:
        # Only the parts that differ are replaced, so that a second deviation can change the other parts.
        now = _parts(signed.uri)
        scheme, name, port, path = (
            part if old == new else new for part, old, new in zip(now, before, after, strict=True)
        )
        changed = f"{scheme}://{name}{port}{path}"
        return None if changed == signed.uri else signed.with_target(uri=changed)

    return change


def _parts(uri: str) -> tuple[str, str, str, str]:
    scheme, host, path = split(uri)
    name, colon, port = host.rpartition(":")
    return (scheme, name, colon + port, path) if port.isdigit() and name else (scheme, host, "", path)


def split(uri: str) -> tuple[str, str, str]:
    """Return scheme, authority and path of a URI. The path starts with a slash, or is empty."""
    scheme, _, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    return scheme, host, slash + path


def _others(uri: str, others: Iterable[str]) -> Candidates:
    scheme, host, _ = split(uri)
    for other in others:
        its_scheme, its_host, _ = split(other)
        key = "host" if its_host != host else "scheme" if its_scheme != scheme else "path-prefix"
        yield key, f"The request was signed for {shortened(other)}.", other


def _candidates(message: Message, uri: str) -> Candidates:
    scheme, host, path = split(uri)
    other = "http" if scheme == "https" else "https"
    yield "scheme", f"The request was signed for {other} and received over {scheme}.", f"{other}://{host}{path}"
    port = _parts(uri)[2]
    for key, name in _hosts(message, host):
        sentence = f"The request was signed for the host {shortened(name)} and received at {shortened(host)}."
        yield key, sentence, f"{scheme}://{name}{path}"
        yield key, sentence, f"{scheme}://{name}{port}{path}"
    yield from _ports(message, uri)
    for key, sentence, changed in [*_paths(path), *_characters(path), *_prefixes(message, path)]:
        yield key, sentence, f"{scheme}://{host}{changed}"
    yield from _rests(message, uri)


def _hosts(message: Message, host: str) -> Iterator[tuple[str, str]]:
    in_url = split(message.url.partition("?")[0].partition("#")[0])[1].rpartition("@")[2]
    header, forwarded = message.header("host"), message.header("x-forwarded-host").partition(",")[0].strip()
    for key, name in (
        ("host", in_url.lower()),
        ("host", header.lower()),
        ("forwarded-host", forwarded.lower()),
        ("forwarded-host", message.header("x-original-host").lower()),
        ("www", host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"),
        ("host-case", in_url),
        ("host-case", header),
        ("host-case", host.upper()),
        ("internal-host", "localhost"),
        ("internal-host", "127.0.0.1"),
    ):
        if name and name != host:
            yield key, name


def _ports(message: Message, uri: str) -> Candidates:
    scheme, host, path = split(uri)
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit():
        yield "port-lost", f"The request was signed without the port {port}.", f"{scheme}://{name}{path}"
        host = name
    default = "443" if scheme == "https" else "80"
    forwarded = message.header("x-forwarded-port")
    for other in (default, forwarded if forwarded.isdigit() else default, *_PORTS):
        key = "default-port-kept" if other == default else "other-port"
        yield key, f"The request was signed with the port {shortened(other)}.", f"{scheme}://{host}:{other}{path}"


def _paths(path: str) -> Candidates:
    decoded = percent_decode_as_sent(path)
    lower = re.sub("%[0-9A-Fa-f]{2}", lambda found: found[0].lower(), path)
    upper = re.sub("%[0-9A-Fa-f]{2}", lambda found: found[0].upper(), path)
    resolved = posixpath.normpath(path) + ("/" if path.endswith(("/", "/.", "/..")) else "")
    if path != "/":
        has_slash = path.endswith("/")
        sentence = f"The path was signed {'without the' if has_slash else 'with a'} trailing slash."
        yield "trailing-slash", sentence, path.rstrip("/") if has_slash else f"{path}/"
    yield "path-decoded", "", decoded
    yield "path-encoded-again", "", path.replace("%", "%25")
    yield "path-encoded", "", "/".join(map(encode, decoded.split("/")))
    yield "path-escape-case", "", lower
    yield "path-escape-case", "", upper
    yield "path-case", "", path.lower()
    yield "path-slashes", "", re.sub("/+", "/", path)
    yield "path-dot-segments", "", resolved.replace("//", "/")


def _characters(path: str) -> Candidates:
    for char in _PATH_CHARACTERS:
        escape = f"%{ord(char):02X}"
        yield "path-encoded", f"{char} of the path was signed as {escape}.", path.replace(char, escape)
        yield "path-decoded", f"{escape} of the path was signed as {char}.", path.replace(escape, char)


def _prefixes(message: Message, path: str) -> Candidates:
    for name in _ORIGINAL_PATHS:
        original = message.header(name).partition("?")[0]
        if original.startswith("/"):
            sentence = f"The request was signed for the path {shortened(original)}, which a proxy has rewritten."
            yield "path-rewritten", sentence, original
    forwarded = "/" + message.header("x-forwarded-prefix").strip("/")
    for prefix in (*([forwarded] if len(forwarded) > 1 else []), *_PREFIXES):
        yield "path-prefix", f"The path was signed with the prefix {shortened(prefix)}.", prefix + path
    segments = path.split("/", 4)
    for count in range(1, len(segments) - 1):
        removed = "/".join(segments[1 : count + 1])
        rest = "/".join(segments[count + 1 :])
        yield "path-prefix", f"The path was signed without the prefix /{shortened(removed)}.", f"/{rest}"


def _rests(message: Message, uri: str) -> Candidates:
    url, mark, fragment = message.url.partition("#")
    query = url.partition("?")[2]
    if query:
        yield "query-in-uri", "", f"{uri}?{query}"
        yield "query-in-uri", "", f"{uri}?{percent_decode_as_sent(query)}"
        yield "question-mark-in-uri", "", f"{uri}?"
    if mark:
        yield "fragment-in-uri", "", f"{uri}#{fragment}"
    if split(uri)[2] == "/":
        yield "empty-path", "", uri.removesuffix("/")
