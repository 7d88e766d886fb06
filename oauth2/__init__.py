"""OAuth 1.0a, RFC 5849: sign requests, verify requests, host a provider.

``import oauth2 as oauth`` works as with python-oauth2 1.9. ``Client`` and the
RSA methods are loaded on first use, so that a server which makes no call does
not pay for an HTTP client, nor one without RSA for cryptography.
"""

from ._version import __version__
from .credentials import Consumer, Token
from .encoding import (
    STRING_TYPES,
    escape,
    to_unicode,
    to_unicode_if_string,
    to_unicode_optional_iterator,
    to_utf8,
    to_utf8_if_string,
    to_utf8_optional_iterator,
)
from .errors import Error, MissingSignature
from .generate import generate_nonce, generate_timestamp, generate_verifier
from .parameters import build_authenticate_header
from .request import HTTP_METHOD, OAUTH_VERSION, SIGNATURE_METHOD, Request, build_xoauth_string
from .server import Server
from .signature import (
    SignatureMethod,
    SignatureMethod_HMAC_SHA1,
    SignatureMethod_HMAC_SHA256,
    SignatureMethod_HMAC_SHA512,
    SignatureMethod_PLAINTEXT,
    SignatureMethod_PLAINTEXT_OVER_HTTP,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import httplib2

    from .client import Client
    from .rsa import SignatureMethod_RSA_SHA1, SignatureMethod_RSA_SHA256, SignatureMethod_RSA_SHA512

__all__ = [
    "HTTP_METHOD",
    "OAUTH_VERSION",
    "SIGNATURE_METHOD",
    "STRING_TYPES",
    "Client",
    "Consumer",
    "Error",
    "MissingSignature",
    "Request",
    "Server",
    "SignatureMethod",
    "SignatureMethod_HMAC_SHA1",
    "SignatureMethod_HMAC_SHA256",
    "SignatureMethod_HMAC_SHA512",
    "SignatureMethod_PLAINTEXT",
    "SignatureMethod_PLAINTEXT_OVER_HTTP",
    "SignatureMethod_RSA_SHA1",
    "SignatureMethod_RSA_SHA256",
    "SignatureMethod_RSA_SHA512",
    "Token",
    "__version__",
    "build_authenticate_header",
    "build_xoauth_string",
    "escape",
    "generate_nonce",
    "generate_timestamp",
    "generate_verifier",
    "httplib2",
    "to_unicode",
    "to_unicode_if_string",
    "to_unicode_optional_iterator",
    "to_utf8",
    "to_utf8_if_string",
    "to_utf8_optional_iterator",
]

_ON_FIRST_USE = {
    "Client": ".client",
    "httplib2": ".client",
    "SignatureMethod_RSA_SHA1": ".rsa",
    "SignatureMethod_RSA_SHA256": ".rsa",
    "SignatureMethod_RSA_SHA512": ".rsa",
}


def __getattr__(name: str) -> "Any":
    module = _ON_FIRST_USE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(module, __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_FIRST_USE})
