"""The signature method in ``oauth_signature_method``.

This module also finds the mistakes in this parameter: a misspelt name, or the name of a method that did not make the
signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._hashes import hash_name
from .._methods import family, sent_names
from ._parameters import shortened

if TYPE_CHECKING:
    from ._message import Message
    from ._writings import Mistakes

PLAINTEXT = "PLAINTEXT"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedMethod:
    """The signature method in ``oauth_signature_method``.

    Attributes:
        sent: The value of ``oauth_signature_method``; ``""`` if the parameter is missing.
        meant: The name of a signature method of this package that is equal or similar to *sent*; ``""`` if no name is
            similar; "HMAC-SHA1" if the parameter is missing.
        is_over_http: Whether the request was sent over http.
    """

    sent: str
    meant: str
    is_over_http: bool = False

    @property
    def family(self) -> str:
        """The family of the method: "HMAC", "RSA" or "PLAINTEXT"; "HMAC" if the parameter is missing."""
        found = family(self.meant or self.sent.upper())
        return found if found in ("RSA", PLAINTEXT) else "HMAC"

    @property
    def hash_name(self) -> str:
        """The hash of the method, as :mod:`hashlib` names it; "sha1" if the name contains no known hash."""
        return hash_name(self.meant or _bare(self.sent)) or "sha1"

    def mistakes(self, used: str) -> Mistakes:
        """Return the mistakes in ``oauth_signature_method``, if the signature was made with the method *used*."""
        if not self.sent:
            return ()
        if not self.meant:
            return ((self._unknown(used), f"{self.sentence}, and the signature was made with {used}."),)
        name = () if self.is_exact else (("signature-method-name", f"{self.sentence}, not {self.meant!r}."),)
        if used == self.meant:
            return name
        names = f"but the method in the request is {self.meant}."
        if family(used) == self.family:
            return (*name, ("other-hash", f"The signature was made with {used}, {names}"))
        other = f"The signature was made with {used}, {names}"
        if used != PLAINTEXT:
            return (*name, ("other-method", other))
        covers = f"{other} A PLAINTEXT signature covers no parameters, so it cannot show mistakes in parameters."
        over_http = (("plaintext-over-http", ""),) if self.is_over_http else ()
        return (*name, ("other-method", covers), *over_http)

    @property
    def is_exact(self) -> bool:
        """Whether the name is spelt correctly."""
        return self.sent == self.meant

    @property
    def sentence(self) -> str:
        """The start of a sentence about the name that was sent."""
        return f"oauth_signature_method is {shortened(self.sent)!r}"

    def _unknown(self, used: str) -> str:
        is_part = used in sent_names() and _bare(self.sent) in _bare(used)
        return "signature-method-name" if is_part else "signature-method-unknown"


def named_method(message: Message) -> NamedMethod:
    """Return the signature method in ``oauth_signature_method`` of *message*."""
    sent = message.first("oauth_signature_method") or ""
    meant = {_bare(name): name for name in sent_names()}.get(_bare(sent or "HMAC-SHA1"), "")
    return NamedMethod(sent=sent, meant=meant, is_over_http=message.url.lower().startswith("http:"))


def _bare(name: str) -> str:
    return name.upper().replace("-", "").replace("_", "").replace(" ", "")
