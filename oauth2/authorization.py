"""The Authorization header: RFC 5849 section 3.5.1, over RFC 2617 and RFC 2616 section 2."""

from __future__ import annotations

from .encoding import percent_decode
from .errors import InvalidRequest
from .pairs import ENCODED, Pairs, encode_pairs, has_canonical_escapes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LWS = " \t\r\n"
_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%")
_CONTROLS = dict.fromkeys({*range(0x20), 0x7F} - {ord(char) for char in LWS})
_BACKSLASH, _QUOTE = "\x01", "\x02"  # stand-ins for quoted pairs: controls, which are refused before
_MARKS = b'="", '  # of each element that stands before another
_AS_PAIRS = bytes.maketrans(b"=,", b" &")


def parse_authorization_header(value: str) -> Pairs:
    """Read an ``Authorization: OAuth ...`` header field value (section 3.5.1).

    Each name and value is percent-decoded once. ``realm`` is an RFC 2617
    quoted-string instead: its quoted pairs are undone and nothing else.

    Args:
        value: The field value with its scheme, which is matched in any case.

    Returns:
        Decoded pairs in the order of the header, ``realm`` included.

    Raises:
        Error: Another scheme, or not a list of parameters.
    """
    if not is_oauth_header(value):
        raise InvalidRequest("The Authorization header is not of the OAuth scheme.")
    if not value.isprintable() and value.translate(_CONTROLS) != value:
        raise InvalidRequest("The Authorization header holds a control character.")
    text = value[5:]
    if "\\" in text:
        text = text.replace("\\\\", _BACKSLASH).replace('\\"', _QUOTE)
    # Splitting at the quotes is linear whatever is sent. Even pieces lie outside of
    # quotes: separators, parameters without quotes, and last the name of what follows.
    pieces = text.split('"')
    if len(pieces) % 2 == 0:
        raise InvalidRequest("The Authorization header has an unterminated quoted string.")
    pairs: Pairs = []
    for index in range(0, len(pieces) - 1, 2):
        *bare, opening = pieces[index].split(",")
        if index and (not bare or bare[0].strip(LWS)):
            raise InvalidRequest("The Authorization header lacks a comma between parameters.")
        pairs += _unquoted(bare)
        name, equals, rest = opening.partition("=")
        if not equals or rest.strip(LWS):
            raise InvalidRequest("The Authorization header has a value without a name.")
        pairs.append(_header_pair(name, pieces[index + 1]))
    tail = pieces[-1].split(",")
    if pairs and tail[0].strip(LWS):
        raise InvalidRequest("The Authorization header lacks a comma between parameters.")
    return pairs + _unquoted(tail)


def read_header(value: str) -> tuple[list[str], bool]:
    """Return what :func:`parse_authorization_header` makes of *value*, of the OAuth scheme, but encoded.

    See :func:`~oauth2.pairs.encode_pairs`. The realm, of which there may be one, is left out.
    And tell whether all names are the protocol's: whether each starts with ``oauth_``.

    Raises:
        Error: As :func:`parse_authorization_header` does, but for octets that are not
            UTF-8: decoding the result tells of these. Or there are two realms.
    """
    # The shape that nearly all senders give it: the realm first or not at all, then
    # name="value", with a comma and a space between, escaped as encode_pairs() would.
    text = value[6:]
    if text[:7] == 'realm="':
        text = _after_realm(text)
    octets = text.encode("utf-8", "surrogatepass")
    marks = octets.translate(None, ENCODED)
    count = len(marks) // len(_MARKS) + 1
    if (
        marks == _MARKS * (count - 1) + b'=""'  # each mark is accounted for, and stands where it belongs
        and text[-1] == '"'
        and text.count('="') == count
        and text[:6] == "oauth_"
        and text.count('", oauth_') == count - 1
        and has_canonical_escapes(text)
    ):
        return octets.translate(_AS_PAIRS, b'" ').decode().split("&"), True
    pairs = parse_authorization_header(value)
    signed = [pair for pair in pairs if pair[0] != "realm"]
    if len(pairs) > len(signed) + 1:
        raise InvalidRequest("The Authorization header has two realms.")
    return encode_pairs(signed), all(name[:6] == "oauth_" for name, _ in signed)


