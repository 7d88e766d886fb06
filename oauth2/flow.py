"""The client's side of RFC 5849 section 2, without I/O.

Three requests to make and three answers to read, in this order::

    request = temporary_request(consumer, url, callback)     # 2.1, to be signed and sent
    token = read_temporary(answer)
    redirect_to = authorization_url(url, token)              # 2.2
    token = read_callback(callback_url, token)
    request = token_request(consumer, url, token)            # 2.3, to be signed and sent
    token = read_token(answer)

An error answer is for :func:`oauth2.answer.read_answer`. :mod:`oauth2.authorize`
does all of it, sending included.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .credentials import Token
from .encoding import to_text
from .errors import AuthorizationDenied, Error, InvalidAnswer, InvalidURL, ServiceRefused
from .parameters import add_to_query, build_form, parse_form, query_of
from .request import Request
from .signature import base_string_uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

OUT_OF_BAND = "oob"
CONFIRMED = ("true",)

#: In the values of :attr:`Endpoints.authorize_query`: what takes their place.
TOKEN, CONSUMER_KEY = "{oauth_token}", "{oauth_consumer_key}"

_OF_THE_TOKEN = ("oauth_token", "oauth_token_secret", "oauth_callback_confirmed")
_REFUSED_BY_THE_USER = ("user_refused", "permission_denied")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where a service does the three steps of section 2; None for what it does not have.

    All are https URLs, as sections 2.1 and 2.3 require; http is for loopback only.

    Attributes:
        temporary: The temporary credential request endpoint.
        authorize: The resource owner authorization endpoint.
        token: The token request endpoint; the one for xAuth, too.
        http_method: For the requests to *temporary* and *token*.
        token_method: For those to *token*, where that differs.
        callback: What the service takes for ``oauth_callback`` where it takes
            one value only, such as "oob"; None if that is free.
        authorize_query: What the user is sent to *authorize* with: values are
            text, :data:`TOKEN` or :data:`CONSUMER_KEY`.
        confirmations: What *temporary* may answer for ``oauth_callback_confirmed``.
            Leave it be unless the service's documents say otherwise, and that it
            wants a verifier.
        renew: Where to renew token credentials, if not at *token*.
        revoke: Where to revoke them.

    Raises:
        ValueError: An endpoint is no such URL.
    """

    temporary: str | None = None
    authorize: str | None = None
    token: str | None = None
    http_method: str = "POST"
    token_method: str | None = None
    callback: str | None = None
    authorize_query: Mapping[str, str] = field(default_factory=lambda: {"oauth_token": TOKEN})
    confirmations: tuple[str, ...] = CONFIRMED
    renew: str | None = None
    revoke: str | None = None

    def __post_init__(self) -> None:
        for name in ("temporary", "authorize", "token", "renew", "revoke"):
            url = getattr(self, name)
            if url is not None:
                require_https(name, url)

    def authorization_url(self, consumer: Any, token: Token, parameters: Mapping[str, str] | None = None) -> str:
        """Return where to send the user to approve *token* (section 2.2).

        Args:
            consumer: Client credentials.
            token: Temporary credentials.
            parameters: What the service wants besides, such as ``name`` or ``expiration``.

        Raises:
            ValueError: There is no authorization endpoint.
        """
        if self.authorize is None:
            raise ValueError("endpoints: no authorize")
        known = {TOKEN: to_text(token.key), CONSUMER_KEY: to_text(consumer.key)}
        asked = {**self.authorize_query, **(parameters or {})}
        return add_to_query(self.authorize, build_form([(name, known.get(text, text)) for name, text in asked.items()]))


def require_https(name: str, url: str) -> None:
    """Refuse a URL that credentials cannot be sent to.

    Raises:
        ValueError: *url*, which *name* stands for in the message, is not absolute,
            has userinfo or a fragment, or is http and not on loopback.
    """
    try:
        uri = base_string_uri(url)
    except InvalidURL as exc:
        raise ValueError(f"{name}: {exc.message}") from None
    scheme, _, rest = uri.partition("://")
    authority = rest.partition("/")[0]
    if "@" in url.partition("?")[0] or "#" in url or not url.isprintable() or " " in url:
        raise ValueError(f"{name}: a URL without userinfo, fragment or spaces wanted")
    if scheme != "https" and host_of(authority) not in _LOOPBACK:
        raise ValueError(f"{name}: https wanted; http is for loopback only")


