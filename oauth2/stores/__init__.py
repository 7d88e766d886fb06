"""What a server and a provider remember: the protocols, and :class:`MemoryStore`.

A :class:`~oauth2.server.Server` needs a :class:`NonceStore`; a
:class:`~oauth2.provider.Provider` needs them all, in one store or combined.
"""

from .cipher import Cipher
from .combined import CombinedStore
from .memory import MemoryStore
from .nonces import nonce_digest, oldest_kept
from .protocols import ConsumerStore, CredentialStore, NonceStore, ProviderStore, TemporaryStore, TokenStore
from .records import ClientCredentials, TemporaryCredentials, TokenCredentials

__all__ = [
    "Cipher",
    "ClientCredentials",
    "CombinedStore",
    "ConsumerStore",
    "CredentialStore",
    "MemoryStore",
    "NonceStore",
    "ProviderStore",
    "TemporaryCredentials",
    "TemporaryStore",
    "TokenCredentials",
    "TokenStore",
    "nonce_digest",
    "oldest_kept",
]
