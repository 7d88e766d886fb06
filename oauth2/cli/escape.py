"""Escape characters that could control a terminal, in text from a service, a file or a user."""

from __future__ import annotations

import re

__all__ = ["one_line", "printable"]

# The pattern matches control characters, characters that change the direction of writing, and lone surrogates, which
# cannot be encoded as UTF-8.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return *text* with unsafe characters escaped; line feeds and tabs are not changed."""
    return _UNSAFE.sub(lambda found: _escaped(found[0]), text)


def one_line(text: str) -> str:
    """Return *text* with unsafe characters, line feeds and tabs escaped."""
    return printable(text.replace("\n", "\\n").replace("\t", "\\t"))


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
