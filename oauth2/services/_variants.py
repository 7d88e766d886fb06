"""Signature methods for services that deviate from RFC 5849.

Use these methods only for the services that require them. A server that follows RFC 5849 refuses these signatures.
"""

from __future__ import annotations

from typing import Any

from .._wire.form import query_of
from .._wire.percent import percent_decode_as_sent, percent_encode_as_sent
from ..credentials import Credentials
from ..encoding import to_unicode
from ..rsa import SignatureMethod_RSA_SHA256
from ..signature import SignableRequest, SignatureMethod_HMAC_SHA256


class RawParameters(SignatureMethod_RSA_SHA256):
    """RSA-SHA256 for Mastercard and Settlex. This variant deviates from RFC 5849 sections 3.4.1.3.2 and 3.6.

    In the normalized request parameters, the protocol parameters, including ``oauth_body_hash``, are not
    percent-encoded. In the base string, these parameters are therefore percent-encoded once instead of twice. If the
    query contains no escape, its parameters are also percent-encoded only once. A ``+`` in the query is a plus sign. A
    form body is not signed. Some services require the hash of the empty body with a GET request.
    """

    hashes_no_body = True

    def signing_base(
        self, request: SignableRequest, consumer: Credentials, token: Credentials | None
    ) -> tuple[bytes, bytes]:
        """Return ``b""`` as the key, because RSA uses no shared secret; and the signature base string as ASCII."""
        made: Any = request  # The argument must be a Request, because this method reads its decoded parameters.
        query = query_of(made.url)
        pairs = [segment.partition("=")[::2] for segment in query.split("&") if segment]
        if "%" in query:
            pairs = [(_encoded_once(name), _encoded_once(value)) for name, value in pairs]
        pairs += [pair for pair in made.protocol_pairs() if pair[0] != "oauth_signature"]
        normalized = "&".join([f"{name}={value}" for name, value in sorted(pairs)])
        text = "&".join(map(percent_encode_as_sent, (request.method, request.normalized_url or "", normalized)))
        return b"", text.encode("ascii")


class SecretWithoutAmpersand(SignatureMethod_HMAC_SHA256):
    """HMAC-SHA256 for the legacy API of WooCommerce. This variant deviates from RFC 5849 section 3.4.2.

    The signing key is only the client secret, without percent-encoding and without ``&``.
    """

    def signing_base(
        self, request: SignableRequest, consumer: Credentials, token: Credentials | None
    ) -> tuple[bytes, bytes]:
        """Return the key as UTF-8 bytes, and the signature base string as ASCII bytes."""
        _, text = super().signing_base(request, consumer, token)
        return to_unicode(consumer.secret).encode(), text


def _encoded_once(text: str) -> str:
    return percent_encode_as_sent(percent_decode_as_sent(text))
