"""``oauth_body_hash`` (Request Body Hash extension): a client sets this parameter, and a server checks it."""

from __future__ import annotations

from functools import lru_cache

from ._typing import Any, Protocol
from ._wire.percent import percent_encode
from ._wire.text import constant_time_equal, to_text
from .errors import BodyHashInvalid, ParameterAbsent
from .parameters import BinaryFile, body_hash
from .signature import body_digest

_NAMES = {"sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
# Key: the length of the base64 text. Value: the name of the hash function. The parameter contains only the hash, so the
# server recognizes the hash function by the length.
_DIGESTS = {28: "sha1", 44: "sha256", 64: "sha384", 88: "sha512"}
_UNKNOWN_BODY = "oauth_body_hash cannot be checked. Pass body= to Request.from_request()."


class Policy(Protocol):
    """The requirements of a server; :class:`~oauth2.server.Server` describes the attributes."""

    body_hash_required: bool
    sha1_body_hash_allowed: bool


class HashedRequest(Protocol):
    """The attributes and methods of a :class:`~oauth2.request.Request` that this module uses."""

    body: Any
    is_form_encoded: bool

    def get(self, name: str, /) -> Any:
        """Return a parameter, or None."""
        ...


def hash_of(body: bytes | str | BinaryFile, method_name: str) -> tuple[bytes, str]:
    """Return the hash of *body* in two forms: the base64 text as bytes, and the same text percent-encoded.

    The name of the signature method determines the hash function.
    """
    hashed = body_hash(body.encode() if isinstance(body, str) else body, body_digest(method_name))
    return hashed.encode("ascii"), percent_encode(hashed)


@lru_cache
def hash_of_no_body(method_name: str) -> tuple[bytes, str]:
    """Return the result of :func:`hash_of` for an empty body."""
    # The result is cached, because most requests have no body.
    return hash_of(b"", method_name)


def check_body_hash(request: HashedRequest, method_name: str, policy: Policy) -> None:
    """Check ``oauth_body_hash``. If this parameter is missing, check that *policy* allows the request without it.

    Args:
        request: A request whose signature has been verified.
        method_name: Name of the signature method.
        policy: The requirements of the server.

    Raises:
        Error: The hash is wrong, or *policy* requires a hash and the request has none.
    """
    if policy.body_hash_required and request.body is None and not request.is_form_encoded:
        raise BodyHashInvalid(_UNKNOWN_BODY)
    given = request.get("oauth_body_hash")
    if given is None:
        if policy.body_hash_required and request.body and not request.is_form_encoded:
            raise ParameterAbsent("Missing oauth_body_hash.")
        return
    octets, expected = to_text(given).encode(), body_digest(method_name)
    sent = _DIGESTS.get(len(octets), expected)
    is_allowed = sent == expected or (sent == "sha1" and _allows_sha1(request, policy))
    if is_allowed and _is_hash(octets, request.body, sent):
        return
    # A form should have no body hash, because the signature covers the form. python-oauth2 sends the hash of an empty
    # body with a form, so the server also accepts the hash of an empty body.
    if is_allowed and request.is_form_encoded and _is_hash(octets, b"", sent):
        return
    if request.body is None:
        raise BodyHashInvalid(_UNKNOWN_BODY)
    if not is_allowed and _is_hash(octets, request.body, sent):
        raise BodyHashInvalid(
            f"oauth_body_hash is the {_NAMES[sent]} of the body. Send the {_NAMES[expected]} with {method_name}."
        )
    raise BodyHashInvalid("oauth_body_hash does not match the body.")


def _allows_sha1(request: HashedRequest, policy: Policy) -> bool:
    # If there is no body, the body hash protects nothing. If the body is a form, the signature protects the form, so
    # the body hash is not needed. In these two cases a weak hash function is not a security problem.
    return policy.sha1_body_hash_allowed or request.is_form_encoded or not request.body


def _is_hash(given: bytes, body: Any, digest: str) -> bool:
    octets = body.encode() if isinstance(body, str) else body or b""
    return constant_time_equal()(body_hash(octets, digest).encode(), given)
