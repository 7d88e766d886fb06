"""``Server``: verify one request, RFC 5849 sections 3.2 and 3.3."""

from __future__ import annotations

import time

from .encoding import decode_utf8, to_text
from .errors import (
    BodyHashInvalid,
    InvalidRequest,
    MissingSignature,
    NonceUsed,
    ParameterAbsent,
    SignatureInvalid,
    SignatureMethodRejected,
    TimestampRefused,
    VersionRejected,
)
from .parameters import body_hash, build_authenticate_header
from .request import OAUTH_VERSION
from .signature import SignatureMethod_HMAC_SHA1, body_digest, constant_time_equal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .request import Request
    from .signature import SignatureMethod
    from .stores import NonceStore

_UNSET: Any = object()
_MAX_KEY = 255  # characters of a nonce, a consumer key or a token
_KEYS = ("oauth_consumer_key", "oauth_token", "oauth_nonce")
_REQUIRED = {"oauth_consumer_key", "oauth_signature", "oauth_signature_method"}
_MAX_TIMESTAMP = 15  # digits


class Server:
    """Verifies signed requests for credentials that the caller looked up.

    Args:
        signature_methods: The allow-list, by name. Empty unless given; see
            :meth:`add_signature_method`.
        nonce_store: Where used nonces are remembered. Unless given, a
            :class:`~oauth2.stores.MemoryStore` of this server's own, which other
            processes do not see; None for no check of nonces at all.
        timestamp_threshold: Seconds that a timestamp may lie before or after the clock.
        clock: Returns seconds since 1970-01-01 00:00 UTC.
        body_hash_required: Refuse a body that is neither a form nor covered by
            ``oauth_body_hash``. A hash that is there is always checked.

    Raises:
        TypeError: *signature_methods* is no dict, or *nonce_store* no store.
        ValueError: *nonce_store* forgets sooner than *timestamp_threshold* needs.
    """

    timestamp_threshold = 300
    version = OAUTH_VERSION
    signature_methods: dict[str, SignatureMethod]

    def __init__(
        self,
        signature_methods: dict[str, SignatureMethod] | None = None,
        *,
        nonce_store: NonceStore | None = _UNSET,
        timestamp_threshold: int | None = None,
        clock: Callable[[], float] = time.time,
        body_hash_required: bool = False,
    ) -> None:
        if not isinstance(signature_methods, (dict, type(None))):
            raise TypeError("signature_methods: a dict by name wanted; or use add_signature_method()")
        self.signature_methods = {} if signature_methods is None else signature_methods
        self.clock = clock
        self.body_hash_required = body_hash_required
        if timestamp_threshold is not None:
            self.timestamp_threshold = timestamp_threshold
        self._own_store = nonce_store is _UNSET
        if self._own_store:
            from .stores import MemoryStore  # no part of `import oauth2`: a client needs none

            nonce_store = MemoryStore(window=self.timestamp_threshold)
        elif nonce_store is not None and (isinstance(nonce_store, type) or not hasattr(nonce_store, "add_nonce")):
            raise TypeError("nonce_store: a store wanted, such as MemoryStore() or SQLiteStore(path), or None")
        elif getattr(nonce_store, "window", self.timestamp_threshold) < self.timestamp_threshold:
            raise ValueError("nonce_store: its window is shorter than timestamp_threshold")
        self.nonce_store = nonce_store

    def add_signature_method(self, signature_method: SignatureMethod) -> dict[str, SignatureMethod]:
        """Allow *signature_method*; return all that are allowed, by name.

        Raises:
            TypeError: It is a class, or no signature method.
        """
        if isinstance(signature_method, type) or not hasattr(signature_method, "check"):
            raise TypeError("signature_method: an object wanted, such as SignatureMethod_HMAC_SHA1()")
        self.signature_methods[signature_method.name] = signature_method
        return self.signature_methods

    def verify_request(self, request: Request | None, consumer: Any, token: Any) -> dict[str, Any]:
        """Verify *request*, and see to it that it is verified only once (section 3.2).

        Args:
            request: What :meth:`Request.from_request` returned, None included.
            consumer: The client credentials of its ``oauth_consumer_key``: any
                object with ``key`` and ``secret``. None if they are not known.
            token: The same for its ``oauth_token``. None or empty if there are none.

        Returns:
            The parameters that are not the protocol's, as they were signed.

        Raises:
            Error: It is refused; ``status`` and ``problem`` say with what.
        """
        if not request:
            raise ParameterAbsent("The request has no OAuth parameters.")
        read = request._as_read()
        if read is None:
            parameters = request._received_parameters()
            texts = _protocol_texts(parameters)
        else:
            texts = read.parameters
        _check_syntax(texts)
        self._check_version(request)
        self._check_signature(request, consumer, token)
        self._claim_nonce(request, texts)
        if read is not None:
            if read is request._as_read():
                return dict(read.others or {})
            parameters = request._received_parameters()  # a signature method changed it
        return {name: value for name, value in parameters.items() if not name.startswith("oauth_")}

    def build_authenticate_header(self, realm: str = "") -> dict[str, str]:
        """Return the ``WWW-Authenticate`` header of a 401 answer as a dict."""
        return build_authenticate_header(realm)

    def _check_version(self, request: Request) -> None:
        version = self._get_version(request)
        if version != self.version and to_text(version) != self.version:
            raise VersionRejected("This OAuth version is not supported.")

    def _get_version(self, request: Request) -> Any:
        return request.get("oauth_version", OAUTH_VERSION)

    def _get_signature_method(self, request: Request) -> SignatureMethod:
        name = request.get("oauth_signature_method")
        method = self.signature_methods.get(name) if isinstance(name, str) else None
        if method is None:
            allowed = ", ".join(sorted(self.signature_methods)) or "none"
            raise SignatureMethodRejected(f"This signature method is not supported. Supported: {allowed}.")
        return method

    def _check_signature(self, request: Request, consumer: Any, token: Any) -> None:
        # All but the nonce, which only verify_request() claims: calling this twice does no harm.
        signature = request.get("oauth_signature")
        if signature is None:
            raise MissingSignature("Missing oauth_signature.")
        method = self._get_signature_method(request)
        if getattr(method, "needs_tls", False) and not (request.normalized_url or "").startswith("https:"):
            raise SignatureMethodRejected("This signature method is refused over plain http.")
        if "oauth_nonce" in request or _carries_nonce(request, method):
            self._check_timestamp(request._get_timestamp_nonce()[0])
        if not (_belong(request, consumer, token) and self._may_sign(consumer, token, method)):
            # Nobody known: at the cost of a wrong signature, and with its words.
            decoy = method if getattr(method, "nobody", None) else _DECOY
            decoy.check(request, decoy.nobody, None, signature)
            raise SignatureInvalid("The signature is invalid.")
        if not method.check(request, consumer, token, signature):
            raise SignatureInvalid("The signature is invalid.")
        if self.body_hash_required or "oauth_body_hash" in request:
            self._check_body_hash(request, method)

    def _may_sign(self, consumer: Any, token: Any, method: SignatureMethod) -> bool:
        # A secret that others know is none: a public key, or nothing where clients sign with RSA.
        if not getattr(method, "uses_secrets", False):
            return True
        secret, public_key = consumer.secret, getattr(consumer, "public_key", None)
        if secret is None or (token and token.secret is None):
            return False
        text = secret if type(secret) is str else to_text(secret)
        if "-----BEGIN" in text:
            return False
        if public_key is None:
            return text != "" or all(getattr(each, "uses_secrets", False) for each in self.signature_methods.values())
        return text not in ("", _key_text(public_key))

    def _check_timestamp(self, timestamp: Any) -> None:
        lapsed = int(self.clock()) - _seconds(timestamp)
        if abs(lapsed) > self.timestamp_threshold:
            raise TimestampRefused(f"The timestamp is too far in the {'past' if lapsed > 0 else 'future'}.")

    def _check_body_hash(self, request: Request, method: SignatureMethod) -> None:
        given = request.get("oauth_body_hash")
        if given is None:
            if self.body_hash_required and request.body and not request.is_form_encoded:
                raise ParameterAbsent("Missing oauth_body_hash.")
            return
        # A form is covered by the signature and should have no hash; python-oauth2 sends that of an empty body.
        are_equal, octets = constant_time_equal(), to_text(given).encode()
        if are_equal(request._hash_of_body(method.name).encode(), octets):
            return
        if request.is_form_encoded and are_equal(body_hash(b"", body_digest(method.name)).encode(), octets):
            return
        if request.body is None:
            raise BodyHashInvalid("oauth_body_hash cannot be checked: from_request() was not given the body.")
        raise BodyHashInvalid("oauth_body_hash does not match the body.")

    def _claim_nonce(self, request: Request, texts: Mapping[str, str]) -> None:
        store, nonce = self.nonce_store, texts.get("oauth_nonce")
        if store is None or (nonce is None and not _carries_nonce(request, self._get_signature_method(request))):
            return
        timestamp = texts.get("oauth_timestamp")
        if nonce is None or timestamp is None:
            raise ParameterAbsent("Parameter not found: oauth_nonce and oauth_timestamp go together.")
        if self._own_store and store.window < self.timestamp_threshold:
            store.window = self.timestamp_threshold  # which was set since
        if not store.add_nonce(nonce, _seconds(timestamp), texts["oauth_consumer_key"], texts.get("oauth_token")):
            raise NonceUsed("The nonce has been used.")


