"""Storage for servers and providers: the store protocols, the records, and :class:`MemoryStore`.

A :class:`~oauth2.server.Server` needs a :class:`NonceStore`. A
:class:`~oauth2.provider.Provider` needs a :class:`ProviderStore`: one store for
all records, or several stores in a :class:`CombinedStore`.
"""

from .async_protocols import (
    AsyncConsumerStore,
    AsyncCredentialStore,
    AsyncListingStore,
    AsyncNonceStore,
    AsyncProviderStore,
    AsyncStore,
    AsyncTemporaryStore,
    AsyncTokenStore,
)
from .cipher import Cipher
from .combined import CombinedStore
from .memory import MemoryStore
from .nonces import nonce_digest, oldest_kept
from .protocols import (
    ConsumerStore,
    CredentialStore,
    ListingStore,
    NonceStore,
    ProviderStore,
    Store,
    TemporaryStore,
    TokenStore,
)
from .records import ClientCredentials, TemporaryCredentials, TokenCredentials, is_valid_key

__all__ = [
    "AsyncConsumerStore",
    "AsyncCredentialStore",
    "AsyncListingStore",
    "AsyncNonceStore",
    "AsyncProviderStore",
    "AsyncStore",
    "AsyncTemporaryStore",
    "AsyncTokenStore",
    "Cipher",
    "ClientCredentials",
    "CombinedStore",
    "ConsumerStore",
    "CredentialStore",
    "ListingStore",
    "MemoryStore",
    "NonceStore",
    "ProviderStore",
    "Store",
    "TemporaryCredentials",
    "TemporaryStore",
    "TokenCredentials",
    "TokenStore",
    "is_valid_key",
    "nonce_digest",
    "oldest_kept",
]
