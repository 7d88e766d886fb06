"""The options of all HTTP clients, such as credentials, signature method and placement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypedDict

from .._checks import are_credentials
from .._wire.header import quote_realm
from ..clock import ClientClock, Clock
from ..credentials import Credentials
from ..signature import SignatureMethod, SignatureMethod_HMAC_SHA1
from .record import Record, Sent

HEADER: Final = "header"
QUERY: Final = "query"
BODY: Final = "body"

#: The place of all protocol parameters of a request (RFC 5849 section 3.5).
Placement = Literal["header", "query", "body"]


class Origin:
    """Type of :data:`ORIGIN`."""

    def __repr__(self) -> str:
        return "scheme and host"


#: A value for the option *realm*: the realm of each request is the scheme and host of its URL.
ORIGIN: Final = Origin()

#: The realm of the Authorization header: a fixed text, a function, :data:`ORIGIN`, or None for no realm. The function
#: is called with the URL without protocol parameters, and must return the realm.
Realm = str | Callable[[str], str] | Origin | None


class SigningOptions(TypedDict, total=False):
    """Keyword arguments for signing, which each class ``OAuth1`` accepts; see :class:`~oauth2.clients.BaseOAuth1`."""

    signature_method: SignatureMethod | None
    placement: Placement | None
    realm: Realm
    body_hash: bool
    clock: ClientClock | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The credentials and the options for signing requests.

    Attributes:
        consumer: Client credentials.
        token: Token credentials; None or a false value if there is no token.
        signature_method: The signature method.
        placement: The place of the protocol parameters. With None, the place depends on the request, as in
            python-oauth2 1.9. If the body is a form, the place is the body. Otherwise the place is the query for a GET,
            and the header for any other HTTP method.
        realm: The realm of the Authorization header.
        body_hash: Whether to send ``oauth_body_hash``. If the body is a form, the client never sends
            ``oauth_body_hash``. A GET, HEAD, DELETE or OPTIONS request without a body also has no ``oauth_body_hash``,
            unless ``hashes_no_body`` of *signature_method* is True.
        clock: The clock for timestamps. The client corrects this clock if a service refuses a timestamp.
        record: The record of the last signed request.
        on_refusal: A function that is called for a 401 response, and for a 400 or 403 response with an
            ``oauth_problem``.

    Raises:
        TypeError: *signature_method* is not a SignatureMethod.
        ValueError: Another argument is not valid.
    """

    consumer: Credentials = field(repr=False)
    token: Credentials | None = field(default=None, repr=False)
    signature_method: SignatureMethod = field(default_factory=SignatureMethod_HMAC_SHA1)
    placement: Placement | None = HEADER
    realm: Realm = None
    body_hash: bool = True
    clock: ClientClock = field(default_factory=Clock)
    record: Record = field(default_factory=Record, repr=False, compare=False)
    on_refusal: Callable[[Signer, Sent], object] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not are_credentials(self.consumer):
            raise ValueError("consumer: must be an object with key and secret")
        if self.token and not are_credentials(self.token):
            raise ValueError("token: must be None or an object with key and secret")
        if not isinstance(self.signature_method, SignatureMethod):
            raise TypeError("signature_method: must be a SignatureMethod instance")
        require_options(self.placement, self.realm, self.clock)


def require_options(placement: object, realm: object, clock: object) -> None:
    """Check the options *placement*, *realm* and *clock*.

    Raises:
        ValueError: An option is not valid; the message starts with the name of the option.
    """
    if placement not in (None, HEADER, QUERY, BODY):
        raise ValueError('placement: must be "header", "query", "body" or None')
    if isinstance(realm, str):
        quote_realm(realm)  # quote_realm() raises an error for a control character.
    elif isinstance(realm, type) or not (realm is None or isinstance(realm, Origin) or callable(realm)):
        raise ValueError("realm: must be str, a function of the URL, ORIGIN or None")
    if isinstance(clock, type) or not (hasattr(clock, "now") and hasattr(clock, "set")):
        raise ValueError("clock: must be an object with now() and set(), such as oauth2.clock.Clock()")