_DECOY = SignatureMethod_HMAC_SHA1()


def _check_syntax(texts: Mapping[str, str]) -> None:
    if not texts.keys() >= _REQUIRED:
        if "oauth_signature" not in texts:
            raise MissingSignature("Missing oauth_signature.")
        raise ParameterAbsent(f"Missing {min(_REQUIRED - texts.keys())}.")
    if texts.get("oauth_nonce") == "":
        raise ParameterAbsent("oauth_nonce is empty.")
    for name in _KEYS:
        if len(texts.get(name, "")) > _MAX_KEY:
            raise InvalidRequest(f"{name} is too long.")


def _protocol_texts(parameters: Mapping[str, Any]) -> dict[str, str]:
    protocol = {name: value for name, value in parameters.items() if name.startswith("oauth_")}
    if any(isinstance(value, (list, tuple)) for value in protocol.values()):
        raise InvalidRequest("A protocol parameter stands twice.")
    return {name: to_text(value) for name, value in protocol.items()}


def _carries_nonce(request: Mapping[str, Any], method: SignatureMethod) -> bool:
    # Section 3.1: only PLAINTEXT may go without.
    return getattr(method, "needs_nonce", True) or "oauth_timestamp" in request or "oauth_nonce" in request


def _key_text(public_key: Any) -> str | None:
    if isinstance(public_key, bytes):
        return decode_utf8(public_key)
    return public_key if isinstance(public_key, str) else None


def _seconds(timestamp: Any) -> int:
    text = timestamp if type(timestamp) is str else to_text(timestamp)
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_TIMESTAMP else 0
    if seconds == 0:
        raise InvalidRequest("oauth_timestamp is not a positive whole number.")
    return seconds


def _belong(request: Mapping[str, Any], consumer: Any, token: Any) -> bool:
    # The credentials are those that the request names: what the caller looked up otherwise does not count.
    if consumer is None or not _is_key(request.get("oauth_consumer_key", ""), consumer.key):
        return False
    return _is_key(request.get("oauth_token", ""), token.key) if token else "oauth_token" not in request


def _is_key(named: Any, key: Any) -> bool:
    return named == key or to_text(named) == to_text(key)
