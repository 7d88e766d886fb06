"""The profile of a service that uses OAuth 1.0a.

A profile follows the service's documentation as it was on the day ``checked``. If ``tried`` is set, the profile was
also tested with an installation of the service's software, which ``tried`` describes. The tests did not call the public
service.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from re import fullmatch
from typing import Any, TypeVar, Unpack, cast

from .._login.endpoints import CONFIRMED, TOKEN, Endpoints, require_https
from .._methods import MODULES, method_class
from .._sending.signer import HEADER, Placement, SigningOptions
from ..client import Client, HttpOptions
from ..clients.explanation import Explanation
from ..clock import MonotonicClock
from ..credentials import Consumer, Credentials, Token
from ..signature import SignatureMethod
from ._variants import RawParameters, SecretWithoutAmpersand

#: A value for :attr:`Service.realm`: the realm of each request is its URL without the query.
REQUEST_URL = "{request_url}"

_VARIANTS: dict[str, type[SignatureMethod]] = {
    "protocol parameters as they are": RawParameters,
    "secret without ampersand": SecretWithoutAmpersand,
}
_TIMEOUT = 30.0  # In seconds. The default timeout of a Client.

AuthT = TypeVar("AuthT")


class ServiceOptions(SigningOptions, total=False):
    """Keyword arguments of :meth:`Service.oauth1`: the options of ``OAuth1``, and ``private_key``.

    An option that the caller passes replaces the option of the profile.

    Attributes:
        private_key: The key for RSA: any private key that ``SignatureMethod_RSA_SHA1`` accepts.
        on_refusal: A function that is called with the explanation of each refusal; see the documentation of ``OAuth1``.
    """

    private_key: object
    on_refusal: Callable[[Explanation], object] | None


class ServiceClientOptions(ServiceOptions, HttpOptions, total=False):
    """Keyword arguments of :meth:`Service.client`: the options of :meth:`Service.oauth1` and of ``httplib2.Http``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The profile of a service: its options for signing, and its endpoints.

    Attributes:
        name: The name of the profile, for :func:`get`.
        title: The name of the service.
        sources: URLs of the service's documentation.
        checked: The day on which the documentation was read.
        signature_methods: Names of signature methods that the service accepts. Requests are signed with the first
            method in the list.
        issuance: How a client gets a token. "three steps": with the flow of section 2. "xauth": the client exchanges a
            user's name and password for a token. "website": the service's web site shows the token. "own": with the
            service's own procedure. "none": requests are signed without a token.
        variant: The deviation of the service's signatures from RFC 5849; None if the signatures follow RFC 5849.
        placement: The place of the protocol parameters: "header", "query" or "body".
        realm: The realm of the Authorization header. None for no realm. :data:`REQUEST_URL` if the realm of each
            request is its URL without the query.
        body_hash: Whether to send ``oauth_body_hash`` with bodies that are not forms.
        empty_token: Whether to send an empty ``oauth_token`` if there is no token.
        placeholders: The placeholders that :meth:`at` replaces: a dict. Key: the placeholder. Value: "name" or "url",
            the kind of text that replaces the placeholder.
        urls: A dict. Key: the name of an endpoint. Value: its URL, which can contain placeholders.
        http_method, token_method, callback, authorize_query, confirmations: See
            :class:`~oauth2.flow.Endpoints`.
        request_parameters: Names of further parameters of the temporary credential request.
        authorize_parameters: Names of further parameters of the authorization endpoint.
        nonce_min, nonce_max: Minimum and maximum number of characters of a nonce that the service accepts. The nonces
            of this package have 22 characters.
        timestamp_window: The largest accepted difference between a timestamp and the service's clock, in seconds;
            None if unknown.
        timestamps_never_back: Whether the service refuses a timestamp that is less than the timestamp of an earlier
            request.
        error_header: Name of a header field. A response with this header field is a refusal, even if its status is 200.
            None if every refusal has an error status.
        tried: The installation with which the profile was tested, and the day of the test; None if the profile was not
            tested.
        ends: The day on which the service stops supporting OAuth 1.0a; None if no such day is known.
        notes: Further facts about the service.
    """

    name: str
    title: str
    sources: tuple[str, ...]
    checked: datetime.date
    signature_methods: tuple[str, ...]
    issuance: str = "three steps"
    variant: str | None = None
    placement: Placement = HEADER
    realm: str | None = None
    body_hash: bool = False
    empty_token: bool = False
    placeholders: Mapping[str, str] = field(default_factory=dict)
    urls: Mapping[str, str] = field(default_factory=dict)
    http_method: str = "POST"
    token_method: str | None = None
    callback: str | None = None
    authorize_query: Mapping[str, str] = field(default_factory=lambda: {"oauth_token": TOKEN})
    confirmations: tuple[str, ...] = CONFIRMED
    request_parameters: tuple[str, ...] = ()
    authorize_parameters: tuple[str, ...] = ()
    nonce_min: int = 1
    nonce_max: int | None = None
    timestamp_window: int | None = None
    timestamps_never_back: bool = False
    error_header: str | None = None
    tried: str | None = None
    ends: datetime.date | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.signature_methods or not MODULES.keys() >= set(self.signature_methods):
            raise ValueError(f"signature_methods: must name one or more of {', '.join(MODULES)}")

    def at(self, **placeholders: str) -> Service:
        """Return a copy of the profile in which the placeholders are replaced.

        Args:
            **placeholders: A value for each placeholder of the profile, such as ``account`` or ``base``.

        Raises:
            TypeError: The profile has no placeholder of this name.
            ValueError: A value is missing or not valid.
        """
        if placeholders.keys() - self.placeholders:
            raise TypeError(f"{self.name}: accepts {_listed(self.placeholders)} only")
        if self.placeholders.keys() - placeholders:
            raise self._unfilled()
        texts: dict[str, str] = {}
        for name, kind in self.placeholders.items():
            texts |= _texts_of(name, kind, placeholders[name])
        urls = {name: _fill(url, texts) for name, url in self.urls.items()}
        realm = None if self.realm is None else _fill(self.realm, texts)
        return replace(self, urls=urls, realm=realm, placeholders={})

    def endpoints(self, **placeholders: str) -> Endpoints:
        """Return the service's endpoints; :meth:`at` replaces the placeholders.

        Raises:
            TypeError: The profile has no placeholder of this name.
            ValueError: The service has no endpoints, or a value is missing or not valid.
        """
        urls = self.at(**placeholders).urls
        endpoints = {name: urls.get(name) for name in ("temporary", "authorize", "token", "renew", "revoke")}
        if not any(endpoints.values()):
            raise ValueError(f"{self.name}: the service has no endpoints that issue tokens")
        return Endpoints(
            **endpoints,
            http_method=self.http_method,
            token_method=self.token_method,
            callback=self.callback,
            authorize_query=self.authorize_query,
            confirmations=self.confirmations,
        )

    def signature_method(self, private_key: object = None, *, password: str | bytes | None = None) -> SignatureMethod:
        """Return the signature method that the profile uses.

        Args:
            private_key: The key for RSA: any private key that ``SignatureMethod_RSA_SHA1`` accepts.
            password: The password of an encrypted *private_key*.

        Raises:
            ValueError: *private_key* is missing, is not needed, or cannot be read.
        """
        name = self.signature_methods[0]
        method = method_class(name) if self.variant is None else _VARIANTS[self.variant]
        if method.uses_secrets == (private_key is not None):
            what = "must be given" if private_key is None else "must not be given"
            raise ValueError(f"private_key: {what}, because {self.name} signs with {name}")
        make = cast("Callable[..., SignatureMethod]", method)
        return make() if private_key is None else make(private_key, password=password)

    def auth_options(
        self, *, signature_method: SignatureMethod | None = None, private_key: object = None
    ) -> SigningOptions:
        """Return the options of the profile as keyword arguments for ``OAuth1`` of a module in ``oauth2.clients``.

        Args:
            signature_method: A signature method that replaces the method of the profile.
            private_key: See :meth:`signature_method`.

        Raises:
            ValueError: The profile still has a placeholder in its realm, or :meth:`signature_method` raises ValueError.
        """
        if self.realm is not None and self.realm != REQUEST_URL and "{" in self.realm:
            raise self._unfilled()
        options: SigningOptions = {
            "signature_method": signature_method or self.signature_method(private_key),
            "placement": self.placement,
            "realm": without_query if self.realm == REQUEST_URL else self.realm,
            "body_hash": self.body_hash,
        }
        if self.timestamps_never_back:
            options["clock"] = _clock(self.name)
        return options

    def oauth1(
        self,
        oauth1: Callable[..., AuthT],
        consumer: Credentials,
        token: Credentials | None = None,
        **options: Unpack[ServiceOptions],
    ) -> AuthT:
        """Return an instance of the class *oauth1* with the options of the profile.

        Args:
            oauth1: A class such as ``oauth2.clients.requests.OAuth1``.
            consumer: Client credentials.
            token: Token credentials; None if there is no token.
            **options: Options that replace options of the profile, and ``private_key``; see :class:`ServiceOptions`.

        Raises:
            ValueError: :meth:`auth_options` raises ValueError.
        """
        return oauth1(consumer, self._token(token), **self._replaced({**options}))

    def client(
        self,
        consumer: Credentials,
        token: Credentials | None = None,
        **options: Unpack[ServiceClientOptions],
    ) -> Client:
        """Return a :class:`~oauth2.client.Client` with the options of the profile.

        Args:
            consumer: Client credentials.
            token: Token credentials; None if there is no token.
            **options: Options that replace options of the profile, ``private_key``, and options of ``httplib2.Http``;
                see :class:`ServiceClientOptions`.

        Raises:
            ValueError: :meth:`auth_options` raises ValueError.
        """
        replaced: dict[str, Any] = {"timeout": _TIMEOUT, **self._replaced({**options})}
        return Client(consumer, self._token(token), **replaced)

    def _replaced(self, options: dict[str, Any]) -> dict[str, Any]:
        own = {name: options.pop(name, None) for name in ("signature_method", "private_key")}
        return {**self.auth_options(**own), **options}

    def _unfilled(self) -> ValueError:
        return ValueError(f"{self.name}: needs {_listed(self.placeholders)}; pass the value to at() or endpoints()")

    def _token(self, token: Credentials | None) -> Credentials | None:
        return Token("", "") if self.empty_token and not token else token


def read_maas_key(key: str) -> tuple[Consumer, Token]:
    """Return the client credentials and the token credentials that an API key of MAAS contains.

    Raises:
        ValueError: *key* does not consist of three texts, separated by colons.
    """
    parts = key.strip().split(":")
    if len(parts) != 3 or not all(parts):
        raise ValueError("key: must be a client key, a token and a token secret, separated by colons")
    return Consumer(parts[0], ""), Token(parts[1], parts[2])


def without_query(uri: str) -> str:
    """Return *uri* without query and fragment. The service Cardmarket requires this text as the realm."""
    return uri.partition("#")[0].partition("?")[0]


@cache
def _clock(name: str) -> MonotonicClock:
    # The service compares the timestamps of all requests, so all clients in this process must share one clock.
    return MonotonicClock()


def _texts_of(name: str, kind: str, value: str) -> dict[str, str]:
    if kind == "url":
        value = value.rstrip("/")
        require_https(name, value)
        if not fullmatch(r"[A-Za-z0-9._~:/%!$&'()*+,;=\[\]-]+", value):
            raise ValueError(f"{name}: must be a percent-encoded URL without a query")
        return {name: value}
    if not fullmatch(r"[A-Za-z0-9]+([_-][A-Za-z0-9]+)*", value):
        raise ValueError(f"{name}: must be letters and digits; single - and _ are allowed between them")
    return {f"{name}_host": value.lower().replace("_", "-"), f"{name}_realm": value.upper().replace("-", "_")}


def _fill(template: str, texts: dict[str, str]) -> str:
    for name, value in texts.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def _listed(names: Mapping[str, str]) -> str:
    return " and ".join(f"{name}=" for name in names) or "no placeholder"
