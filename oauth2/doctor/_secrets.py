"""Remove secrets from the texts that a diagnosis shows."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING

from ._signed import REDACTED, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHORT = 4  # In characters. A shorter secret is replaced only if it is a whole value.
_MAX_SHOWN = 1 << 16  # Maximum number of characters of a text; the end of a longer text is not shown.
_ENCODINGS = 5  # A base string adds two encodings to a value. A mistake of the sender can add further encodings.
# In characters. For a secret of at least this length, its base64, lower-case and upper-case forms are also replaced.
_LONG = 6
_WORDS = "secret|passw|pwd|access_token|api_?key|oauth_verifier|session_handle"
_SECRET_NAME = re.compile(rf"{_WORDS}|^(?:oauth_?)?signature$", re.IGNORECASE)
# The pattern matches a parameter with a confidential value in a query, a form or a base string. The value ends before
# the next "&" or encoded "&".
_NAMED = re.compile(
    rf"((?:{_WORDS})[^=&%\s]{{0,64}}(?:=|%3D|%253D)|\b(?:oauth_?)?signature(?:=|%3D|%253D))(?:(?!&|%26|%2526)\S)+",
    re.IGNORECASE,
)


class Secrets:
    """A set of secrets, and all forms in which a request can contain these secrets."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = tuple(texts)
        forms = {form for text in self._texts for form in _forms(text)}
        self._longest = max(map(len, forms), default=0)
        # The key of the dict is the start of a secret, so that a text is read only once, even for many secrets.
        self._starts: dict[str, list[str]] = {}
        for form in sorted(forms, key=len, reverse=True):
            if len(form) >= _SHORT:
                self._starts.setdefault(form[:_SHORT], []).append(form)
        self._split_starts = frozenset(map(tuple, self._starts))
        short = "|".join(sorted((re.escape(form) for form in forms if len(form) < _SHORT), key=len, reverse=True))
        # A percent-encoded character before the secret counts as a separator: %3D is "=" encoded once, %253D twice.
        start = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=%25[0-9A-Fa-f]{2}))"
        self._short = re.compile(rf"{start}(?:{short})(?![A-Za-z0-9])") if short else None

    def also(self, texts: Iterable[str]) -> Secrets:
        """Return a copy. In the copy, each of *texts* with at least four characters is also a secret."""
        return Secrets([*self._texts, *[text for text in texts if len(text) >= _SHORT]])

    def are_in(self, name: str, value: str) -> bool:
        """Return whether the value of a parameter must not be shown."""
        return bool(_SECRET_NAME.search(name)) or self._replaced(value) != value

    def hide(self, text: str) -> str:
        """Return *text* without secrets. The end of a long text is removed."""
        if len(text) <= _MAX_SHOWN:
            return self._replaced(text)
        # The text may be cut inside a secret, and the start of this secret is not replaced. Therefore the end of the
        # text is removed.
        shown = self._replaced(text[: _MAX_SHOWN + self._longest])
        return f"{shown[: len(shown) - self._longest]}..."

    def hide_cut(self, text: str) -> str:
        """Return *text* without secrets. The remaining part of a secret that was cut at an ellipsis is also removed."""
        *parts, last = self.hide(text).split("...")
        return "...".join([*map(self._without_start, parts), last])

    def _without_start(self, text: str) -> str:
        """Return *text*. If *text* ends with the start of a secret, a placeholder replaces this start."""
        for at in range(max(0, len(text) - self._longest), len(text) - _SHORT + 1):
            end = text[at:]
            if any(form.startswith(end) for form in self._starts.get(end[:_SHORT], ())):
                return text[:at] + REDACTED
        return text

    def _replaced(self, text: str) -> str:
        # Fast path: most texts contain no secret.
        if not self._split_starts.isdisjoint(zip(*[text[at:] for at in range(_SHORT)], strict=False)):
            pieces, at = [], 0
            for start, end in self._spans(text):
                pieces += [text[at:start], REDACTED]
                at = end
            text = "".join([*pieces, text[at:]])
        text = _NAMED.sub(rf"\1{REDACTED}", text)
        return self._short.sub(REDACTED, text) if self._short else text

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield start and end of each secret in *text*; overlapping secrets are joined."""
        start = end = 0
        for at in range(len(text) - _SHORT + 1):
            if at > end > start:
                yield start, end
                start = end = at
            forms = self._starts.get(text[at : at + _SHORT], ())
            found = next((len(form) for form in forms if text.startswith(form, at)), 0)
            if found:
                start = start if end > start else at
                end = max(end, at + found)
        if end > start:
            yield start, end


def _base64(text: str) -> str:
    return b64encode(text.encode("utf-8", "surrogateescape")).decode()


def _forms(secret: str) -> Iterator[str]:
    texts = {secret, secret.strip()} if secret.strip() else set()
    if len(secret) >= _LONG:
        yield _base64(secret)
        texts |= {change(text) for text in texts for change in (str.lower, str.upper)}
    for text in texts:
        yield text
        for _ in range(_ENCODINGS):
            text = encode(text)
            yield text
            yield text.replace("%20", "+")
            yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)
