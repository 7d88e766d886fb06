"""Adapters: all libraries get the same interface for signing a call and for verifying a request.

An adapter gets the credentials once, when it is created. An adapter may use the same objects for all requests, such as
a client object or a parsed key. In each call, an adapter does exactly the work that a program that uses the library
must do.
"""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar
from urllib.parse import parse_qs, quote, urlencode

import oauth2

from . import floor
from .reference import Credentials, split_url
from .timing import spend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .workloads import Call

CREDENTIALS = Credentials(
    consumer_key="gBk0TmVn2yqPd71xWcUz",
    consumer_secret="w3mJrC8qUe5ZtB0nXa7KfLpY2vHs9DgQ6oTi1RjV",
    token="7h2KfQz9LmXw4RbTn0VcYs",
    token_secret="Pz6uNf1WkAx8GdHq3MtSe0RyJv5LbCo7ViQ2EmUr",
)

Item = TypeVar("Item", bound=tuple[Any, ...], contravariant=True)
Result = TypeVar("Result", covariant=True)

#: The result of signing: an Authorization header field value, and the form body or None.
Signed = tuple[str, str | None]

FORM = "application/x-www-form-urlencoded"
# Largest accepted difference between timestamp and clock, in seconds. Every library that has an option for this
# difference uses this value, so that all libraries do the same work.
WINDOW = 300


