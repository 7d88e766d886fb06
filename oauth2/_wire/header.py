"""The Authorization header: RFC 5849 section 3.5.1, with the syntax of RFC 2617 and of RFC 2616 section 2."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from .._typing import Any
from ..errors import InvalidRequest
from .pairs import CANONICAL_DIGITS, Pairs, encode_pairs
from .percent import percent_decode

LWS = " \t\r\n"  # linear white space, RFC 2616 section 2.2
_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%")
_REMOVE_CONTROLS = dict.fromkeys({*range(0x20), 0x7F} - {ord(char) for char in LWS})
# These two control characters replace the quoted pairs "\\" and "\"" while the header is split at its quotes. The
# header cannot contain control characters, because a header with control characters is refused before the split.
_BACKSLASH, _QUOTE = "\x01", "\x02"


def parse_authorization_header(value: str) -> Pairs:
    """Read the value of an ``Authorization: OAuth ...`` header field (section 3.5.1).

    Each name and value is percent-decoded once. Only the value of ``realm`` is different: it is an RFC 2617
    quoted-string, so its quoted pairs are decoded, and it is not percent-decoded.

    Args:
        value: The value of the field, with the scheme, which may be in upper or lower case.

    Returns:
        Pairs in the order of the header, ``realm`` included.

    Raises:
        Error: The scheme is not OAuth, or the rest of *value* is not a list of parameters.
    """
    if not is_oauth_header(value):
        raise InvalidRequest("The Authorization header is not of the OAuth scheme.")
    if not value.isprintable() and value.translate(_REMOVE_CONTROLS) != value:
        raise InvalidRequest("The Authorization header contains a control character.")
    text = value[5:]
    if "\\" in text:
        text = text.replace("\\\\", _BACKSLASH).replace('\\"', _QUOTE)
    # Splitting at the quotes takes linear time for every header. An element of the list with an odd index was inside
    # quotes. An element with an even index was outside quotes: it contains commas and parameters without quotes, and
    # ends with the name of the next quoted value.
    pieces = text.split('"')
    if len(pieces) % 2 == 0:
        raise InvalidRequest("The Authorization header has a quoted string without an end.")
    pairs: Pairs = []
    for index in range(0, len(pieces) - 1, 2):
        *bare, opening = pieces[index].split(",")
        if index and (not bare or bare[0].strip(LWS)):
            raise InvalidRequest("The Authorization header has no comma between two parameters.")
        pairs += _unquoted_pairs(bare)
        name, equals, rest = opening.partition("=")
        if not equals or rest.strip(LWS):
            raise InvalidRequest("The Authorization header has a value without a name.")
        pairs.append(_pair(name, pieces[index + 1]))
    after_last_quote = pieces[-1].split(",")
    if pairs and after_last_quote[0].strip(LWS):
        raise InvalidRequest("The Authorization header has no comma between two parameters.")
    return pairs + _unquoted_pairs(after_last_quote)


def read_header(value: str) -> tuple[list[str], bool]:
    """Read the value of an Authorization header field, and return its encoded parameters.

    :func:`parse_authorization_header` describes the syntax.

    Returns:
        A tuple of two. First, the list of the encoded parameters without the realm, see
        :func:`~oauth2._wire.pairs.encode_pairs`; if the scheme is not OAuth, this list is empty. Second, whether all
        names start with ``oauth_``.

    Raises:
        Error: There are two realms, or :func:`parse_authorization_header` raises the error. This function may accept
            octets that are not UTF-8; :func:`~oauth2._wire.pairs.decode_pairs` refuses these octets later.
    """
    # Fast path: nearly all clients write the header in the form that the pattern matches. In this form, names and
    # values have the encoding of encode_pairs(), so decoding and encoding would not change them.
    usual = _usual_header()(value)
    if usual is not None:
        return usual[1].replace('="', " ").split('", '), True
    if not is_oauth_header(value):
        return [], True
    pairs = parse_authorization_header(value)
    signed = [pair for pair in pairs if pair[0] != "realm"]
    if len(pairs) > len(signed) + 1:
        raise InvalidRequest("The Authorization header has two realms.")
    return encode_pairs(signed), all(name.startswith("oauth_") for name, _ in signed)


@lru_cache(1)
def _usual_header() -> Callable[[str], Any]:
    # re is imported on first use, because importing re takes a third of the time of `import oauth2`.
    from re import compile as compiled

    # With possessive quantifiers ("*+"), the search never backtracks, so matching takes linear time.
    unreserved = r"[A-Za-z0-9\-._~]*+"
    encoded = f"{unreserved}(?:%{CANONICAL_DIGITS}{unreserved})*+"
    parameter = f'oauth_{unreserved}="{encoded}'
    realm = r'realm="[^"\\\x00-\x1f\x7f]*+"'  # The realm contains no quote, no quoted pair and no control character.
    return compiled(f'OAuth (?:{realm}, )?+({parameter}(?:", {parameter})*+)"').fullmatch


def is_oauth_header(value: str) -> bool:
    """Return whether *value*, the value of an Authorization header field, has the scheme OAuth."""
    return value[:6] == "OAuth " or (value[:5].lower() == "oauth" and value[5:6] in ("", *LWS))


def _unquoted_pairs(elements: Iterable[str]) -> Pairs:
    # Section 3.5.1 requires quotes, but RFC 2617 also allows values without quotes. Empty elements are allowed in every
    # list (RFC 2616 section 2.1).
    pairs = []
    for element in elements:
        if element.strip(LWS):
            name, _, value = element.partition("=")
            value = value.strip(LWS)
            if not value or not _NAME.issuperset(value):
                raise InvalidRequest("The Authorization header has an element that is not a parameter.")
            pairs.append(_pair(name, value))
    return pairs


def _pair(name: str, value: str) -> tuple[str, str]:
    name = name.strip(LWS)
    if not name or not _NAME.issuperset(name):
        raise InvalidRequest("The Authorization header has a parameter without a valid name.")
    if name.lower() == "realm":
        return "realm", _unquoted_realm(value)
    if not (value.isascii() and value.isprintable()):
        raise InvalidRequest("The Authorization header has a value that is not printable ASCII.")
    name = percent_decode(name)
    if name.lower() == "realm":
        # Some servers would read a percent-encoded realm as the realm, which is not signed. Other servers would read it
        # as a protocol parameter, which is signed.
        raise InvalidRequest("The Authorization header has a percent-encoded realm. Send realm without escapes.")
    return name, percent_decode(value)


def _unquoted_realm(realm: str) -> str:
    if "\r" in realm or "\n" in realm:
        raise InvalidRequest("The realm contains a line break.")
    return realm.replace("\\", "").replace(_BACKSLASH, "\\").replace(_QUOTE, '"')


def build_authorization_header(pairs: Iterable[tuple[str, str]], realm: str | None = None) -> str:
    """Write the value of an ``Authorization`` header field (section 3.5.1).

    Args:
        pairs: Decoded protocol parameters, in the order in which they are written.
        realm: The realm, which is the first parameter of the header, as a quoted-string; None for a header without a
            realm.

    Returns:
        ``OAuth realm="...", name="value", ...``. The names and values, except the realm, are percent-encoded.

    Raises:
        ValueError: *realm* contains a control character.
    """
    return join_header(encode_pairs(list(pairs)), realm)


def join_header(encoded: list[str], realm: str | None) -> str:
    """Write the value of an Authorization header field, as :func:`build_authorization_header` does.

    Args:
        encoded: The encoded parameters, as :func:`~oauth2._wire.pairs.encode_pairs` returns them.
        realm: See :func:`build_authorization_header`.

    Raises:
        ValueError: *realm* contains a control character.
    """
    # An encoded parameter contains no U+0002. Therefore U+0002 can separate the parameters while the space between the
    # name and the value of each parameter is replaced.
    quoted = "\2".join(encoded).replace(" ", '="').replace("\2", '", ') + '"' if encoded else ""
    if realm is None:
        return f"OAuth {quoted}".rstrip()
    return f'OAuth realm="{quote_realm(realm)}"' + (f", {quoted}" if quoted else "")


def build_authenticate_header(realm: str = "") -> dict[str, str]:
    """Return the ``WWW-Authenticate`` header of a 401 response (section 3.5.1) as a dict.

    Raises:
        TypeError: *realm* is not str.
        ValueError: *realm* contains a control character.
    """
    return {"WWW-Authenticate": f'OAuth realm="{quote_realm(realm)}"'}


def quote_realm(realm: str) -> str:
    """Escape backslashes and quotes in *realm*, for use inside an RFC 2617 quoted-string.

    Raises:
        TypeError: *realm* is not str.
        ValueError: *realm* contains a control character.
    """
    if not isinstance(realm, str):
        raise TypeError("realm: must be str")
    if not realm.isprintable() and any(char < " " or char == "\x7f" for char in realm):
        raise ValueError("realm: must not contain a control character")
    return realm.replace("\\", "\\\\").replace('"', '\\"')
