"""The client's side of RFC 5849 section 2, without I/O.

A program calls the functions in the following order, and sends the requests itself::

    request = temporary_request(consumer, url, callback)     # 2.1, to be signed and sent
    token = read_temporary(response_body)
    redirect_to = authorization_url(url, token)              # 2.2
    token = read_callback(callback_url, token)
    request = token_request(consumer, url, token)            # 2.3, to be signed and sent
    token = read_token(response_body)

:func:`read_response` raises :class:`~oauth2.errors.ServiceRefused` for an error response. :mod:`oauth2.authorize`
calls all these functions, and also sends the requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ._checks import strip_line_ends, warn_of_whitespace
from ._login.endpoints import CONFIRMED, OUT_OF_BAND, Endpoints
from ._login.response import read_response
from ._wire.form import add_to_query, build_form, parse_form, query_of
from ._wire.text import to_text
from .credentials import Credentials, Token
from .errors import AuthorizationDenied, Error, InvalidAnswer, ServiceRefused
from .request import Request

__all__ = [
    "OUT_OF_BAND",
    "Endpoints",
    "IssuedToken",
    "authorization_url",
    "is_callback",
    "is_unnamed_problem",
    "read_callback",
    "read_response",
    "read_temporary",
    "read_token",
    "renewal_request",
    "temporary_request",
    "token_request",
    "xauth_request",
]

_TOKEN_PARAMETERS = ("oauth_token", "oauth_token_secret", "oauth_callback_confirmed")
_DENIALS = ("user_refused", "permission_denied")
_PROTOCOL_NAME = re.compile("x?oauth_[a-z_]{1,40}")
_WORD = re.compile("[A-Za-z0-9]{0,8}")


class IssuedToken(Token):
    """Token credentials, and the further parameters of the response that contained the token (section 2.3).

    The text from :meth:`to_string` contains the further parameters, and :func:`read_token` reads them from this text.

    Attributes:
        parameters: A dict of the further parameters, such as ``user_id`` and ``screen_name``.
    """

    parameters: Mapping[str, str]

    def __init__(self, key: str | bytes, secret: str | bytes, *, parameters: Mapping[str, str] | None = None) -> None:
        super().__init__(key, secret)
        self.parameters = dict(parameters or {})

    @property
    def session_handle(self) -> str | None:
        """The secret with which a client renews the token (session extension); None if renewal is not possible."""
        return self.parameters.get("oauth_session_handle")

    @property
    def expires_in(self) -> int | None:
        """Lifetime of the token in seconds, counted from the response (session extension); None if unknown."""
        seconds = self.parameters.get("oauth_expires_in", "")
        return int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 12 else None

    def to_string(self) -> str:
        """Return the token as text for storage.

        The text contains the secrets. Store the text in a place that only this program can read.
        """
        return "&".join(filter(None, [super().to_string(), build_form(self.parameters.items())]))


def temporary_request(
    consumer: Credentials,
    url: str,
    callback: str = OUT_OF_BAND,
    *,
    http_method: str = "POST",
    parameters: Mapping[str, str] | None = None,
) -> Request:
    """Return the unsigned request that gets temporary credentials (section 2.1).

    The caller must sign the request without a token.

    Args:
        consumer: Client credentials.
        url: The temporary credential request endpoint.
        callback: Absolute callback URL, or ``"oob"`` for a client without a callback URL.
        http_method: The HTTP method that the service requires.
        parameters: Further parameters that the service accepts, such as ``x_auth_access_type``. These parameters are
            sent in a form body.

    Raises:
        ValueError: *callback* is empty, or *url* is not an http or https URL.
    """
    if not callback:
        raise ValueError('callback: must be a URL or "oob"')
    return Request.from_consumer_and_token(
        consumer,
        http_method=http_method,
        http_url=url,
        parameters={**(parameters or {}), "oauth_callback": callback},
        is_form_encoded=bool(parameters),
    )


def read_temporary(answer: bytes | str, *, confirmations: tuple[str, ...] = CONFIRMED) -> Token:
    """Return the temporary credentials in a response (section 2.1).

    Args:
        answer: The body of a 200 response.
        confirmations: The accepted values of ``oauth_callback_confirmed``; case and trailing
            whitespace are ignored.

    Raises:
        InvalidAnswer: The body contains no credentials, or no accepted value of ``oauth_callback_confirmed``. A service
            that does not confirm the callback may allow session fixation (section 2.1).
    """
    found = _read_form(answer)
    token = _token_of(found)
    confirmed = found.get("oauth_callback_confirmed", "").rstrip().lower()
    if confirmed not in {each.lower() for each in confirmations}:
        raise InvalidAnswer(_unconfirmed(found))
    token.callback_confirmed = confirmed
    return token


def authorization_url(url: str, token: Credentials, **parameters: str) -> str:
    """Return the URL to which the caller must redirect the user, for the approval of *token* (section 2.2).

    Args:
        url: The resource owner authorization endpoint.
        token: Temporary credentials.
        parameters: Further parameters that the service accepts, such as ``name`` or ``expiration``.
    """
    return add_to_query(url, build_form([("oauth_token", to_text(token.key)), *parameters.items()]))


def read_callback(url: str, token: Credentials) -> Token:
    """Return *token* with the verifier of a callback (section 2.2).

    Args:
        url: The URL to which the service redirected the user, or only the query of this URL.
        token: The temporary credentials of this user.

    Returns:
        A new token with the key and the secret of *token*, and with the verifier.

    Raises:
        AuthorizationDenied: The service reports that the user refused.
        ServiceRefused: The service reports an ``oauth_problem`` that is not a refusal of the user.
        InvalidAnswer: The ``oauth_token`` of the callback is missing or is not the key of *token*, or the callback has
            no verifier.
    """
    key = to_text(token.key)
    found = _read_form(_query_or_form(url))
    if found.get("oauth_token", key) == key:
        _refuse_denial(found, key)
    if "oauth_token" not in found:
        raise InvalidAnswer("The callback has no oauth_token. Did the user refuse?")
    if found["oauth_token"] != key:
        raise InvalidAnswer("The oauth_token of the callback is not the key of these temporary credentials.")
    if not found.get("oauth_verifier"):
        raise InvalidAnswer("The callback has no oauth_verifier. Did the user refuse?")
    approved = Token(token.key, token.secret)
    approved.set_verifier(found["oauth_verifier"])
    return approved


def is_callback(url: str, token: Credentials) -> bool:
    """Return whether *url* is a callback for *token*, with a verifier or with an error (section 2.2).

    The URL must contain the key of *token*, as ``oauth_token`` or ``denied``, because only the service and the user
    know this key. Without this check, any web page that knows the callback URL could redirect the user to the callback
    URL, and so abort the pending authorization. If other web pages cannot guess the callback URL, also call
    :func:`is_unnamed_problem`.

    Args:
        url: The URL of a received request, or only the query of this URL.
        token: The temporary credentials of this user.
    """
    found = _read_form_if_valid(url)
    return to_text(token.key) in (found.get("oauth_token"), found.get("denied"))


def is_unnamed_problem(url: str) -> bool:
    """Return whether *url* reports an ``oauth_problem`` without the key of the temporary credentials.

    After a refusal, some services redirect the user to the callback URL without this key. Accept this redirect only if
    other web pages cannot guess the callback URL. Otherwise any web page could report a refusal.

    Args:
        url: The URL of a received request, or only the query of this URL.
    """
    found = _read_form_if_valid(url)
    return "oauth_problem" in found and "oauth_token" not in found and "denied" not in found


def token_request(consumer: Credentials, url: str, token: Token, *, http_method: str = "POST") -> Request:
    """Return the unsigned request that exchanges temporary credentials for token credentials (section 2.3).

    The caller must sign the request with *token*.

    Args:
        consumer: Client credentials.
        url: The token request endpoint.
        token: Temporary credentials; their ``verifier`` must be set.
        http_method: The HTTP method that the service requires.

    Raises:
        ValueError: *token* has no verifier, or *url* is not an http or https URL.
    """
    if not token.verifier:
        raise ValueError("token: must have a verifier; call token.set_verifier()")
    return Request.from_consumer_and_token(consumer, token, http_method, url)


def read_token(answer: bytes | str) -> IssuedToken:
    """Return the token credentials in a response (section 2.3), or in the ``str()`` of a token.

    Line ends after the last value are ignored. Other whitespace before or after the secret becomes a part of the
    secret, and the logger "oauth2" logs a warning.

    Args:
        answer: The body of a 200 response, or the ``str()`` of a token.

    Raises:
        InvalidAnswer: The body contains no credentials.
    """
    found = _read_form(answer)
    token = _token_of(found)
    parameters = {name: value for name, value in found.items() if name not in _TOKEN_PARAMETERS}
    return IssuedToken(token.key, token.secret, parameters=parameters)


# --- extensions: xAuth and renewal -----------------------------------------------


def xauth_request(consumer: Credentials, url: str, username: str, password: str) -> Request:
    """Return the unsigned request that exchanges a user name and a password for token credentials (xAuth).

    The caller must sign the request without a token.

    The xAuth parameters are in a form body. The protocol parameters may be in the header, the query or the form body.

    Args:
        consumer: Client credentials; the service must have allowed this client to use xAuth.
        url: The token request endpoint.
        username: The user's name.
        password: The user's password.

    Raises:
        ValueError: *url* is not an http or https URL.
    """
    form = {"x_auth_mode": "client_auth", "x_auth_username": username, "x_auth_password": password}
    return Request.from_consumer_and_token(consumer, None, "POST", url, form, is_form_encoded=True)


def renewal_request(consumer: Credentials, url: str, token: Credentials, *, http_method: str = "POST") -> Request:
    """Return the unsigned request that replaces *token* by new token credentials (session extension).

    The caller must sign the request with *token*.

    Args:
        consumer: Client credentials.
        url: The token request endpoint, or the endpoint for renewal if the service has one.
        token: Token credentials. If *token* has a ``session_handle``, the request contains the ``session_handle``.
        http_method: The HTTP method that the service requires.

    Raises:
        ValueError: *url* is not an http or https URL.
    """
    handle = getattr(token, "session_handle", None)
    parameters = {"oauth_session_handle": handle} if handle else None
    return Request.from_consumer_and_token(consumer, token, http_method, url, parameters)


def _refuse_denial(found: Mapping[str, str], key: str) -> None:
    problem = found.get("oauth_problem", "")
    if found.get("denied") == key or problem in _DENIALS:
        raise AuthorizationDenied("The user did not approve.")
    if problem:
        is_name = problem.isascii() and problem.replace("_", "").islower() and len(problem) <= 64
        message = "The service redirected the user with an oauth_problem instead of a verifier."
        raise ServiceRefused(message, problem=problem if is_name else None)


def _unconfirmed(found: Mapping[str, str]) -> str:
    # The message shows only text that cannot be a secret. Names of protocol parameters are shown. The value of
    # oauth_callback_confirmed is shown only if it is one short word that contains no credential, and that is not a part
    # of a credential.
    if "oauth_callback_confirmed" not in found:
        names = sorted(name for name in found if _PROTOCOL_NAME.fullmatch(name))
        return f"The service did not send oauth_callback_confirmed=true. The service sent {', '.join(names)}."
    value = found["oauth_callback_confirmed"].rstrip()
    credentials = [found["oauth_token"], found["oauth_token_secret"]]
    is_secret = any(each and value and (each in value or value in each) for each in credentials)
    shown = f'"{value}"' if _WORD.fullmatch(value) and not is_secret else f"another text of {len(value)} characters"
    return f'oauth_callback_confirmed must be "true", but the service sent {shown}.'


def _query_or_form(url: str) -> str:
    return query_of(url) if "?" in url else url


def _read_form(answer: bytes | str) -> dict[str, str]:
    try:
        pairs = parse_form(strip_line_ends(answer))
    except Error as exc:
        raise InvalidAnswer("The service's response is not form-encoded.") from exc
    names = [name for name, _ in pairs if name.startswith("oauth_")]
    if len(set(names)) < len(names):
        raise InvalidAnswer("The service's response contains a protocol parameter twice.")
    return dict(pairs)


def _read_form_if_valid(url: str) -> dict[str, str]:
    try:
        return _read_form(_query_or_form(url))
    except InvalidAnswer:
        return {}


def _token_of(found: dict[str, str]) -> Token:
    if not found.get("oauth_token"):
        raise InvalidAnswer("The service's response contains no oauth_token. Check that its status was 200.")
    if "oauth_token_secret" not in found:  # An empty secret is valid; only a missing secret is refused.
        raise InvalidAnswer("The service's response contains no oauth_token_secret.")
    warn_of_whitespace("oauth_token_secret", found["oauth_token_secret"])
    return Token(found["oauth_token"], found["oauth_token_secret"])
