"""Profiles of services that speak OAuth 1.0a: ``services.toml``, read on first use.

>>> from oauth2 import services
>>> services.get("discogs").title
'Discogs'

They are what the services' documents say, on the day that ``checked`` names. None
was tried against the live service.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from re import fullmatch
from typing import TYPE_CHECKING, Any

from .client import Client
from .clock import MonotonicClock
from .credentials import Consumer, Token
from .endpoints import CONFIRMED, TOKEN, Endpoints, require_https
from .outgoing import HEADER
from .rsa import SignatureMethod_RSA_SHA1, SignatureMethod_RSA_SHA256
from .signature import (
    SignatureMethod,
    SignatureMethod_HMAC_SHA1,
    SignatureMethod_HMAC_SHA256,
    SignatureMethod_PLAINTEXT,
)
from .variants import RawParameters, SecretWithoutAmpersand

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Mapping

REQUEST_URL = "{request_url}"  # a realm: the URL of each request, without its query

_METHODS: dict[str, type[SignatureMethod]] = {
    method.name: method
    for method in (
        SignatureMethod_HMAC_SHA1,
        SignatureMethod_HMAC_SHA256,
        SignatureMethod_PLAINTEXT,
        SignatureMethod_RSA_SHA1,
        SignatureMethod_RSA_SHA256,
    )
}
_VARIANTS: dict[str, type[SignatureMethod]] = {
    "protocol parameters as they are": RawParameters,
    "secret without ampersand": SecretWithoutAmpersand,
}
_TUPLES = (
    "sources", "signature_methods", "confirmations", "request_parameters", "authorize_parameters", "notes",
)  # fmt: skip
_TIMEOUT = 30.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How to sign for one service, and where it has its endpoints.

    Attributes:
        name: What :func:`get` knows it by.
        title: What people call it.
        sources: URLs of the documents that say so.
        checked: The day they were read.
        signature_methods: Names, the one that is used first.
        variant: How the service's signing deviates from RFC 5849; None if it does not.
        placement: Where the protocol parameters go: "header", "query" or "body".
        realm: Of the header; None for none, :data:`REQUEST_URL` for the URL of each request.
        body_hash: ``oauth_body_hash`` is sent with all that is no form.
        empty_token: Without a token, an empty ``oauth_token`` is sent.
        placeholders: What :meth:`at` has to fill in, by name: "name" or "url".
        urls: Endpoints by name, with these placeholders in them.
        http_method, token_method, callback, authorize_query, confirmations: As in
            :class:`~oauth2.flow.Endpoints`.
        request_parameters: Names of what the temporary credential request may have besides.
        authorize_parameters: The same for the authorization endpoint.
        nonce_min, nonce_max: Characters that a nonce may have; those that this
            package makes have 22.
        timestamp_window: Seconds that a timestamp may be off; None if unknown.
        timestamps_never_back: No timestamp may be less than one that was sent before.
        ends: The day that the service stops to take OAuth 1.0a; None if unknown.
        notes: What else there is to know.
    """

    name: str
    title: str
    sources: tuple[str, ...]
    checked: datetime.date
    signature_methods: tuple[str, ...]
    variant: str | None = None
    placement: str = HEADER
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
    ends: datetime.date | None = None
    notes: tuple[str, ...] = ()

    def at(self, **placeholders: str) -> Service:
        """Return the service with *placeholders* filled in, such as ``account`` or ``base``.

        Raises:
            TypeError: It has no such placeholder.
            ValueError: One is missing or not valid.
        """
        if placeholders.keys() - self.placeholders:
            raise TypeError(f"{self.name}: takes {_listed(self.placeholders)}")
        if self.placeholders.keys() - placeholders:
            raise ValueError(f"{self.name}: {_listed(self.placeholders)} wanted; at() fills in")
        known: dict[str, str] = {}
        for name, kind in self.placeholders.items():
            known |= _filled(name, kind, placeholders[name])
        urls = {name: _fill(url, known) for name, url in self.urls.items()}
        realm = None if self.realm is None else _fill(self.realm, known)
        return replace(self, urls=urls, realm=realm, placeholders={})

    def endpoints(self, **placeholders: str) -> Endpoints:
        """Return the service's endpoints, with *placeholders* filled in as :meth:`at` does.

        Raises:
            ValueError: It has none, or a placeholder is missing or not valid.
        """
        urls = self.at(**placeholders).urls
        known = {name: urls.get(name) for name in ("temporary", "authorize", "token", "renew", "revoke")}
        if not any(known.values()):
            raise ValueError(f"{self.name}: it has no endpoints to get a token at")
        return Endpoints(
            **known,
            http_method=self.http_method,
            token_method=self.token_method,
            callback=self.callback,
            authorize_query=self.authorize_query,
            confirmations=self.confirmations,
        )

    def signature_method(self, private_key: Any = None, *, password: str | bytes | None = None) -> SignatureMethod:
        """Return the service's first signature method.

        Args:
            private_key: For RSA: anything that ``SignatureMethod_RSA_SHA1`` takes.
            password: Of an encrypted *private_key*.

        Raises:
            ValueError: The method wants a key, or none; or the key cannot be read.
        """
        name = self.signature_methods[0]
        method = _METHODS[name] if self.variant is None else _VARIANTS[self.variant]
        if name.startswith("RSA-") != (private_key is not None):
            raise ValueError(f"private_key: {self.name} signs with {name}")
        made: Callable[..., SignatureMethod] = method
        return made() if private_key is None else made(private_key, password=password)

    def auth_options(
        self, *, signature_method: SignatureMethod | None = None, private_key: Any = None
    ) -> dict[str, Any]:
        """Return the options that the ``OAuth1`` of each of ``oauth2.clients`` takes.

        Args:
            signature_method: Another than :meth:`signature_method` makes.
            private_key: For that.

        Raises:
            ValueError: As :meth:`signature_method` does, or a placeholder is not filled in.
        """
        if self.realm is not None and self.realm != REQUEST_URL and "{" in self.realm:
            raise ValueError(f"{self.name}: {_listed(self.placeholders)} wanted; at() fills in")
        options = {
            "signature_method": signature_method or self.signature_method(private_key),
            "placement": self.placement,
            "realm": without_query if self.realm == REQUEST_URL else self.realm,
            "body_hash": self.body_hash,
        }
        return {**options, "clock": _clock(self.name)} if self.timestamps_never_back else options

    def oauth1(self, oauth1: Callable[..., Any], consumer: Any, token: Any = None, **options: Any) -> Any:
        """Return ``oauth1(consumer, token, ...)``, set up for the service.

        Args:
            oauth1: Such as ``oauth2.clients.requests.OAuth1``.
            consumer: Client credentials.
            token: Token credentials, None for none.
            **options: For :meth:`auth_options`; the rest for *oauth1*.

        Raises:
            ValueError: As :meth:`auth_options` does.
        """
        own = {name: options.pop(name) for name in ("signature_method", "private_key") if name in options}
        return oauth1(consumer, self._token(token), **{**self.auth_options(**own), **options})

    def client(self, consumer: Any, token: Any = None, **options: Any) -> Client:
        """Return a :class:`~oauth2.client.Client` set up for the service.

        Args:
            consumer: Client credentials.
            token: Token credentials, None for none.
            **options: For :meth:`auth_options`; the rest for the client.

        Raises:
            ValueError: As :meth:`auth_options` does.
        """
        own = {name: options.pop(name) for name in ("signature_method", "private_key") if name in options}
        signing = self.auth_options(**own)
        method = signing.pop("signature_method")
        client = Client(consumer, self._token(token), **{"timeout": _TIMEOUT, **signing, **options})
        client.set_signature_method(method)
        return client

    def _token(self, token: Any) -> Any:
        return Token("", "") if self.empty_token and not token else token


