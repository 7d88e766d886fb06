"""The pieces of the signature base string that a sender signed. A deviation changes these pieces."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from .._wire.percent import percent_encode_as_sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._message import Parameter

    Encode = Callable[[str], str]
    Pairs = list[tuple[str, str]]

BY_ENCODED_PAIR = "encoded pair"  # RFC 5849 section 3.4.1.3.2
BY_DECODED_PAIR = "decoded pair"
BY_JOINED_TEXT = "joined text"
BY_NAME = "name"
IGNORING_CASE = "name, ignoring case"
AS_SENT = "as sent"
PROTOCOL_FIRST = "protocol parameters, then others"
PROTOCOL_LAST = "others, then protocol parameters"
QUERY_FIRST = "query, form, header"
REDACTED = "REDACTED"  # This text has only unreserved characters, so encoding does not change it.
_SHORT = 256  # In characters. Encodings of shorter texts are cached, because the search repeats them.
_cached = lru_cache(4096)(percent_encode_as_sent)


def encode(text: str) -> str:
    """Percent-encode as section 3.6 requires. Octets that are not UTF-8 are also encoded."""
    return _cached(text) if len(text) <= _SHORT else percent_encode_as_sent(text)


@dataclass(frozen=True, kw_only=True)
class Signed:
    """The pieces of one signature base string.

    Attributes:
        method: The signed HTTP request method.
        uri: Base string URI.
        parameters: The signed parameters, in the order in which they were sent.
        encode_name: The function that encodes each name for the normalized parameters.
        encode_value: The function that encodes each value for the normalized parameters.
        encode_part: The function that encodes method, URI and normalized parameters for the base string.
        order: The sort order of the parameters.
        encodes_uri: Whether the URI is encoded for the base string.
        encodes_parameters: Whether the normalized parameters are encoded for the base string.
        writes_equals: Whether ``=`` follows a name without a value.
    """

    method: str
    uri: str = field(repr=False)
    parameters: tuple[Parameter, ...] = field(repr=False)
    encode_name: Encode = encode
    encode_value: Encode = encode
    encode_part: Encode = encode
    order: str = BY_ENCODED_PAIR
    encodes_uri: bool = True
    encodes_parameters: bool = True
    writes_equals: bool = True

    def with_target(self, *, method: str | None = None, uri: str | None = None) -> Signed:
        """Return a copy with another method or URI. The parameters do not change, and are not encoded again."""
        changed = replace(self, method=self.method if method is None else method, uri=self.uri if uri is None else uri)
        changed.__dict__["tail"] = self.tail  # This line copies the cached value of the property `tail`.
        return changed

    def masked(self) -> Signed:
        """Return a copy for display, in which secrets are replaced."""
        return replace(self, parameters=tuple(map(_masked, self.parameters)))

    @cached_property
    def characters(self) -> frozenset[str]:
        """All characters in names and values."""
        return frozenset().union(*[each.name + each.value for each in self.parameters])

    def pairs(self) -> Pairs:
        """Return the sorted list of encoded pairs."""
        parameters = list(self.parameters)
        if self.order == BY_DECODED_PAIR:
            parameters.sort(key=lambda each: (each.name, each.value))
        elif self.order == BY_NAME:
            parameters.sort(key=lambda each: self.encode_name(each.name))
        elif self.order == IGNORING_CASE:
            parameters.sort(key=lambda each: (each.name.lower(), each.value.lower()))
        elif self.order in (PROTOCOL_FIRST, PROTOCOL_LAST):
            parameters.sort(key=lambda each: (self.encode_name(each.name), self.encode_value(each.value)))
            is_first = self.order == PROTOCOL_FIRST
            parameters.sort(key=lambda each: each.name.startswith("oauth_") is not is_first)
        elif self.order == QUERY_FIRST:
            parameters.sort(key=lambda each: {"query": 0, "form": 1}.get(each.place, 2))
        encoded = [(self.encode_name(each.name), self.encode_value(each.value)) for each in parameters]
        if self.order == BY_ENCODED_PAIR:
            encoded.sort()
        elif self.order == BY_JOINED_TEXT:
            encoded.sort(key=lambda pair: f"{pair[0]}={pair[1]}")
        return encoded

    def normalized(self) -> str:
        """Return the normalized request parameters."""
        return "&".join(
            [name if not value and not self.writes_equals else f"{name}={value}" for name, value in self.pairs()]
        )

    @property
    def has_tail(self) -> bool:
        """Whether :attr:`tail` has been computed. This computation takes most of the time of :meth:`base_string`."""
        return "tail" in self.__dict__

    @cached_property
    def tail(self) -> str:
        """The normalized request parameters, encoded for the base string."""
        return self.encode_part(self.normalized()) if self.encodes_parameters else self.normalized()

    def base_string(self) -> str:
        """Return the signature base string."""
        uri = self.encode_part(self.uri) if self.encodes_uri else self.uri
        return f"{self.encode_part(self.method)}&{uri}&{self.tail}"


def _masked(each: Parameter) -> Parameter:
    if each.is_loose:
        return replace(each, name=REDACTED, value=REDACTED)
    return replace(each, value=REDACTED) if each.is_secret else each


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One difference between the signed request and the request that was sent.

    Attributes:
        key: Stable name: the key of a mistake in the catalogue.
        change: A function that returns the signed pieces with the deviation, or None if the deviation does not apply.
        sentence: A sentence for people about the deviation; ``""`` for the meaning in the catalogue.
    """

    key: str
    change: Callable[[Signed], Signed | None] = field(repr=False)
    sentence: str = ""
