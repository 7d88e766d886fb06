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

from .credentials import Token
from .encoding import to_text
from .endpoints import CONFIRMED
from .endpoints import Endpoints as Endpoints
from .errors import AuthorizationDenied, Error, InvalidAnswer, ServiceRefused
from .parameters import add_to_query, build_form, parse_form, query_of
from .request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

OUT_OF_BAND = "oob"

_OF_THE_TOKEN = ("oauth_token", "oauth_token_secret", "oauth_callback_confirmed")
_REFUSED_BY_THE_USER = ("user_refused", "permission_denied")


class IssuedToken(Token):
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

    It has to name *token*, as ``oauth_token`` or ``denied``: only the service and the
    user know that one. Whoever knows the callback could send the user there with
    anything else, and end what is pending; for a callback that nobody can guess see
    :func:`is_unnamed_problem`.

    Args:
        url: A URL that somebody came to, or its query.
        token: The temporary credentials that were asked for.
    """
    found = _form_or_nothing(url)
    return to_text(token.key) in (found.get("oauth_token"), found.get("denied"))


def is_unnamed_problem(url: str) -> bool:
    """Tell whether *url* brings an ``oauth_problem``, and does not say of which temporary credentials.

    Some services send that when the user says no. Take it at a callback that nobody
    but the service can know: anybody else could have sent the user there, too.

    Args:
        url: A URL that somebody came to, or its query.
    """
    found = _form_or_nothing(url)
    return "oauth_problem" in found and "oauth_token" not in found and "denied" not in found


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


def read_token(answer: bytes | str) -> IssuedToken:
    """Return the token credentials of an answer (section 2.3), or what ``str()`` made of them.

    Args:
        answer: The body of a 200 answer.

    Raises:
        InvalidAnswer: No credentials in it.
    """
    found = _form_of(answer)
    token = _token_of(found)
    parameters = {name: value for name, value in found.items() if name not in _OF_THE_TOKEN}
    return IssuedToken(token.key, token.secret, parameters=parameters)


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


def _form_or_nothing(url: str) -> dict[str, str]:
    try:
        return _form_of(query_of(url) if "?" in url else url)
    except InvalidAnswer:
        return {}


def _token_of(found: dict[str, str]) -> Token:
    if not found.get("oauth_token"):
        raise InvalidAnswer("The service's answer has no oauth_token. Was it a 200 answer?")
    if "oauth_token_secret" not in found:  # which may be empty
        raise InvalidAnswer("The service's answer has no oauth_token_secret.")
    return Token(found["oauth_token"], found["oauth_token_secret"])
