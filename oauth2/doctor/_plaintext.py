"""Check PLAINTEXT signatures (RFC 5849 section 3.4.4). An unencoded signature may be split into several parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._wire.form import is_form
from .._wire.percent import percent_decode_as_sent
from ._checks import UNCHANGED
from ._message import text_of
from ._named_method import PLAINTEXT
from ._signed import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ._keys import Key
    from ._message import Message, Parameter
    from ._named_method import NamedMethod
    from ._writings import Mistakes

_RAW: Mistakes = (("plaintext-not-encoded", ""),)
_MAX_SEGMENTS = 8  # Maximum number of parts of an unencoded signature. Further parts are ignored.
_MAX_SIGNATURE = 4096  # Maximum number of characters of a signature. The rest is ignored.
_KNOWN_NAMES = frozenset(
    {
        "oauth_body_hash",
        "oauth_callback",
        "oauth_callback_confirmed",
        "oauth_consumer_key",
        "oauth_nonce",
        "oauth_session_handle",
        "oauth_signature",
        "oauth_signature_method",
        "oauth_timestamp",
        "oauth_token",
        "oauth_verifier",
        "oauth_version",
        "xoauth_requestor_id",
    }
)


class PlaintextCheck:
    """The check of PLAINTEXT signatures. These signatures do not depend on the base string."""

    family = PLAINTEXT
    most = UNCHANGED

    def __init__(self, named: NamedMethod, message: Message, candidates: Sequence[Key]) -> None:
        """Prepare the check.

        Args:
            named: The signature method in the request.
            message: The request.
            candidates: The signing keys that the sender may have used.
        """
        signature = message.first("oauth_signature") or ""
        whole = {signature, *_unencoded(message)}
        found = (
            mistakes
            for key in (candidates if signature else ())
            for mistakes, form in _plaintexts(key)
            if form == signature or (mistakes == _RAW and form in whole)
        )
        mistakes = next(found, None)
        self._found: Mistakes | None = None if mistakes is None else (*mistakes, *named.mistakes(PLAINTEXT))

    def find(self, _text: bytes, _level: int) -> Mistakes | None:
        """Return the mistakes of the signature; None if no known mistake results in the signature."""
        return self._found

    def cost(self, _size: int, _level: int) -> int:
        """Return the estimated time of :meth:`find`, in nanoseconds."""
        return 100


def _plaintexts(key: Key) -> Iterator[tuple[Mistakes, str]]:
    text = key.octets.decode("utf-8", "surrogateescape")
    own: Mistakes = ((key.mistake, key.sentence),) if key.mistake else ()
    twice = ("plaintext-encoded-twice", "")
    # A client must encode the signature once to send it. Decoding the parameter has removed this encoding, so the right
    # signature is the key itself.
    yield _RAW if key.mistake == "secrets-not-encoded" else own, text
    yield (*own, twice), encode(text)
    yield (*own, twice), encode(encode(text))
    yield _RAW, text.replace("+", " ")
    if not key.mistake:
        yield _RAW, text


def _unencoded(message: Message) -> Iterator[str]:
    """Yield each text that may be an unencoded signature.

    In a query or form, an unencoded & ends the value of a parameter. Some of these texts therefore also
    include the parameters after the signature.
    """
    for segments in _segments(message):
        for count in range(1, len(segments) + 1):
            whole = "&".join(segments[:count])
            yield from (whole, percent_decode_as_sent(whole), percent_decode_as_sent(whole.replace("+", " ")))


def _segments(message: Message) -> Iterator[list[str]]:
    """For query and form, yield a list of encoded texts: the signature, and then the segments after the signature."""
    form = text_of(message.body) if is_form(message.header("content-type")) else ""
    for text in (message.url.partition("#")[0].partition("?")[2], form):
        _, found, rest = f"&{text}".partition("&oauth_signature=")
        if found:
            yield rest[:_MAX_SIGNATURE].split("&")[:_MAX_SEGMENTS]


# --- The parts of an unencoded signature


def is_loose(message: Message) -> Iterator[bool]:
    """Yield, for each parameter of *message*, whether it may be a part of an unencoded PLAINTEXT signature.

    If the secrets contain an unencoded & or =, a server reads the text after this character as a name, or as a name and
    a value. In a header, an unencoded quote or comma has the same effect.
    """
    follows = ""  # The place of the signature, until another known parameter follows. Then "".
    for each in message.parameters:
        if each.name in _KNOWN_NAMES:
            follows = each.place if each.name == "oauth_signature" else ""
            yield False
        else:
            yield each.place in ("header", follows)


def loose_texts(message: Message, parameters: Iterable[Parameter]) -> Iterator[str]:
    """Yield all texts that may contain a part of the signature.

    These texts are from the signature, *parameters*, the segments after the signature, and the fragment of the URL.
    """
    for each in message.parameters:
        if each.name == "oauth_signature":
            yield from (each.value, each.raw or "")
    for each in parameters:
        yield from (each.name, each.value, each.raw or "")
    for segments in (*_segments(message), message.url.partition("#")[2].replace("?", "&").split("&")):
        for segment in segments:
            name, _, value = segment.partition("=")
            if name not in _KNOWN_NAMES:
                yield from (name, value, percent_decode_as_sent(name), percent_decode_as_sent(value))
