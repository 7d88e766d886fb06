"""The evidence for a deviation: the piece that RFC 5849 requires, and the different piece that the sender signed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ._finding import Evidence
from ._their_words import compare

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._secrets import Secrets
    from ._signed import Pairs, Signed

_MAX_SHOWN = 2_000  # Maximum number of characters of a piece. The end of a longer piece is not shown.


def evidence_of(arrived: Signed, signed: Signed, secrets: Secrets) -> Evidence | None:
    """Return the first piece in which two base strings differ, without secrets; None if the base strings are equal."""
    arrived, signed = arrived.masked(), signed.masked()
    if arrived.method != signed.method:
        return _evidence("method", arrived.method, signed.method, secrets)
    if arrived.uri != signed.uri:
        return _evidence("base string URI", arrived.uri, signed.uri, secrets)
    before, after = arrived.pairs(), signed.pairs()
    if sorted(before) != sorted(after):
        before, after = _without_common(before, after), _without_common(after, before)
    if before != after:
        return _evidence("parameters", _joined(before), _joined(after), secrets)
    found = compare(arrived.base_string(), signed.base_string(), secrets)
    return None if found is None else Evidence(piece="base string", arrived=found.ours, signed=found.theirs)


def _without_common(pairs: Pairs, others: Pairs) -> Pairs:
    return list((Counter(pairs) - Counter(others)).elements())


def _joined(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs)


def _evidence(piece: str, arrived: str, signed: str, secrets: Secrets) -> Evidence:
    return Evidence(piece=piece, arrived=_shown(arrived, secrets), signed=_shown(signed, secrets))


def _shown(text: str, secrets: Secrets) -> str:
    text = secrets.hide(text)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
