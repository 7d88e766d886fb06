"""Split a curl command that was copied from a browser into words, by the rules of POSIX shells, bash or cmd.exe."""

from __future__ import annotations

import re
import sys

__all__ = ["split_words"]

_PIECE = re.compile(
    r"""\$'(?P<ansi>(?:[^'\\]|\\.)*)'            # bash: escapes as in C
      | "(?P<double>(?:[^"\\]|\\.)*)"
      | (?P<joint>\\\n)
      | '(?P<single>[^']*)' | \\(?P<quoted>.) | (?P<open>['"\\]) | (?P<bare>[^'"\\$]+|\$)""",
    re.VERBOSE | re.DOTALL,
)
_BLANK = re.compile(r"[ \t\r\n]+")
_IN_DOUBLE = re.compile(r'\\([$`"\\\n])')
_ESCAPE = re.compile(
    r"\\(?:u(?P<high>[Dd][89ABab][0-9A-Fa-f]{2})\\u(?P<low>[Dd][C-Fc-f][0-9A-Fa-f]{2})"
    r"|(?:u(?P<four>[0-9A-Fa-f]{1,4})|U(?P<eight>[0-9A-Fa-f]{1,8}))|x(?P<two>[0-9A-Fa-f]{1,2})"
    r"|(?P<octal>[0-7]{1,3})|c(?P<control>.)|(?P<letter>.))",
    re.DOTALL,
)
_LETTERS = {"a": 7, "b": 8, "e": 27, "E": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_QUOTES = "'\"\\?"
_CARET = re.compile(r"\^(\n\n|.)", re.DOTALL)


def split_words(command: str) -> list[str]:
    """Return the words of *command*; bytes that are not UTF-8 become surrogate escapes.

    Raises:
        ValueError: A quotation mark is not closed.
    """
    text = command.replace("\r\n", "\n")
    if '^"' in text:
        text = _CARET.sub(_without_caret, text)
    words: list[str] = []
    pieces: list[str] = []  # pieces of the current word; empty between two words
    for piece in _PIECE.finditer(text):
        if piece["open"]:
            raise ValueError("a quotation mark is not closed")
        if piece["bare"]:
            first, *rest = _BLANK.split(piece["bare"])
            pieces += [first] if first else []
            for each in rest:
                words += ["".join(pieces)] if pieces else []
                pieces = [each] if each else []
        elif not piece["joint"]:
            pieces.append(_quoted(piece))
    return [*words, "".join(pieces)] if pieces else words


def _without_caret(found: re.Match[str]) -> str:
    # In cmd.exe, ^ quotes the next character. ^ with one line feed continues the line, so a space replaces both. ^ with
    # two line feeds quotes one line feed.
    return {"\n\n": "\n", "\n": " "}.get(found[1], found[1])


def _quoted(piece: re.Match[str]) -> str:
    if piece["ansi"] is not None:
        return _unescaped(piece["ansi"])
    if piece["double"] is not None:
        return _IN_DOUBLE.sub(lambda found: found[1].strip("\n"), piece["double"])
    return piece["single"] or piece["quoted"] or ""


def _unescaped(text: str) -> str:
    octets, at = bytearray(), 0
    for escape in _ESCAPE.finditer(text):
        octets += text[at : escape.start()].encode() + _octets(escape)
        at = escape.end()
    octets += text[at:].encode()
    return octets.decode("utf-8", "surrogateescape")


def _octets(escape: re.Match[str]) -> bytes:
    found = escape.groupdict()
    if found["high"]:  # Browsers write a character beyond U+FFFF as a surrogate pair.
        return bytes.fromhex(found["high"] + found["low"]).decode("utf-16-be").encode()
    if found["four"] or found["eight"]:
        code = int(found["four"] or found["eight"], 16)
        return chr(code).encode("utf-8", "surrogatepass") if code <= sys.maxunicode else escape[0].encode()
    if found["two"]:
        return bytes([int(found["two"], 16)])
    if found["octal"]:
        return bytes([int(found["octal"], 8) & 0xFF])
    if found["control"]:
        return bytes([ord(found["control"].upper()) & 0x1F])
    letter = found["letter"]
    if letter in _LETTERS:
        return bytes([_LETTERS[letter]])
    return (letter if letter in _QUOTES else f"\\{letter}").encode()
