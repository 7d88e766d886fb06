"""Rewrite the syntax of Python 2 so that the parser of Python 3 accepts it; each line keeps its number."""

from __future__ import annotations

import re

__all__ = ["readable"]

# Python 3 does not have the statements print and exec with arguments. The arguments are kept as an expression, so that
# calls in the arguments are found.
_BLOCK = r"^([ \t]*(?:(?:if|else|elif|for|while|try|except|finally|with)\b[^\n]*?:[ \t]+)?)"
_REPLACEMENTS = (
    (_BLOCK + r"print[ \t]*>>[ \t]*(?=\S)", r"\1print, "),
    (_BLOCK + r"print[ \t]+(?=[^\s=])", r"\1print, "),
    (_BLOCK + r"exec[ \t]+(?=[^\s=])", r"\1exec, "),
    (r"\bexcept[ \t]+([^\n:]+?)[ \t]*,[ \t]*([A-Za-z_]\w*)[ \t]*:", r"except \1 as \2:"),
    (r"\braise[ \t]+(?=[\w.]+[ \t]*,)", ""),
    (r"(?<![\w.])0([0-7]+)(?![\w.])", r"0o\1"),
    (r"(?<![\w.])(\d+|0[xX][0-9a-fA-F]+)[lL]\b", r"\1"),
    (r"\b[uU][rR](?=['\"])", "r"),
    (r"<>", "!="),
    (r"`([^`\n]+)`", r"repr(\1)"),
)
_PATTERNS = [(re.compile(pattern, re.MULTILINE), replacement) for pattern, replacement in _REPLACEMENTS]


def readable(text: str) -> str:
    """Return *text* with the statements of Python 2 rewritten; tabs in indents are replaced by spaces."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return "\n".join(_indented(line) for line in text.split("\n"))


def _indented(line: str) -> str:
    # In Python 2, a tab ends at the next multiple of eight columns, and an indent may contain tabs and spaces.
    bare = line.lstrip(" \t")
    return line[: len(line) - len(bare)].expandtabs(8) + bare
