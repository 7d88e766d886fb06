"""Access to header fields in a dict whose keys are field names: text or bytes, in upper or lower case."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any


class Fields(MutableMapping[str, Any]):
    """A case-insensitive view of a dict of header fields.

    Values are returned as text. If a field is set, all other spellings of its name are removed from the dict.

    Args:
        raw: The dict. A change of the view also changes this dict.

    Attributes:
        raw: The argument *raw*.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: dict[Any, Any]) -> None:
        self.raw = raw

    def spellings(self, name: str) -> list[Any]:
        """Return all keys of the dict that equal *name* if case is ignored."""
        name = name.lower()
        return [key for key in self.raw if (key if type(key) is str else text_of(key)).lower() == name]

    def discard(self, *names: str) -> None:
        """Remove the fields with these names, if the fields exist."""
        wanted = [name.lower() for name in names]
        for key in [key for key in self.raw if text_of(key).lower() in wanted]:
            del self.raw[key]

    def __getitem__(self, name: str) -> str:
        value = self.get(name, None)
        if value is None:
            raise KeyError(name)
        return str(value)

    def get(self, name: str, default: Any = "") -> Any:
        """Return the value of a field, or *default* if the field does not exist."""
        name = name.lower()
        for key, value in self.raw.items():
            if (key if type(key) is str else text_of(key)).lower() == name:
                return value if type(value) is str else text_of(value)
        return default

    def __setitem__(self, name: str, value: Any) -> None:
        self.discard(name)
        self.raw[name] = value

    def __delitem__(self, name: str) -> None:
        self.discard(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([text_of(key).lower() for key in self.raw]))

    def __len__(self) -> int:
        return len(list(iter(self)))


def text_of(value: object) -> str:
    """Return a field name or value as text."""
    if isinstance(value, str):
        return value
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
