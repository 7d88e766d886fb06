"""A snapshot of a request's parameters with their encoded form, so that the parameters are encoded only once."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Snapshot:
    """The parameters of a request at one moment, with their encoded form.

    A snapshot is a cache for :class:`~oauth2.request.Request`. A program may change the request at any time, so every
    reader must call :meth:`is_current` first.

    Args:
        parameters: A dict of the parameters; a value is text, bytes, or a list of texts. Only the snapshot may
            change this dict.
        encoded: The encoded form of *parameters*, see :func:`~oauth2._wire.pairs.encode_pairs`; in any order.
        others: The parameters whose names do not start with ``oauth_``; None if they have not been separated yet.
    """

    __slots__ = ("encoded", "others", "parameters")

    def __init__(self, parameters: dict[str, Any], encoded: list[str], others: dict[str, Any] | None = None) -> None:
        self.parameters = parameters
        self.encoded = encoded
        self.others = others

    def is_current(self, request: dict[str, Any]) -> bool:
        """Return whether *request* still has the parameters of this snapshot."""
        return self.parameters == request

    def add(self, name: str, value: str | bytes, encoded_value: str) -> None:
        """Add a protocol parameter; the caller must also set this parameter in the request.

        A current snapshot is still current after this method and the caller have added the parameter. If the snapshot
        already has *name*, this method does nothing. The snapshot is then current only if the request has the value
        that the snapshot already has.

        Args:
            name: A name that needs no percent-encoding.
            value: The decoded value.
            encoded_value: The percent-encoded value.
        """
        if name not in self.parameters:
            self.encoded.append(f"{name} {encoded_value}")
            self.parameters[name] = value