def host_of(authority: str) -> str:
    """Return the host of ``host[:port]``, an IPv6 address with its brackets."""
    address, bracket, _ = authority.partition("]")
    return address + bracket if bracket else authority.partition(":")[0]


class TokenCredentials(Token):
    """Token credentials, and what else the answer held that brought them (section 2.3).

    :meth:`to_string` keeps all of it, for :func:`read_token` to read again.

    Attributes:
        parameters: The rest of the answer by name: ``user_id``, ``screen_name`` ...
    """

    parameters: Mapping[str, str]

    def __init__(self, key: str | bytes, secret: str | bytes, *, parameters: Mapping[str, str] | None = None) -> None:
        super().__init__(key, secret)
        self.parameters = dict(parameters or {})

    @property
    def session_handle(self) -> str | None:
        """What to renew the token with (session extension); a secret. None if it cannot be."""
        return self.parameters.get("oauth_session_handle")

    @property
    def expires_in(self) -> int | None:
        """Seconds from the answer on that the token lives (session extension); None if unknown."""
        seconds = self.parameters.get("oauth_expires_in", "")
        return int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 12 else None

    def to_string(self) -> str:
        """Serialise for storage, secrets included: keep it where nobody else reads it."""
        return "&".join(filter(None, [super().to_string(), build_form(self.parameters.items())]))


def temporary_request(
    consumer: Any,
    url: str,
    callback: str = OUT_OF_BAND,
    *,
    http_method: str = "POST",
    parameters: Mapping[str, str] | None = None,
) -> Request:
    """Return the request for temporary credentials, to be signed without a token (section 2.1).

    Args:
        consumer: Client credentials.
        url: The temporary credential request endpoint.
        callback: Absolute URL to come back to, or ``"oob"`` where there is none.
        http_method: As the service wants it.
        parameters: What the service wants besides, such as ``x_auth_access_type``: a
            form body.

    Raises:
        ValueError: *callback* is empty, or *url* is no http or https URL.
    """
    if not callback:
        raise ValueError('callback: a URL or "oob" wanted')
    return Request.from_consumer_and_token(
        consumer,
        http_method=http_method,
        http_url=url,
        parameters={**(parameters or {}), "oauth_callback": callback},
        is_form_encoded=bool(parameters),
    )


def read_temporary(answer: bytes | str, *, confirmations: tuple[str, ...] = CONFIRMED) -> Token:
    """Return the temporary credentials of an answer (section 2.1).

    Args:
        answer: The body of a 200 answer.
        confirmations: What it may hold for ``oauth_callback_confirmed``.

    Raises:
        InvalidAnswer: No credentials in it, or ``oauth_callback_confirmed`` is
            not "true": the service is not safe against session fixation (section 4.6).
    """
    found = _form_of(answer)
    token = _token_of(found)
    if found.get("oauth_callback_confirmed") not in confirmations:
        raise InvalidAnswer("The service did not send oauth_callback_confirmed=true.")
    token.callback_confirmed = found["oauth_callback_confirmed"]
    return token


def authorization_url(url: str, token: Token, **parameters: str) -> str:
    """Return where to send the user to approve *token* (section 2.2).

    Args:
        url: The resource owner authorization endpoint.
        token: Temporary credentials.
        parameters: What the service wants besides, such as ``name`` or ``expiration``.
    """
    return add_to_query(url, build_form([("oauth_token", to_text(token.key)), *parameters.items()]))


def read_callback(url: str, token: Token) -> Token:
    """Return *token* with the verifier that a callback brought (section 2.2).

    Args:
        url: The URL that the user came back to, or its query.
        token: The temporary credentials that were asked for.

    Returns:
        A new token: key and secret of *token*, and the verifier.

    Raises:
        AuthorizationDenied: The user said no, and the service says so.
        ServiceRefused: The service gives another ``oauth_problem``.
        InvalidAnswer: It is another token, or there is no verifier.
    """
    found = _form_of(query_of(url) if "?" in url else url)
    if found.get("oauth_token", to_text(token.key)) == to_text(token.key):
        _refuse_denial(found, to_text(token.key))
    if "oauth_token" not in found:
        raise InvalidAnswer("The callback has no oauth_token. Did the user deny it?")
    if found["oauth_token"] != to_text(token.key):
        raise InvalidAnswer("The callback is for another oauth_token than the one asked for.")
    if not found.get("oauth_verifier"):
        raise InvalidAnswer("The callback has no oauth_verifier. Did the user deny it?")
    approved = Token(token.key, token.secret)
    approved.set_verifier(found["oauth_verifier"])
    return approved


