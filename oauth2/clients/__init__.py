"""Sign the requests of other HTTP libraries. For each library, this package has a module with a class ``OAuth1``."""

from .._sending.signer import ORIGIN, Placement, Realm, SigningOptions
from ._oauth1 import BaseOAuth1

__all__ = ["ORIGIN", "BaseOAuth1", "Placement", "Realm", "SigningOptions"]
