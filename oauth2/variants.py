"""Signature methods of services whose own signers deviate from RFC 5849.

For those services and no other: a verifier that follows the RFC refuses what they make.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .encoding import percent_decode_as_sent, percent_encode_as_sent, to_unicode
from .parameters import query_of
from .rsa import SignatureMethod_RSA_SHA256
from .signature import SignatureMethod_HMAC_SHA256

if TYPE_CHECKING:
    from .signature import SignableRequest


class RawParameters(SignatureMethod_RSA_SHA256):
    """RSA-SHA256 as Mastercard and Settlex sign: against sections 3.4.1.3.2 and 3.6.

    The protocol parameters, ``oauth_body_hash`` among them, stand in the normalized
    parameters as they are, so that they are encoded once in the base string and not
    twice. So do the parameters of a query that holds no escape. A ``+`` in a query
    is a plus. A form body is not signed.
    """

    def signing_base(self, request: SignableRequest, consumer: Any, token: Any) -> tuple[bytes, bytes]:
        """Return an empty key and the signature base string, ASCII."""
        made: Any = request  # a Request: what the parameters were before they were encoded
        query = query_of(made.url)
        pairs = [segment.partition("=")[::2] for segment in query.split("&") if segment]
        if "%" in query:
            pairs = [(_encoded_once(name), _encoded_once(value)) for name, value in pairs]
        pairs += [pair for pair in made.protocol_pairs() if pair[0] != "oauth_signature"]
        normalized = "&".join([f"{name}={value}" for name, value in sorted(pairs)])
        text = "&".join(map(percent_encode_as_sent, (request.method, request.normalized_url or "", normalized)))
        return b"", text.encode("ascii")


class SecretWithoutAmpersand(SignatureMethod_HMAC_SHA256):
    """HMAC-SHA256 as the legacy API of WooCommerce checks it: against section 3.4.2.

    The key is the client's secret alone, as it is.
    """

    def signing_base(self, request: SignableRequest, consumer: Any, token: Any) -> tuple[bytes, bytes]:
        """Return the key and the signature base string, ASCII."""
        text = super().signing_base(request, consumer, token)[1]
        return to_unicode(consumer.secret).encode(), text


def _encoded_once(text: str) -> str:
    return percent_encode_as_sent(percent_decode_as_sent(text))