def is_callback(url: str, token: Token) -> bool:
    """Tell whether *url* is where a service sends the user back to about *token*, whatever it says (section 2.2).

    Args:
        url: A URL that somebody came to, or its query.
        token: The temporary credentials that were asked for.
    """
    try:
        found = _form_of(query_of(url) if "?" in url else url)
    except InvalidAnswer:
        return False
    if "oauth_token" in found or "denied" in found:
        return to_text(token.key) in (found.get("oauth_token"), found.get("denied"))
    return "oauth_problem" in found


def token_request(consumer: Any, url: str, token: Token, *, http_method: str = "POST") -> Request:
    """Return the request for token credentials, to be signed with *token* (section 2.3).

    Args:
        consumer: Client credentials.
        url: The token request endpoint.
        token: Temporary credentials with their verifier.
        http_method: As the service wants it.

    Raises:
        ValueError: *token* has no verifier, or *url* is no http or https URL.
    """
    if not token.verifier:
        raise ValueError("token: its verifier is not set")
    return Request.from_consumer_and_token(consumer, token, http_method, url)


def read_token(answer: bytes | str) -> TokenCredentials:
    """Return the token credentials of an answer (section 2.3), or what ``str()`` made of them.

    Args:
        answer: The body of a 200 answer.

    Raises:
        InvalidAnswer: No credentials in it.
    """
    found = _form_of(answer)
    token = _token_of(found)
    parameters = {name: value for name, value in found.items() if name not in _OF_THE_TOKEN}
    return TokenCredentials(token.key, token.secret, parameters=parameters)


# --- beside the three legs ------------------------------------------------------


def xauth_request(consumer: Any, url: str, username: str, password: str) -> Request:
    """Return the request that gets token credentials for a password (xAuth), to be signed without a token.

    The xAuth parameters are a form body; the rest may go where the service wants it.

    Args:
        consumer: Client credentials, of a client that the service lets do this.
        url: The token request endpoint.
        username: As the user types it.
        password: The same.

    Raises:
        ValueError: *url* is no http or https URL.
    """
    form = {"x_auth_mode": "client_auth", "x_auth_username": username, "x_auth_password": password}
    return Request.from_consumer_and_token(consumer, None, "POST", url, form, is_form_encoded=True)


def renewal_request(consumer: Any, url: str, token: Any, *, http_method: str = "POST") -> Request:
    """Return the request for new token credentials in place of *token*, to be signed with it (session extension).

    Args:
        consumer: Client credentials.
        url: The token request endpoint, or the service's own for this.
        token: Token credentials; their ``session_handle`` is sent if there is one.
        http_method: As the service wants it.

    Raises:
        ValueError: *url* is no http or https URL.
    """
    handle = getattr(token, "session_handle", None)
    parameters = {"oauth_session_handle": handle} if handle else None
    return Request.from_consumer_and_token(consumer, token, http_method, url, parameters)


def _refuse_denial(found: Mapping[str, str], key: str) -> None:
    problem = found.get("oauth_problem", "")
    if found.get("denied") == key or problem in _REFUSED_BY_THE_USER:
        raise AuthorizationDenied("The user did not approve it.")
    if problem:
        known = problem if problem.isascii() and problem.replace("_", "").islower() and len(problem) <= 64 else None
        raise ServiceRefused("The service came back with an oauth_problem instead of a verifier.", problem=known)


def _form_of(answer: bytes | str) -> dict[str, str]:
    try:
        pairs = parse_form(answer)
    except Error as exc:
        raise InvalidAnswer("The service's answer is not form-encoded.") from exc
    names = [name for name, _ in pairs if name.startswith("oauth_")]
    if len(set(names)) < len(names):
        raise InvalidAnswer("The service's answer has a protocol parameter twice.")
    return dict(pairs)


def _token_of(found: dict[str, str]) -> Token:
    if not found.get("oauth_token"):
        raise InvalidAnswer("The service's answer has no oauth_token. Was it a 200 answer?")
    if "oauth_token_secret" not in found:  # which may be empty
        raise InvalidAnswer("The service's answer has no oauth_token_secret.")
    return Token(found["oauth_token"], found["oauth_token_secret"])
