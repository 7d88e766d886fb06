"""Profiles of services that use OAuth 1.0a. The profiles are read from ``profiles.toml`` on first use.

>>> from oauth2 import services
>>> services.get("discogs").title
'Discogs'
"""

from ._catalogue import get, names
from ._profiles import REQUEST_URL, Service, ServiceClientOptions, ServiceOptions, read_maas_key
from ._variants import RawParameters, SecretWithoutAmpersand

__all__ = [
    "REQUEST_URL",
    "RawParameters",
    "SecretWithoutAmpersand",
    "Service",
    "ServiceClientOptions",
    "ServiceOptions",
    "get",
    "names",
    "read_maas_key",
]
