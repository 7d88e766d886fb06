"""Tools for testing programs that use OAuth 1.0a.

The tools are a pytest plugin, matchers for libraries that record requests, and contracts: classes of tests for stores.
The plugin needs no import, because pytest finds its fixtures by the entry point ``pytest11``. Only the plugin and the
contracts need pytest.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .arrival import Arrival
    from .credential_contract import CredentialStoreContract
    from .faults import Faults
    from .frozen import FixedNonces, FrozenClock
    from .listing_contract import ListingStoreContract
    from .nonce_contract import NonceStoreContract
    from .provider_contract import ProviderStoreContract
    from .recorders import RequestMatcher, prepare_responses, prepare_vcr
    from .service import StrictService
    from .temporary_contract import TemporaryStoreContract
else:

    def __getattr__(name):
        # If this package is installed, every start of pytest imports the package. Its modules are loaded on first use,
        # so that pytest starts fast.
        module = _ON_FIRST_USE.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if module.endswith("_contract"):
            # The module _contract registers the contracts, so that pytest rewrites their assert statements.
            import_module("._contract", __name__)
        value = globals()[name] = getattr(import_module(f".{module}", __name__), name)
        return value


__all__ = [
    "Arrival",
    "CredentialStoreContract",
    "Faults",
    "FixedNonces",
    "FrozenClock",
    "ListingStoreContract",
    "NonceStoreContract",
    "ProviderStoreContract",
    "RequestMatcher",
    "StrictService",
    "TemporaryStoreContract",
    "prepare_responses",
    "prepare_vcr",
]

_ON_FIRST_USE = {
    "Arrival": "arrival",
    "CredentialStoreContract": "credential_contract",
    "Faults": "faults",
    "FixedNonces": "frozen",
    "FrozenClock": "frozen",
    "ListingStoreContract": "listing_contract",
    "NonceStoreContract": "nonce_contract",
    "ProviderStoreContract": "provider_contract",
    "RequestMatcher": "recorders",
    "StrictService": "service",
    "TemporaryStoreContract": "temporary_contract",
    "prepare_responses": "recorders",
    "prepare_vcr": "recorders",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_FIRST_USE})
