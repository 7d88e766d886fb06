"""The search: sign again with one deviation, then with two, until the result is the signature that was sent."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from ._checks import ONE, TWO, UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ._checks import Check
    from ._signed import Deviation, Signed
    from ._writings import Mistakes

# The search uses estimated costs instead of measured times. Therefore a diagnosis does not depend on the machine or on
# its load.
_BUDGET = 2_000_000_000  # In nanoseconds: when the search has used this budget, it ends, even if it is not complete.
# The checks of the right base string may use at most 1/_SHARE of the remaining budget. The other checks use the rest.
_SHARE = 4
# In nanoseconds: the estimated cost of making a base string.
_EACH_TEXT, _EACH_PARAMETER, _EACH_OCTET = 5_000, 1_500, 25
_EACH_CHANGE, _EACH_OCTET_CHANGED = 500, 5  # In nanoseconds: the estimated cost of changing the parameters.


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A combination of deviations and mistakes that reproduces the signature that was sent.

    Attributes:
        signed: The pieces of the base string that was signed.
        deviations: The deviations from RFC 5849 in *signed*.
        mistakes: The mistakes in the key, in the hash, and in the notation of the signature.
        family: The family of the method that made the signature, such as "HMAC".
    """

    signed: Signed
    deviations: tuple[Deviation, ...]
    mistakes: Mistakes
    family: str


@dataclass(slots=True)
class Search:
    """A search, and its result.

    Attributes:
        tried: Number of base strings that were tried.
        match: The first match, or None.
        is_complete: Whether each deviation and each pair of deviations that a check covers was tried.
    """

    tried: int = 0
    match: Match | None = None
    is_complete: bool = True
    _left: int = _BUDGET
    _size: int = 0

    def run(self, right: Signed, deviations: Sequence[Deviation], checks: Sequence[Check]) -> Search:
        """Search for a match, and return this object.

        Args:
            right: The pieces that RFC 5849 requires.
            deviations: The known deviations. The search tries each deviation, and then each pair of deviations.
            checks: The checks that compare each base string with the signature.
        """
        self._size = len(self._text(right))
        for signed, text, applied in self._candidates(right, deviations, max(check.most for check in checks)):
            octets = text.encode("utf-8", "surrogateescape")
            some = [check for check in checks if len(applied) <= check.most]
            level = self._level(len(applied), len(octets), some, len(deviations) if applied else _SHARE)
            self.tried += 1
            self._left -= _cost(len(octets), level, some)
            for check in some:
                mistakes = check.find(octets, level)
                if mistakes is not None:
                    self.match = Match(signed=signed, deviations=applied, mistakes=mistakes, family=check.family)
                    return self
        return self

    def _level(self, deviations: int, size: int, checks: Sequence[Check], texts: int) -> int:
        # A long text is tried with fewer keys, so that the budget is sufficient for all texts.
        levels = (UNCHANGED, ONE, TWO)[deviations:]
        return next((level for level in levels if _cost(size, level, checks) * texts <= self._left), TWO)

    def _candidates(
        self, right: Signed, deviations: Sequence[Deviation], most: int
    ) -> Iterator[tuple[Signed, str, tuple[Deviation, ...]]]:
        yield right, right.base_string(), ()
        singles: list[tuple[Deviation, Signed | None]] = []
        seen = {hash(right.base_string())}
        for deviation in deviations if most >= ONE else ():
            if self._left <= 0:
                break
            signed = self._changed(deviation, right)
            singles.append((deviation, signed))
            if signed is not None:
                text = self._text(signed)
                if hash(text) not in seen:
                    seen.add(hash(text))
                    yield signed, text, (deviation,)
        for (first, one), (second, other) in combinations(singles if most >= TWO else (), 2):
            if self._left <= 0:
                break
            # A deviation that does not change the right base string may change a base string with another deviation.
            if one is not None:
                signed = self._changed(second, one)
            else:
                signed = None if other is None else self._changed(first, other)
            if signed is not None:
                yield signed, self._text(signed), (first, second)
        self.is_complete = self._left > 0

    def _changed(self, deviation: Deviation, signed: Signed) -> Signed | None:
        changed = deviation.change(signed)
        self._left -= _EACH_CHANGE
        if changed is None or not changed.has_tail:
            self._left -= _EACH_OCTET_CHANGED * self._size
        return changed

    def _text(self, signed: Signed) -> str:
        has_tail, text = signed.has_tail, signed.base_string()
        self._left -= _EACH_TEXT
        if not has_tail:
            self._left -= _EACH_PARAMETER * len(signed.parameters) + _EACH_OCTET * len(text)
        return text


def _cost(size: int, level: int, checks: Sequence[Check]) -> int:
    return sum(check.cost(size, level) for check in checks)
