"""``Server``: verify one request, RFC 5849 sections 3.2 and 3.3."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from ._body_hash import check_body_hash
from ._checks import is_coroutine_function
from ._defaults import on_first_use
from ._methods import methods_by_name, require_method
from ._typing import Any
from ._wire.constants import OAUTH_VERSION
from ._wire.header import build_authenticate_header
from ._wire.text import decode_utf8, read_digits, to_text
from .credentials import Credentials
from .errors import (
    InvalidRequest,
    MissingSignature,
    NonceUsed,
    ParameterAbsent,
    SignatureInvalid,
    SignatureMethodRejected,
    TimestampRefused,
    VersionRejected,
)
from .request import Request
from .signature import SignatureMethod, SignatureMethod_HMAC_SHA1

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .stores import MemoryStore, NonceStore
else:
    # typing.get_type_hints() needs these names. Importing oauth2.stores here would slow down `import oauth2`.
    MemoryStore = NonceStore = object

__all__ = ["Server"]

_UNSET: Any = object()
_MAX_KEY = 255  # Maximum number of characters of a nonce, a consumer key or a token. A longer value is refused.
_KEYS = ("oauth_consumer_key", "oauth_token", "oauth_nonce")
_REQUIRED = ("oauth_consumer_key", "oauth_signature_method")
_MAX_TIMESTAMP = 15  # Maximum number of digits of a timestamp. A longer timestamp is refused.


class Server:
    """Verifies signed requests. The caller must look up the credentials of each request.

    Args:
        signature_methods: The allowed signature methods: a list, or a dict with their names as keys. By default no
            method is allowed; see :meth:`add_signature_method`.
        nonce_store: The store of used nonces. Defaults to a new :class:`~oauth2.stores.MemoryStore`. Other processes
            cannot read a MemoryStore, so other processes of the server would accept a replay. None disables the check
            of nonces.
        timestamp_threshold: Largest accepted difference between a timestamp and the server's clock, in seconds. The
            timestamp may be earlier or later than the time of the clock.
        now: A function that returns seconds since 1970-01-01 00:00 UTC.
        body_hash_required: Whether to refuse a request that has a body other than a form, but no ``oauth_body_hash``.
            If the client sends ``oauth_body_hash``, the server always checks the hash.
        sha1_body_hash_allowed: Whether to accept a SHA-1 ``oauth_body_hash`` with every signature method. Some clients
            always send SHA-1. In a request without a body, SHA-1 is always accepted.

    Raises:
        TypeError: *signature_methods* contains an object that is not a signature method, or whose ``check()`` is a
            coroutine function. *nonce_store* is not a blocking store. *timestamp_threshold* is not a number. *now* is
            not callable.
        ValueError: *timestamp_threshold* is negative, or larger than the window of *nonce_store*.
    """

    timestamp_threshold = 300
    sha1_body_hash_allowed = False
    # False in a provider. A provider calls add_nonce() itself, because its store may be an asyncio store.
    _calls_store = True
    _empty_secret_allowed = True  # RFC 5849 allows an empty secret. In a provider, this value is False.
    version = OAUTH_VERSION
    # Defaults for subclasses whose __init__() does not call super().__init__().
    signature_methods: dict[str, SignatureMethod] = on_first_use(lambda server: {})
    nonce_store: NonceStore | None = on_first_use(lambda server: server._make_store())
    now: Callable[[], float] = staticmethod(time.time)
    body_hash_required = False
    _own_store: MemoryStore | None = None

    def __init__(
        self,
        signature_methods: Mapping[str, SignatureMethod] | Iterable[SignatureMethod] | None = None,
        *,
        nonce_store: NonceStore | None = _UNSET,
        timestamp_threshold: int | None = None,
        now: Callable[[], float] = time.time,
        body_hash_required: bool = False,
        sha1_body_hash_allowed: bool = False,
    ) -> None:
        self.signature_methods = methods_by_name(signature_methods)
        if not callable(now):
            raise TypeError("now: must be callable and return seconds, as time.time does")
        self.now = now
        self.body_hash_required = body_hash_required
        self.sha1_body_hash_allowed = sha1_body_hash_allowed
        if timestamp_threshold is not None:
            _check_threshold(timestamp_threshold)
            self.timestamp_threshold = timestamp_threshold
        if nonce_store is _UNSET:
            return  # _make_store() creates the store on first use.
        if nonce_store is not None and (isinstance(nonce_store, type) or not hasattr(nonce_store, "add_nonce")):
            raise TypeError("nonce_store: must be a store, such as MemoryStore() or SQLiteStore(path), or None")
        if self._calls_store and is_coroutine_function(getattr(nonce_store, "add_nonce", None)):
            raise TypeError("nonce_store: must be a blocking store; for an asyncio store, use AsyncProvider")
        if getattr(nonce_store, "window", self.timestamp_threshold) < self.timestamp_threshold:
            raise ValueError("nonce_store: its window must not be shorter than timestamp_threshold")
        self.nonce_store = nonce_store

    def _make_store(self) -> NonceStore:
        # oauth2.stores is imported on first use, because the import slows down `import oauth2`, and clients need no
        # store.
        from .stores import MemoryStore

        # _own_store is the store that this server created. If a program increases timestamp_threshold, the server
        # increases the window of _own_store. It must not change the window of a store that the program passed.
        store: NonceStore = vars(self).setdefault("_own_store", MemoryStore(window=self.timestamp_threshold))
        return store

    def add_signature_method(self, signature_method: SignatureMethod) -> dict[str, SignatureMethod]:
        """Allow *signature_method*; return a dict of all allowed signature methods.

        Raises:
            TypeError: *signature_method* is a class, or not a signature method.
        """
        require_method("signature_method", signature_method)
        self.signature_methods[signature_method.name] = signature_method
        return self.signature_methods

    def verify_request(
        self, request: Request | None, consumer: Credentials | None, token: Credentials | None
    ) -> dict[str, Any]:
        """Verify *request*, and mark its nonce as used, so that the request cannot be replayed (section 3.2).

        Args:
            request: The result of :meth:`Request.from_request`, which may be None.
            consumer: The client credentials whose key is ``oauth_consumer_key``: any
                object with ``key`` and ``secret``. None if the key is unknown.
            token: The credentials whose key is ``oauth_token``: any object with ``key`` and ``secret``. None or a false
                value if the request has no token, or if the token is unknown. A request with an empty ``oauth_token``
                has no token, but the signature covers the empty parameter.

        Returns:
            A dict of all signed parameters that are not protocol parameters.

        Raises:
            Error: The request is refused. Use ``status`` and ``problem`` of the error in the response.
            TypeError: *request* is not a :class:`Request`.
        """
        parameters, claim = self._check_request(request, consumer, token)
        if claim is not None and self.nonce_store is not None:
            self._require_new(self.nonce_store.add_nonce(*claim))
        return parameters

    @staticmethod
    def _require_new(is_new: object) -> None:
        if not is_new:
            raise NonceUsed("The nonce has been used.")
        if hasattr(is_new, "__await__"):
            # An awaitable is true in a boolean context. Without this check, every request could be replayed.
            raise TypeError("nonce_store: add_nonce() must return a bool, not an awaitable")

    def _check_request(
        self, request: Request | None, consumer: Credentials | None, token: Credentials | None
    ) -> tuple[dict[str, Any], tuple[str, int, str, str | None] | None]:
        """Do all checks of :meth:`verify_request`, except the check of used nonces.

        Returns:
            A tuple of two. First, the parameters that are not protocol parameters. Second, the arguments for
            ``add_nonce()`` of the store; None if the nonce need not be checked.
        """
        if not isinstance(request, Request) and request:
            raise TypeError("request: must be a Request; create the Request with Request.from_request()")
        if not request:
            raise ParameterAbsent("The request has no OAuth parameters.")
        protocol, others = request._protocol_and_others()
        read = request._snapshot
        _check_syntax(protocol)
        self._check_version(request)
        self._check_signature(request, consumer, token)
        claim = self._claim(request, protocol)
        # A signature method may have changed the request. In this case, read the parameters again.
        if request._snapshot is not read:
            _, others = request._protocol_and_others()
        return dict(others), claim

    def build_authenticate_header(self, realm: str = "") -> dict[str, str]:
        """Return the ``WWW-Authenticate`` header of a 401 response as a dict."""
        return build_authenticate_header(realm)

    def _check_version(self, request: Request) -> None:
        version = request.get("oauth_version", OAUTH_VERSION)
        if version != self.version and to_text(version) != self.version:
            raise VersionRejected("This OAuth version is not supported.")

    def _get_signature_method(self, request: Request) -> SignatureMethod:
        name = request.get("oauth_signature_method")
        method = self.signature_methods.get(name) if isinstance(name, str) else None
        if method is None:
            allowed = ", ".join(sorted(self.signature_methods)) or "none"
            raise SignatureMethodRejected(f"This signature method is not supported. Supported: {allowed}.")
        return method

    def _check_signature(self, request: Request, consumer: Credentials | None, token: Credentials | None) -> None:
        """Check the signature method, the timestamp, the signature and the body hash.

        Programs written for python-oauth2 call this method directly, and then call :meth:`verify_request`. This method
        must therefore not mark the nonce as used. Otherwise :meth:`verify_request` would refuse the request.
        """
        signature = request.get("oauth_signature")
        if signature is None:
            raise MissingSignature("Missing oauth_signature.")
        method = self._get_signature_method(request)
        # A signature method need not inherit from SignatureMethod, so attributes such as needs_tls may be missing.
        if getattr(method, "needs_tls", False) and not (request.normalized_url or "").startswith("https:"):
            raise SignatureMethodRejected("This signature method is refused over plain http.")
        if "oauth_nonce" in request or _needs_nonce(request, method):
            self._check_timestamp(request)
        if consumer is None or not self._may_check(request, consumer, token, method):
            # Check the signature with dummy credentials, and raise the same error as for a wrong signature. Otherwise
            # the response time or the message would reveal whether the credentials are known (timing attack).
            own = getattr(method, "dummy_credentials", None)
            dummy_method, dummy = (method, own) if own else (_DUMMY_METHOD, _DUMMY_CREDENTIALS)
            dummy_method.check(request, dummy, None, signature)
            raise SignatureInvalid("The signature is invalid.")
        is_valid: object = method.check(request, consumer, token, signature)
        if not is_valid:
            raise SignatureInvalid("The signature is invalid.")
        if is_valid is not True and hasattr(is_valid, "__await__"):
            # An awaitable is true in a boolean context. Without this check, every signature would be accepted.
            raise TypeError("signature_methods: check() must return a bool, not an awaitable")
        if self.body_hash_required or "oauth_body_hash" in request:
            check_body_hash(request, method.name, self)

    def _may_check(
        self, request: Request, consumer: Credentials, token: Credentials | None, method: SignatureMethod
    ) -> bool:
        # The keys of *consumer* and *token* must be equal to the keys in the request. If they differ, the program has
        # looked up the credentials of another client, and the request must be refused.
        key = request.get("oauth_token")
        if not _is_same_key(request.get("oauth_consumer_key", ""), consumer.key):
            return False
        if not (_is_same_key(key or "", token.key) if token else not key):
            return False
        return not getattr(method, "uses_secrets", False) or self._has_secret(consumer, token)

    def _has_secret(self, consumer: Credentials, token: Credentials | None) -> bool:
        # Returns False if a secret is None. Also returns False if other people can know the secret, which can happen in
        # two cases. First, the secret is a public key. Second, the secret is empty, and clients may sign with RSA, so
        # that a client needs no secret. If the server accepted HMAC with one of these secrets, anyone could sign in the
        # name of the client.
        secret: object = consumer.secret
        token_secret: object = token.secret if token else ""
        if secret is None or token_secret is None:
            return False
        text = to_text(secret)
        if "-----BEGIN" in text:
            return False
        public_key = getattr(consumer, "public_key", None)
        if public_key is not None:
            return text not in ("", _key_text(public_key))
        return text != "" or (self._empty_secret_allowed and self._only_secrets_sign())

    def _only_secrets_sign(self) -> bool:
        return all(getattr(each, "uses_secrets", False) for each in self.signature_methods.values())

    def _check_timestamp(self, request: Request) -> None:
        timestamp = request.get("oauth_timestamp")
        if timestamp is None or request.get("oauth_nonce") is None:
            raise ParameterAbsent("oauth_nonce and oauth_timestamp must be sent together.")
        lapsed = int(self.now()) - _seconds(to_text(timestamp))
        if abs(lapsed) > self.timestamp_threshold:
            raise TimestampRefused(f"The timestamp is too far in the {'past' if lapsed > 0 else 'future'}.")

    def _claim(self, request: Request, protocol: Mapping[str, str]) -> tuple[str, int, str, str | None] | None:
        store, nonce = self.nonce_store, protocol.get("oauth_nonce")
        if store is None or (nonce is None and not _needs_nonce(request, self._get_signature_method(request))):
            return None
        timestamp = protocol.get("oauth_timestamp")
        if nonce is None or timestamp is None:
            raise ParameterAbsent("oauth_nonce and oauth_timestamp must be sent together.")
        own = self._own_store
        if own is not None and store is own and own.window < self.timestamp_threshold:
            # The program may have increased timestamp_threshold after the store was created. The store must keep each
            # nonce for as long as its timestamp is accepted.
            own.window = self.timestamp_threshold
        # For an empty oauth_token, None is recorded. Otherwise a nonce could be used twice: in a request without
        # oauth_token, and in a request with an empty oauth_token.
        return nonce, _seconds(timestamp), protocol["oauth_consumer_key"], protocol.get("oauth_token") or None


_DUMMY_METHOD = SignatureMethod_HMAC_SHA1()
_DUMMY_CREDENTIALS: Any = _DUMMY_METHOD.dummy_credentials


def _check_threshold(seconds: object) -> None:
    if not isinstance(seconds, (int, float)):
        raise TypeError("timestamp_threshold: must be a number of seconds")
    if not seconds >= 0:  # This condition is also true for NaN.
        raise ValueError("timestamp_threshold: must not be negative")


def _check_syntax(protocol: Mapping[str, str]) -> None:
    if "oauth_signature" not in protocol:
        raise MissingSignature("Missing oauth_signature.")
    for name in _REQUIRED:
        if name not in protocol:
            raise ParameterAbsent(f"Missing {name}.")
    if protocol.get("oauth_nonce") == "":
        raise ParameterAbsent("oauth_nonce is empty.")
    for name in _KEYS:
        if len(protocol.get(name, "")) > _MAX_KEY:
            raise InvalidRequest(f"{name} is too long.")


def _needs_nonce(request: Mapping[str, Any], method: SignatureMethod) -> bool:
    # A request may have no nonce only if its signature method is PLAINTEXT (section 3.1), and it has no timestamp.
    return getattr(method, "needs_nonce", True) or "oauth_timestamp" in request


def _key_text(public_key: object) -> str | None:
    if isinstance(public_key, bytes):
        return decode_utf8(public_key)
    return public_key if isinstance(public_key, str) else None


def _seconds(timestamp: str) -> int:
    seconds = read_digits(timestamp, _MAX_TIMESTAMP)
    if not seconds:
        raise InvalidRequest("oauth_timestamp is not a positive whole number.")
    return seconds


def _is_same_key(sent: Any, key: Any) -> bool:
    return sent == key or to_text(sent) == to_text(key)
