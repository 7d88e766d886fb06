"""The client's side of RFC 5849 section 2, without I/O.

Three requests to make and three answers to read, in this order::

    request = temporary_request(consumer, url, callback)     # 2.1, to be signed and sent
    token = read_temporary(answer)
    redirect_to = authorization_url(url, token)              # 2.2
    token = read_callback(callback_url, token)
    request = token_request(consumer, url, token)            # 2.3, to be signed and sent
    token = read_token(answer)
"""

from __future__ import annotations

from .credentials import Token
from .encoding import to_text
from .errors import Error, InvalidAnswer
from .parameters import add_to_query, build_form, parse_form, query_of
from .request import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OUT_OF_BAND = "oob"


def temporary_request(consumer: Any, url: str, callback: str = OUT_OF_BAND, *, http_method: str = "POST") -> Request:
    """Return the request for temporary credentials, to be signed without a token (section 2.1).

    Args:
        consumer: Client credentials.
        url: The temporary credential request endpoint.
        callback: Absolute URL to come back to, or ``"oob"`` where there is none.
        http_method: As the service wants it.

    Raises:
        ValueError: *callback* is empty, or *url* is no http or https URL.
    """
    if not callback:
        raise ValueError('callback: a URL or "oob" wanted')
    return Request.from_consumer_and_token(consumer, None, http_method, url, {"oauth_callback": callback})


def read_temporary(answer: bytes | str) -> Token:
    """Return the temporary credentials of an answer (section 2.1).

    Args:
        answer: The body of a 200 answer.

    Raises:
        InvalidAnswer: No credentials in it, or ``oauth_callback_confirmed`` is
            not "true": the service is not safe against session fixation (section 4.6).
    """
    found = _form_of(answer)
    token = _token_of(found)
    if found.get("oauth_callback_confirmed") != "true":
        raise InvalidAnswer("The service did not send oauth_callback_confirmed=true.")
    token.callback_confirmed = "true"
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
        InvalidAnswer: It is another token, or there is no verifier.
    """
    found = _form_of(query_of(url) if "?" in url else url)
    if "oauth_token" not in found:
        raise InvalidAnswer("The callback has no oauth_token. Did the user deny it?")
    if found["oauth_token"] != to_text(token.key):
        raise InvalidAnswer("The callback is for another oauth_token than the one asked for.")
    if not found.get("oauth_verifier"):
        raise InvalidAnswer("The callback has no oauth_verifier.")
    approved = Token(token.key, token.secret)
    approved.set_verifier(found["oauth_verifier"])
    return approved


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


def read_token(answer: bytes | str) -> Token:
    """Return the token credentials of an answer (section 2.3).

    Args:
        answer: The body of a 200 answer.

    Raises:
        InvalidAnswer: No credentials in it.
    """
    return _token_of(_form_of(answer))


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