def _after_realm(text: str) -> str:
    # What follows it; nothing if it has to be looked at closely.
    realm, _, rest = text[7:].partition('", ')
    return "" if '"' in realm or "\\" in realm or not realm.isprintable() else rest


def is_oauth_header(value: str) -> bool:
    """Tell whether an Authorization header field value is of the OAuth scheme."""
    return value[:6] == "OAuth " or (value[:5].lower() == "oauth" and value[5:6] in ("", *LWS))


def _unquoted(elements: Iterable[str]) -> Pairs:
    # Senders must quote; receivers may take an RFC 2617 token. Empty elements are
    # what RFC 2616 section 2.1 allows in any list.
    pairs = []
    for element in elements:
        if element.strip(LWS):
            name, equals, value = element.partition("=")
            value = value.strip(LWS)
            if not equals or not value or not _NAME.issuperset(value):
                raise InvalidRequest("The Authorization header has an element that is no parameter.")
            pairs.append(_header_pair(name, value))
    return pairs


def _header_pair(name: str, value: str) -> tuple[str, str]:
    name = name.strip(LWS)
    if not name or not _NAME.issuperset(name):
        raise InvalidRequest("The Authorization header has a parameter without a valid name.")
    if name.lower() == "realm":
        return "realm", _unquote(value)
    if not (value.isascii() and value.isprintable()):
        raise InvalidRequest("The Authorization header has a value that is not printable ASCII.")
    name = percent_decode(name)
    if name.lower() == "realm":
        raise InvalidRequest("The Authorization header has an escaped realm, which nobody signs.")
    return name, percent_decode(value)


def _unquote(realm: str) -> str:
    if "\r" in realm or "\n" in realm:
        raise InvalidRequest("The realm holds a line break.")
    return realm.replace("\\", "").replace(_BACKSLASH, "\\").replace(_QUOTE, '"')


def build_authorization_header(pairs: Iterable[tuple[str, str]], realm: str | None = None) -> str:
    """Write an ``Authorization`` header field value (section 3.5.1).

    Args:
        pairs: Decoded protocol parameters, in the order they shall have.
        realm: Put first, as a quoted-string; None leaves it out.

    Returns:
        ``OAuth realm="...", name="value", ...``; names and values encoded.

    Raises:
        ValueError: *realm* holds a control character.
    """
    return join_header(encode_pairs(list(pairs)), realm)


def join_header(encoded: list[str], realm: str | None) -> str:
    """Write what :func:`encode_pairs` made as :func:`build_authorization_header` does.

    Raises:
        ValueError: *realm* holds a control character.
    """
    quoted = "\2".join(encoded).replace(" ", '="').replace("\2", '", ') + '"' if encoded else ""
    if realm is None:
        return f"OAuth {quoted}".rstrip()
    return f'OAuth realm="{quote_realm(realm)}"' + (f", {quoted}" if quoted else "")


def build_authenticate_header(realm: str = "") -> dict[str, str]:
    """Return the ``WWW-Authenticate`` header of a 401 answer (section 3.5.1) as a dict.

    Raises:
        ValueError: *realm* holds a control character.
    """
    return {"WWW-Authenticate": f'OAuth realm="{quote_realm(realm)}"'}


def quote_realm(realm: str) -> str:
    """Escape *realm* for the inside of an RFC 2617 quoted-string.

    Raises:
        TypeError: *realm* is not str.
        ValueError: *realm* holds a control character.
    """
    if not isinstance(realm, str):
        raise TypeError("realm: str wanted")
    if not realm.isprintable() and any(char < " " or char == "\x7f" for char in realm):
        raise ValueError("realm: a control character cannot stand in a header")
    return realm.replace("\\", "\\\\").replace('"', '\\"')
