"""The floor is the lower limit of the time: the least work in pure Python that signs or verifies a request correctly.

This module is not part of the package, and the package should not copy its style. For usual requests, this module reads
the text as few times as possible. Each fast path first checks that the input has the expected form. For any other
input, the slow path in :mod:`benchmarks.reference` is used. The result is therefore correct for every input.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import time
from binascii import b2a_base64
from bisect import bisect_left
from hmac import compare_digest
from urllib.parse import unquote_to_bytes

from .reference import base_string_uri, form_decode, parse_header, percent_encode, split_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .reference import Credentials

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_ENCODED = _UNRESERVED + b"%"
_JOINED = [percent_encode(bytes([octet])) for octet in range(256)]
_JOINED[1:3] = "=", "&"  # These separators do not occur in encoded names and values.
_NOT_SEPARATORS = bytes(set(range(0x100)) - {*b"=&"})
_SEPARATORS = b"=&" * 100_000  # The separators of a query with 100,000 parameters.
_ELEMENT = b' =""'  # The characters of one header element that are not part of its name or value.
_HEADERS = {(b" " + b",".join([_ELEMENT[index == 0 :] for index in range(count)])): count for count in (7, 8)}

# The pattern matches escapes that RFC 5849 section 3.6 does not allow. These are escapes of unreserved characters,
# escapes with a lower-case digit, and incomplete escapes.
_find_odd_escape = re.compile(r"%(?![01][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[B-DF]|[89A-F][0-9A-F])").search
_is_plain_url = re.compile(r"https?://[a-z0-9.\-]+/[A-Za-z0-9\-._~/]*").fullmatch

_clock = time.time
_DIGESTS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


def _encode(octets: bytes) -> str:
    """Return *octets* percent-encoded; octet 1 becomes ``=`` and octet 2 becomes ``&``."""
    return "".join([_JOINED[octet] for octet in octets])


def _encode_form(form: dict[str, str]) -> str:
    octets = "\2".join([f"{name}\1{value}" for name, value in form.items()]).encode()
    if octets.count(1) + octets.count(2) == 2 * len(form) - 1:
        return _encode(octets)
    pairs = [(name.encode(), value.encode()) for name, value in form.items()]
    return "&".join([f"{percent_encode(name)}={percent_encode(value)}" for name, value in pairs])


def _segments(encoded: str) -> list[str]:
    """Return "name value" for each parameter, not sorted; every ``%`` is replaced by ``%25``."""
    separators = encoded.encode().translate(None, _ENCODED)
    size = len(separators)
    if size % 2 == 0 or separators != _SEPARATORS[:size]:
        return _odd_segments(encoded)
    escapes = encoded.count("%")
    if escapes:
        if encoded.count("%20") != escapes and _find_odd_escape(encoded):
            return _odd_segments(encoded)
        encoded = encoded.replace("%", "%25")
    return encoded.replace("=", " ").split("&")


def _odd_segments(encoded: str) -> list[str]:
    # The text is not encoded as section 3.6 requires. For example, it contains "+" instead of "%20". Therefore all
    # parameters are decoded and encoded again.
    separators = encoded.encode().translate(None, _NOT_SEPARATORS)
    if separators == _SEPARATORS[: len(separators)] and len(separators) % 2:
        octets = encoded.replace("+", " ").replace("=", "\x01").replace("&", "\x02").encode()
        decoded = unquote_to_bytes(octets)
        if decoded.count(1) + decoded.count(2) == len(separators):
            return _encode(decoded).replace("%", "%25").replace("=", " ").split("&")
    pairs = form_decode(encoded)
    return [f"{percent_encode(name)} {percent_encode(value)}".replace("%", "%25") for name, value in pairs]


def _uri(url: str) -> str:
    """Return the encoded base string URI; *url* must have no query."""
    if _is_plain_url(url):
        return url.replace(":", "%3A", 1).replace("/", "%2F")
    return percent_encode(base_string_uri(url).encode())


class _Keyed:
    """The inner and the outer hash object of an HMAC. The key is hashed once, instead of once for each request."""

    def __init__(self, credentials: Credentials, method_name: str) -> None:
        self.digest = _DIGESTS[method_name]
        secrets = (credentials.consumer_secret, credentials.token_secret)
        key = "&".join([percent_encode(secret.encode()) for secret in secrets]).encode()
        if len(key) > 64:
            key = self.digest(key).digest()
        key = key.ljust(64, b"\0")
        self.inner = self.digest(bytes([octet ^ 0x36 for octet in key]))
        self.outer = self.digest(bytes([octet ^ 0x5C for octet in key]))


def _base64(octets: bytes) -> str:
    text = b2a_base64(octets, newline=False).decode()
    return text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


class Signer:
    """Signs with one set of credentials.

    Args:
        credentials: The credentials. The secrets must consist of printable characters, and the keys of unreserved
            characters.
        method_name: HMAC-SHA1 or HMAC-SHA256.
        clock: A function that returns seconds since 1970-01-01 00:00 UTC.
    """

    def __init__(
        self, credentials: Credentials, method_name: str = "HMAC-SHA1", clock: Callable[[], float] = _clock
    ) -> None:
        self._keyed = _Keyed(credentials, method_name)
        self._clock = clock
        self._next = itertools.count(1).__next__
        key, token = (percent_encode(text.encode()) for text in (credentials.consumer_key, credentials.token))
        # A random prefix and a number make a unique nonce. Section 3.3 requires only that a nonce is unique.
        prefix = os.urandom(10).hex()
        twice = [text.replace("%", "%25") for text in (key, token)]
        self._before_nonce = f"oauth_consumer_key%3D{twice[0]}%26oauth_nonce%3D{prefix}"
        self._before_timestamp = f"%26oauth_signature_method%3D{method_name}%26oauth_timestamp%3D"
        self._after_timestamp = f"%26oauth_token%3D{twice[1]}%26oauth_version%3D1.0"
        self._header = (
            f'OAuth oauth_consumer_key="{key}", oauth_token="{token}", oauth_signature_method="{method_name}",'
            f' oauth_version="1.0", oauth_nonce="{prefix}'
        )

    def sign(
        self, method: str, url: str, form: dict[str, str] | None = None, body: bytes | None = None
    ) -> tuple[str, str | None]:
        """Return the Authorization header field value, and the form body or None."""
        nonce = f"{self._next():x}"
        timestamp = f"{int(self._clock())}"
        before, _, query = url.partition("?")
        if "#" in url:
            before, query = split_url(url)
        segments = _segments(query) if query else []
        encoded = None
        if form is not None:
            encoded = _encode_form(form)
            if encoded:
                segments += encoded.replace("%", "%25").replace("=", " ").split("&")
        hashed = in_header = ""
        if body is not None:
            digest = _base64(self._keyed.digest(body).digest())
            hashed = f"oauth_body_hash%3D{digest.replace('%', '%25')}%26"
            in_header = f'", oauth_body_hash="{digest}'
        own = f"{hashed}{self._before_nonce}{nonce}{self._before_timestamp}{timestamp}{self._after_timestamp}"
        if segments:
            own = _merge(segments, own)
        inner, outer = self._keyed.inner.copy(), self._keyed.outer.copy()
        inner.update(f"{method}&{_uri(before)}&{own}".encode())
        outer.update(inner.digest())
        signature = _base64(outer.digest())
        header = f'{self._header}{nonce}", oauth_timestamp="{timestamp}{in_header}", oauth_signature="{signature}"'
        return header, encoded


def _merge(segments: list[str], own: str) -> str:
    """Return the encoded normalized parameters; *own* are the sorted and encoded protocol parameters."""
    # No character of encoded text sorts before a space. A name therefore sorts before every longer name that starts
    # with the same text.
    segments.sort()
    index = bisect_left(segments, "oauth_")
    if index == len(segments):
        return "%26".join(segments).replace(" ", "%3D") + "%26" + own
    if bisect_left(segments, "oauth_~", index) != index:
        # Some parameters sort between the protocol parameters, so all parameters are sorted together.
        return "%26".join(sorted(segments + own.replace("%3D", " ").split("%26"))).replace(" ", "%3D")
    after = "%26".join(segments[index:]).replace(" ", "%3D")
    if not index:
        return f"{own}%26{after}"
    return "%26".join(segments[:index]).replace(" ", "%3D") + f"%26{own}%26{after}"


class Verifier:
    """Verifies requests that are signed with one set of credentials, and accepts each request once.

    Args:
        credentials: The only credentials that are accepted.
        window: Largest accepted difference between a timestamp and the clock, in seconds.
    """

    def __init__(self, credentials: Credentials, window: int = 300) -> None:
        keys = (percent_encode(credentials.consumer_key.encode()), percent_encode(credentials.token.encode()))
        self._keys = {keys: _Keyed(credentials, "HMAC-SHA1")}
        self._window = window
        self._seen: set[tuple[str, str, str, str]] = set()

    def verify(self, method: str, url: str, header: str, form: str | None, body: bytes | None) -> bool:
        """Return whether the request is accepted.

        Args:
            method: HTTP request method, upper case.
            url: URL that the client signed.
            header: Authorization header field value.
            form: The body, if it is a form.
            body: The body, if it is not a form.
        """
        count = _HEADERS.get(header.encode().translate(None, _ENCODED))
        if not (
            count
            and header[:6] == "OAuth "
            and header[-1] == '"'
            and header.count('="') == count
            and header.count('", ') == count - 1
            and not ("%" in header and _find_odd_escape(header))
            and "oauth_" not in url
            and not (form and "oauth_" in form)
        ):
            return self._verify_slowly(method, url, header, form, body)
        found = header[6:-1].replace('="', " ").split('", ')
        found.sort()
        hashed = found.pop(0) if count == 8 else ""
        key, nonce, signature, name, timestamp, token, version = found
        if not (
            key[:19] == "oauth_consumer_key "
            and nonce[:12] == "oauth_nonce "
            and signature[:16] == "oauth_signature "
            and name == "oauth_signature_method HMAC-SHA1"
            and timestamp[:16] == "oauth_timestamp "
            and token[:12] == "oauth_token "
            and version == "oauth_version 1.0"
            and (not hashed or hashed[:16] == "oauth_body_hash ")
        ):
            return self._verify_slowly(method, url, header, form, body)
        claim = (timestamp[16:], nonce[12:], key[19:], token[12:])
        own = f"{key}&{nonce}&{name}&{timestamp}&{token}&{version}"
        own = own.replace("%", "%25").replace(" ", "%3D").replace("&", "%26")
        if hashed:
            if not compare_digest(_base64(hashlib.sha1(body or b"").digest()), hashed[16:]):
                return False
            own = f"oauth_body_hash%3D{hashed[16:].replace('%', '%25')}%26{own}"
        return self._finish(method, url, form, claim, own, signature[16:])

    def _finish(
        self, method: str, url: str, form: str | None, claim: tuple[str, str, str, str], own: str, signature: str
    ) -> bool:
        timestamp, nonce, key, token = claim
        keyed = self._keys.get((key, token))
        if keyed is None or not nonce or not timestamp.isdigit() or len(timestamp) > 15:
            return False
        if not -self._window <= int(_clock()) - int(timestamp) <= self._window or claim in self._seen:
            return False
        before, _, query = url.partition("?")
        if "#" in url:
            before, query = split_url(url)
        segments = _segments(query) if query else []
        if form:
            segments += _segments(form)
        if segments:
            own = _merge(segments, own)
        inner, outer = keyed.inner.copy(), keyed.outer.copy()
        inner.update(f"{method}&{_uri(before)}&{own}".encode())
        outer.update(inner.digest())
        if not compare_digest(_base64(outer.digest()), signature):
            return False
        self._seen.add(claim)
        return True

    def _verify_slowly(self, method: str, url: str, header: str, form: str | None, body: bytes | None) -> bool:
        try:
            pairs = [(name.decode(), value.decode()) for name, value in parse_header(header)]
        except ValueError:
            return False
        values = dict(pairs)
        elsewhere = form_decode(split_url(url)[1]) + form_decode(form or "")
        if len(values) < len(pairs) or any(name.startswith(b"oauth_") for name, _ in elsewhere):
            return False
        if values.get("oauth_signature_method") != "HMAC-SHA1" or values.get("oauth_version", "1.0") != "1.0":
            return False
        hashed = values.get("oauth_body_hash")
        if hashed is not None and hashed != b2a_base64(hashlib.sha1(body or b"").digest(), newline=False).decode():
            return False
        wanted = ("oauth_timestamp", "oauth_nonce", "oauth_consumer_key", "oauth_token", "oauth_signature")
        if any(name not in values for name in wanted):
            return False
        timestamp, nonce, key, token, signature = (values[name] for name in wanted)
        del values["oauth_signature"]
        own = sorted([f"{percent_encode(n.encode())} {percent_encode(v.encode())}" for n, v in values.items()])
        text = "%26".join([each.replace("%", "%25") for each in own]).replace(" ", "%3D")
        timestamp, nonce, key, token, signature = (
            percent_encode(each.encode()) for each in (timestamp, nonce, key, token, signature)
        )
        return self._finish(method, url, form, (timestamp, nonce, key, token), text, signature)
