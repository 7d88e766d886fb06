"""Check whether a base string results in the signature that was sent: RFC 5849 sections 3.4.2 and 3.4.4.

Each check has the methods ``find(text, level)`` and ``cost(size, level)``. ``find`` checks whether the base string
*text* results in the signature that was sent, perhaps with mistakes in the key, the hash or the notation. If it does,
``find`` returns a tuple of these mistakes, which may be empty. Otherwise ``find`` returns None. ``cost`` returns the
estimated time of ``find`` in nanoseconds.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Protocol

from .._hashes import HASHES
from ._writings import readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._keys import Key
    from ._named_method import NamedMethod
    from ._writings import Mistakes

#: All hash functions that the checks try.
ALL_HASHES = (*HASHES.values(), "md5")
# The level of a base string is the number of its deviations. At a higher level, a check tries fewer keys. For a long
# base string, the search uses a higher level than the number of deviations, so that the search ends in time.
UNCHANGED, ONE, TWO = range(3)


class Check(Protocol):
    """One signature method, and the signature that was sent.

    Attributes:
        family: The group of signature methods that the check covers: "HMAC", "RSA" or "PLAINTEXT"; "" if the check
            compares base strings.
        most: The maximum number of deviations. Base strings with more deviations are not checked.
    """

    family: str
    most: int

    def find(self, text: bytes, level: int, /) -> Mistakes | None:
        """Return the mistakes with which *text* results in the signature that was sent; None if no mistakes do.

        At a higher *level*, fewer mistakes are tried.
        """
        ...

    def cost(self, size: int, level: int, /) -> int:
        """Return the estimated time of :meth:`find` for *size* octets, in nanoseconds."""
        ...


class HMACCheck:
    """A check for HMAC signatures, with all keys and hashes that a sender may have used.

    There are many base strings with two deviations. The more deviations a base string has, the fewer keys and hashes
    are tried, so that the search ends in time.
    """

    family = "HMAC"
    most = TWO

    def __init__(self, named: NamedMethod, signature: str, candidates: Sequence[Key]) -> None:
        self._written = readings(signature)
        usual = named.hash_name
        everything = [(key, name) for name in dict.fromkeys((usual, *ALL_HASHES)) for key in candidates]
        some = [(key, name) for key, name in everything if not key.mistake or name == usual]
        self._levels = [
            [(_mistakes(key, name, named), hmac.new(key.octets, digestmod=name)) for key, name in chosen]
            for chosen in (everything, some, everything[:1])
        ]

    def find(self, text: bytes, level: int) -> Mistakes | None:
        """See :meth:`Check.find`."""
        for mistakes, start in self._levels[level] if self._written else ():
            code = start.copy()
            code.update(text)
            written = self._written.get(code.digest())
            if written is not None:
                return (*mistakes, *written)
        return None

    def cost(self, size: int, level: int) -> int:
        """Return the estimated time of :meth:`find`, in nanoseconds."""
        return len(self._levels[level]) * (2_500 + 2 * size)


def _mistakes(key: Key, name: str, named: NamedMethod) -> Mistakes:
    own: Mistakes = ((key.mistake, key.sentence),) if key.mistake else ()
    return (*own, *named.mistakes(f"HMAC-{name.upper()}"))


class BaseStringCheck:
    """Compares a text with the other side's base string.

    If both are equal, the deviations in the text are proven, even without a signature.
    """

    family = ""
    most = TWO

    def __init__(self, text: str) -> None:
        self._text = text.encode("utf-8", "surrogateescape")

    def find(self, text: bytes, _level: int) -> Mistakes | None:
        """Return an empty tuple if *text* is the other side's base string, otherwise None."""
        return () if text == self._text else None

    def cost(self, _size: int, _level: int) -> int:
        """Return the estimated time of :meth:`find`, in nanoseconds."""
        return 100


class OtherMethodCheck:
    """A check for a family of signature methods to which the method in the request does not belong.

    This check is used only for base strings with at most one deviation.
    """

    def __init__(self, check: Check) -> None:
        self.family, self.most = check.family, min(check.most, ONE)
        self.find, self.cost = check.find, check.cost
