"""OAuth 1.0a, RFC 5849: sign requests, verify requests, host a provider.

A program that was written for python-oauth2 1.9 can still use ``import oauth2 as oauth``. ``Client`` and the RSA
methods are loaded on first use. Therefore a server that sends no requests loads no HTTP client, and a program that does
not use RSA does not load the library ``cryptography``.
"""

from ._generate import generate_nonce, generate_timestamp, generate_verifier
from ._methods import MODULES as _MODULES
from ._methods import class_name as _class_name
from ._version import __version__
from ._wire.constants import OAUTH_VERSION
from ._wire.header import build_authenticate_header
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
from .request import HTTP_METHOD, SIGNATURE_METHOD, Request, build_xoauth_string
from .server import Server
from .signature import SignatureMethod

TYPE_CHECKING = False
if TYPE_CHECKING:
    import httplib2

    from .client import Client
    from .rsa import SignatureMethod_RSA_SHA1, SignatureMethod_RSA_SHA256, SignatureMethod_RSA_SHA512
    from .signature import (
        SignatureMethod_HMAC_SHA1,
        SignatureMethod_HMAC_SHA256,
        SignatureMethod_HMAC_SHA512,
        SignatureMethod_PLAINTEXT,
        SignatureMethod_PLAINTEXT_OVER_HTTP,
    )
else:

    def __getattr__(name):
        # Type checkers must not see this function. A module with __getattr__() may have any attribute, so a type
        # checker would accept every misspelt name.
        module = "_compat" if name in _OF_1_9 else _ON_FIRST_USE.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f".{module}", __name__), name)
        return value


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

_ON_FIRST_USE = {"Client": "client", "httplib2": "client"}
for _name, _module in _MODULES.items():
    _ON_FIRST_USE[_class_name(_name)] = _module

# The module oauth2 of python-oauth2 1.9 imports these names, so existing programs can import them from oauth2.
_OF_1_9 = frozenset(
    """
    PY3 TEXT b base64 binascii hmac parse_qs quote random sha1 time u unquote unquote_to_bytes urlencode urlparse
    urlsplit urlunparse urlunsplit
    """.split()  # noqa: SIM905 - a list would need one line for each name
)


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_FIRST_USE})