class Received(NamedTuple):
    """A request that a server receives.

    Attributes:
        method: HTTP request method.
        url: URL with its query.
        headers: Authorization and, if there is a body, Content-Type.
        body: Raw body.
        text: The body as text, for libraries that require text.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    text: str


class Runner(Protocol[Item, Result]):
    """A repeatable task of one library."""

    def results(self, items: Sequence[Item]) -> Iterable[Result]:
        """Run the task for each of *items* and return the results."""
        ...

    def seconds(self, items: Sequence[Item]) -> float:
        """Run the task for each of *items* and return the time in seconds."""
        ...


class InProcess(Generic[Item, Result]):
    """A task that runs in this process.

    Args:
        function: The task. The arguments of the function are the values that *prepare* returns. If *prepare* is None,
            the arguments are the members of an item.
        prepare: A function that converts an item before the measurement starts.
    """

    def __init__(self, function: Callable[..., Result], prepare: Callable[[Item], Iterable[Any]] | None = None) -> None:
        self._function = function
        self._prepare = prepare

    def results(self, items: Sequence[Item]) -> list[Result]:
        """See :class:`Runner`."""
        return [self._function(*arguments) for arguments in self._arguments(items)]

    def seconds(self, items: Sequence[Item]) -> float:
        """See :class:`Runner`."""
        return spend(self._function, self._arguments(items))

    def _arguments(self, items: Sequence[Item]) -> Sequence[Iterable[Any]]:
        return items if self._prepare is None else [self._prepare(item) for item in items]


SignRunner = Runner["Call", Signed]
VerifyRunner = Runner[Received, bool]


# --- signing --------------------------------------------------------------------


def sign_floor(method_name: str) -> SignRunner:
    """Return a runner that signs with the floor."""
    return InProcess(floor.Signer(CREDENTIALS, method_name).sign)


def sign_oauth2(method_name: str, private_key: Any = None) -> SignRunner:
    """Return a runner that signs with this project, through the API of python-oauth2 that existing programs call.

    For a form, the time includes both placements: the header, and ``to_postdata()``, which puts the protocol parameters
    into the body.
    """
    consumer = oauth2.Consumer(CREDENTIALS.consumer_key, CREDENTIALS.consumer_secret)
    token = oauth2.Token(CREDENTIALS.token, CREDENTIALS.token_secret)
    make_method = getattr(oauth2, f"SignatureMethod_{method_name.replace('-', '_')}")
    method = make_method() if private_key is None else make_method(private_key)

    def sign(verb: str, url: str, form: dict[str, str] | None, body: bytes | None) -> Signed:
        request = oauth2.Request.from_consumer_and_token(
            consumer, token, verb, url, form, body or b"", is_form_encoded=form is not None
        )
        request.sign_request(method, consumer, token)
        return request.to_header()["Authorization"], None if form is None else request.to_postdata()

    return InProcess(sign)


def sign_oauthlib(method_name: str, private_pem: str | None = None) -> SignRunner:
    """Return a runner that signs with the client of oauthlib; the program must encode the form."""
    client = import_module("oauthlib.oauth1").Client(
        CREDENTIALS.consumer_key,
        client_secret=CREDENTIALS.consumer_secret,
        resource_owner_key=CREDENTIALS.token,
        resource_owner_secret=CREDENTIALS.token_secret,
        signature_method=method_name,
        rsa_key=private_pem,
    )

    def sign(verb: str, url: str, form: dict[str, str] | None, body: bytes | None) -> Signed:
        if form is not None:
            encoded = urlencode(form, quote_via=quote)
            _, headers, sent = client.sign(url, verb, encoded, {"Content-Type": FORM})
            return headers["Authorization"], sent
        headers = None if body is None else {"Content-Type": "application/json"}
        return client.sign(url, verb, body, headers)[1]["Authorization"], None

    return InProcess(sign)


def sign_authlib(method_name: str, private_pem: str | None = None) -> SignRunner:
    """Return a runner that signs with the client of Authlib; the program must encode the form."""
    client = import_module("authlib.oauth1").ClientAuth(
        CREDENTIALS.consumer_key,
        client_secret=CREDENTIALS.consumer_secret,
        token=CREDENTIALS.token,
        token_secret=CREDENTIALS.token_secret,
        signature_method=method_name,
        rsa_key=private_pem,
        force_include_body=True,
    )
    if method_name not in client.SIGNATURE_METHODS:
        raise NotImplementedError(f"has no {method_name}")

    def sign(verb: str, url: str, form: dict[str, str] | None, body: bytes | None) -> Signed:
        if form is not None:
            encoded = urlencode(form, quote_via=quote)
            _, headers, sent = client.prepare(verb, url, {"Content-Type": FORM}, encoded)
            return headers["Authorization"], sent
        headers = {} if body is None else {"Content-Type": "application/json"}
        return client.prepare(verb, url, headers, body or b"")[1]["Authorization"], None

    return InProcess(sign)


def sign_requests_oauthlib(method_name: str) -> SignRunner:
    """Return a runner that signs with requests-oauthlib.

    The runner prepares a request, but does not send it. The library signs the request while it prepares the request.
    """
    requests = import_module("requests")
    plain, hashing = (
        import_module("requests_oauthlib").OAuth1(
            CREDENTIALS.consumer_key,
            client_secret=CREDENTIALS.consumer_secret,
            resource_owner_key=CREDENTIALS.token,
            resource_owner_secret=CREDENTIALS.token_secret,
            signature_method=method_name,
            force_include_body=force_include_body,
        )
        for force_include_body in (False, True)
    )

    def sign(verb: str, url: str, form: dict[str, str] | None, body: bytes | None) -> Signed:
        if body is None:
            prepared = requests.Request(verb, url, data=form, auth=plain).prepare()
        else:
            headers = {"Content-Type": "application/json"}
            prepared = requests.Request(verb, url, headers, data=body, auth=hashing).prepare()
        return _text(prepared.headers["Authorization"]), None if form is None else _text(prepared.body)

    return InProcess(sign)


def sign_rauth(method_name: str) -> SignRunner:
    """Return a runner that signs with the code that a rauth session runs before it sends a request.

    rauth signs the parameters in a dict, but not the parameters in a URL.
    """
    if method_name != "HMAC-SHA1":
        raise NotImplementedError(f"has no {method_name}")
    module = import_module("rauth.session")
    session = module.OAuth1Session(
        CREDENTIALS.consumer_key, CREDENTIALS.consumer_secret, CREDENTIALS.token, CREDENTIALS.token_secret
    )
    requests = import_module("requests")

    def sign(verb: str, url: str, params: Any, form: Any, headers: dict[str, str]) -> Signed:
        sent = {"params": params, "data": form, "headers": headers}
        protocol = session._get_oauth_params(sent)
        secrets = (session.consumer_secret, session.access_token_secret)
        protocol["oauth_signature"] = session.signature.sign(*secrets, verb, url, protocol, sent)
        request = requests.PreparedRequest()
        request.headers = {}
        header = module.OAuth1Auth(protocol, "")(request).headers["Authorization"]
        return _text(header), requests.PreparedRequest._encode_params(form) if form else None

    def prepare(call: Call) -> tuple[Any, ...]:
        url, query = split_url(call.url)
        found = parse_qs(query, keep_blank_values=True)
        params = {name: values[0] if len(values) == 1 else values for name, values in found.items()}
        headers = {"Content-Type": FORM} if call.form is not None else {}
        return call.method, url, params, dict(call.form or {}), headers

    return InProcess(sign, prepare)


def _text(octets: bytes | str) -> str:
    return octets.decode() if isinstance(octets, bytes) else octets


# --- verifying ------------------------------------------------------------------


def verify_floor() -> VerifyRunner:
    """Return a runner that verifies with the floor."""
    verifier = floor.Verifier(CREDENTIALS, WINDOW)

    def prepare(received: Received) -> tuple[str, str, str, str | None, bytes | None]:
        is_form = received.headers.get("Content-Type") == FORM
        header = received.headers["Authorization"]
        form, body = (received.text, None) if is_form else (None, received.body)
        return received.method, received.url, header, form, body

    return InProcess(verifier.verify, prepare)


def verify_oauth2(request_type: type[oauth2.Request] = oauth2.Request) -> VerifyRunner:
    """Return a runner that verifies with this project.

    The runner reads the request, looks up the credentials, and calls ``Server.verify_request``.
    """
    consumer = oauth2.Consumer(CREDENTIALS.consumer_key, CREDENTIALS.consumer_secret)
    token = oauth2.Token(CREDENTIALS.token, CREDENTIALS.token_secret)
    consumers, tokens = {consumer.key: consumer}, {token.key: token}
    server = oauth2.Server(timestamp_threshold=WINDOW)
    server.add_signature_method(oauth2.SignatureMethod_HMAC_SHA1())

    def verify(method: str, url: str, headers: Mapping[str, str], body: bytes, _text: str) -> bool:
        try:
            request = request_type.from_request(method, url, headers, body=body)
            if request is None:
                return False
            server.verify_request(
                request, consumers.get(request["oauth_consumer_key"]), tokens.get(request["oauth_token"])
            )
        except oauth2.Error:
            return False
        return True

    return InProcess(verify)


def _add(seen: set[tuple[str, str, str, str]], claim: tuple[str, str, str, str]) -> bool:
    before = len(seen)
    seen.add(claim)
    return len(seen) > before


def verify_oauthlib() -> VerifyRunner:
    """Return a runner that verifies with oauthlib's resource endpoint, which does not check ``oauth_body_hash``."""
    oauth1 = import_module("oauthlib.oauth1")
    seen: set[tuple[str, str, str, str]] = set()

    class Validator(oauth1.RequestValidator):  # type: ignore[misc, name-defined]
        timestamp_lifetime = WINDOW
        dummy_client = "nobody"
        dummy_access_token = "nobody"

        def validate_client_key(self, client_key: str, _request: object) -> bool:
            return client_key == CREDENTIALS.consumer_key

        def validate_access_token(self, _client_key: str, token: str, _request: object) -> bool:
            return token == CREDENTIALS.token

        def get_client_secret(self, _client_key: str, _request: object) -> str:
            return CREDENTIALS.consumer_secret

        def get_access_token_secret(self, _client_key: str, _token: str, _request: object) -> str:
            return CREDENTIALS.token_secret

        def validate_realms(self, *_args: object, **_kwargs: object) -> bool:
            return True

        def validate_timestamp_and_nonce(
            self, client_key: str, timestamp: str, nonce: str, _request: object, request_token: Any = None,
            access_token: Any = None,
        ) -> bool:  # fmt: skip
            claim = (client_key, access_token, timestamp, nonce)
            return _add(seen, claim)

    endpoint = oauth1.ResourceEndpoint(Validator())

    def verify(method: str, url: str, headers: Mapping[str, str], _body: bytes, text: str) -> bool:
        return bool(endpoint.validate_protected_resource_request(url, method, text, headers)[0])

    return InProcess(verify)