def get(name: str) -> Service:
    """Return the profile of a service.

    Raises:
        ValueError: There is none of that name.
    """
    known = _services()
    if name not in known:
        close = get_close_matches(name, known, 3)
        hint = f"; did you mean {' or '.join(close)}?" if close else "; names() lists them"
        raise ValueError(f"name: no service of this name{hint}")
    return known[name]


def names() -> list[str]:
    """Return the names of all services, sorted."""
    return sorted(_services())


def read_maas_key(key: str) -> tuple[Consumer, Token]:
    """Return the client and the token credentials in an API key of MAAS.

    Raises:
        ValueError: It is not three texts with colons between.
    """
    parts = key.strip().split(":")
    if len(parts) != 3 or not all(parts):
        raise ValueError("key: client key, token and token secret wanted, with colons between")
    return Consumer(parts[0], ""), Token(parts[1], parts[2])


def without_query(uri: str) -> str:
    """Return *uri* up to its query: a realm for Cardmarket."""
    return uri.partition("#")[0].partition("?")[0]


@cache
def _clock(name: str) -> MonotonicClock:
    # One for all that this process sends to the service.
    return MonotonicClock()


@cache
def _services() -> dict[str, Service]:
    read = tomllib.loads(files("oauth2").joinpath("services.toml").read_text(encoding="utf-8"))
    return {name: _service(name, table) for name, table in read.items()}


def _service(name: str, table: dict[str, Any]) -> Service:
    given: dict[str, Any] = {key: tuple(value) if key in _TUPLES else value for key, value in table.items()}
    return Service(name=name, **given)


def _filled(name: str, kind: str, value: str) -> dict[str, str]:
    if kind == "url":
        value = value.rstrip("/")
        require_https(name, value)
        if not fullmatch(r"[A-Za-z0-9._~:/%!$&'()*+,;=\[\]-]+", value):
            raise ValueError(f"{name}: a URL without query wanted, escaped as it has to be")
        return {name: value}
    if not fullmatch(r"[A-Za-z0-9]+([_-][A-Za-z0-9]+)*", value):
        raise ValueError(f"{name}: letters, digits, and - or _ between them wanted")
    return {f"{name}_host": value.lower().replace("_", "-"), f"{name}_realm": value.upper().replace("-", "_")}


def _fill(template: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def _listed(names: Mapping[str, str]) -> str:
    return " and ".join(f"{name}=" for name in names) or "no placeholder"