def verify_authlib() -> VerifyRunner:
    """Return a runner that verifies with Authlib's resource protector, which does not check ``oauth_body_hash``."""
    oauth1 = import_module("authlib.oauth1")
    error = import_module("authlib.oauth1.rfc5849.errors").OAuth1Error
    seen: set[tuple[str, str, str, str]] = set()

    class Credential:
        def get_client_secret(self) -> str:
            return CREDENTIALS.consumer_secret

        def get_oauth_token_secret(self) -> str:
            return CREDENTIALS.token_secret

    known = Credential()

    class Protector(oauth1.ResourceProtector):  # type: ignore[misc, name-defined]
        EXPIRY_TIME = WINDOW

        def get_client_by_id(self, client_id: str) -> Credential | None:
            return known if client_id == CREDENTIALS.consumer_key else None

        def get_token_credential(self, request: Any) -> Credential | None:
            return known if request.token == CREDENTIALS.token else None

        def exists_nonce(self, nonce: str, request: Any) -> bool:
            claim = (request.client_id, request.token, request.timestamp, nonce)
            return not _add(seen, claim)

    protector = Protector()

    def verify(method: str, url: str, headers: Mapping[str, str], _body: bytes, text: str) -> bool:
        try:
            protector.validate_request(method, url, text, headers)
        except error:
            return False
        return True

    return InProcess(verify)


# --- requests to verify -----------------------------------------------------------

_signer = floor.Signer(CREDENTIALS)
_signer_of_old = floor.Signer(CREDENTIALS, clock=lambda: time.time() - 12 * WINDOW)


def receive(call: Call, *, old: bool = False) -> Received:
    """Return the signed *call* in the form in which a server receives it.

    Args:
        call: The request.
        old: Whether the timestamp is one hour old.
    """
    header, form = (_signer_of_old if old else _signer).sign(*call)
    headers = {"Authorization": header}
    if form is not None:
        headers["Content-Type"] = FORM
    elif call.body is not None:
        headers["Content-Type"] = "application/json"
    body = call.body or (form or "").encode()
    return Received(call.method, call.url, headers, body, body.decode())


def tampered(received: Received) -> Received:
    """Return a copy of *received* with a wrong signature of the same length."""
    header = received.headers["Authorization"]
    before, name, signature = header.rpartition(' oauth_signature="')
    other = ("B" if signature[0] == "A" else "A") + signature[1 if signature[0] != "%" else 3 :]
    return received._replace(headers={**received.headers, "Authorization": before + name + other})
