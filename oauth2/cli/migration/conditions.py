"""The conditions of the rules: functions that check an ``Event``. ``rules.toml`` has the names of these functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from urllib.parse import SplitResult, parse_qsl, urlsplit

from .events import Event

__all__ = ["CONDITIONS"]

# Key: a function. Value: the position and the name of its argument that is the URL (in _URL), or the parameters
# (in _PARAMETERS).
_URL = {
    "oauth2.Client.request": (0, "uri"),
    "oauth2.Request": (1, "url"),
    "oauth2.Request.from_request": (1, "http_url"),
    "oauth2.Request.from_consumer_and_token": (3, "http_url"),
    "oauth2.Request.from_token_and_callback": (3, "http_url"),
}
_PARAMETERS = {
    "oauth2.Request": (2, "parameters"),
    "oauth2.Request.from_request": (3, "parameters"),
    "oauth2.Request.from_consumer_and_token": (4, "parameters"),
    "oauth2.Request.from_token_and_callback": (4, "parameters"),
}
_FORM = "application/x-www-form-urlencoded"


# --- arguments that are literals --------------------------------------------------


def _text(node: ast.expr | None) -> str | None:
    """Return the text of a literal str or bytes; None if the expression is not such a literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        return node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
    return None


def _url(event: Event) -> str:
    return _text(event.argument(*_URL[event.name])) or "" if event.name in _URL else ""


def _parameters(event: Event) -> dict[str, ast.expr]:
    """Return a dict of the parameters that the program gives; {} if the program gives no literal dict."""
    given = event.argument(*_PARAMETERS[event.name]) if event.name in _PARAMETERS else None
    return dict(_items(given, event))


def _headers(event: Event) -> dict[str, ast.expr]:
    """Return a dict of the headers that the program gives, with lower-case names; {} if it gives no literal dict."""
    given = event.argument(*((2, "headers") if event.name.endswith("from_request") else (3, "headers")))
    return {name.lower(): value for name, value in _items(given, event)}


def _items(node: ast.expr | None, event: Event) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            name = _text(key)
            if name is not None:
                yield name, event.literal(value)


def _is_given(event: Event, position: int, name: str) -> bool:
    given = event.argument(position, name)
    return given is not None and not (isinstance(given, ast.Constant) and given.value is None)


# --- literal URLs -----------------------------------------------------------------


def _host_has_capitals(event: Event) -> bool:
    netloc = _split(_url(event)).netloc.rpartition("@")[2]
    return netloc != netloc.lower() and "%" not in netloc and "{" not in netloc


def _path_is_empty(event: Event) -> bool:
    parts = _split(_url(event))
    return bool(parts.netloc) and not parts.path


def _path_needs_escapes(event: Event) -> bool:
    return bool(re.search(r"[^\x21-\x7e]", _split(_url(event)).path))


def _url_has_user(event: Event) -> bool:
    return "@" in _split(_url(event)).netloc


def _percent_is_encoded(event: Event) -> bool:
    texts = [_split(_url(event)).query, _text(event.argument(2, "body")) or "" if _is_request(event) else ""]
    return any("%25" in text for text in texts)


def _value_is_empty(event: Event) -> bool:
    values = [_text(value) for value in _parameters(event).values()]
    body = _text(event.argument(2, "body")) or "" if _is_request(event) else ""
    return "" in values or any(
        not value for text in (_split(_url(event)).query, body) for _, value in _pairs(text) if "=" in text
    )


def _url_has_fragment(event: Event) -> bool:
    return bool(_split(_url(event)).fragment)


def _occurs_in_url_and_parameters(event: Event) -> bool:
    return not {name for name, _ in _pairs(_split(_url(event)).query)}.isdisjoint(_parameters(event))


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # The text is not a URL, such as "http://[".
        return urlsplit("")


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True)


# --- sending ----------------------------------------------------------------------


def _is_request(event: Event) -> bool:
    return event.name == "oauth2.Client.request"


def _has_host_header(event: Event) -> bool:
    return "host" in _headers(event)


def _has_authorization_header(event: Event) -> bool:
    given = event.argument(3, "headers")
    is_made = isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute) and given.func.attr == "to_header"
    return is_made or "authorization" in _headers(event)


def _form_has_other_type(event: Event) -> bool:
    given = _text(_headers(event).get("content-type")) or ""
    return given.lower().startswith(_FORM) and given != _FORM


def _sends_protocol_parameters(event: Event) -> bool:
    texts = (_split(_url(event)).query, _text(event.argument(2, "body")) or "")
    given = event.argument(2, "body")
    names = {name for text in texts for name, _ in _pairs(text)}
    if isinstance(given, ast.Call) and given.args:  # urlencode({...})
        names |= {name for name, _ in _items(event.literal(given.args[0]), event)}
    return any(name.startswith("oauth_") for name in names)


def _body_is_written_again(event: Event) -> bool:
    return bool(re.search(r"%(?![0-9A-Fa-f]{2})|[^\x21-\x7e]|[\[\]{}|^`\"<>]", _form(event)))


def _form(event: Event) -> str:
    body = _text(event.argument(2, "body")) or ""
    kind = _text(_headers(event).get("content-type")) or _FORM
    return body if "=" in body and kind.lower().startswith(_FORM) and body[:1] not in "{[<" else ""


def _body_is_unicode(event: Event) -> bool:
    given = event.argument(2, "body")
    is_text = isinstance(given, ast.Constant) and isinstance(given.value, str)
    return is_text and not _form(event) and not (_text(given) or "").isascii()


def _value_is_no_text(event: Event) -> bool:
    return any(
        isinstance(value, ast.Dict) or (isinstance(value, ast.Constant) and value.value is None)
        for value in _parameters(event).values()
    )


def _follows_redirects(event: Event) -> bool:
    given = event.argument(4, "redirections") if _is_request(event) else event.node
    return given is not None and not (isinstance(given, ast.Constant) and not given.value)


def _realm_is_quoted(event: Event) -> bool:
    return bool(re.search(r'["\x00-\x1f]', _text(event.argument(0, "realm")) or ""))


def _makes_verifier(event: Event) -> bool:
    return not event.has_unpacked and not _is_given(event, 0, "verifier")


def _headers_are_read_again(event: Event) -> bool:
    call = event.node
    given = [each.value for each in call.keywords if each.arg == "headers"] if isinstance(call, ast.Call) else []
    names = {each.id for each in given if isinstance(each, ast.Name)}
    return any(
        isinstance(each, ast.Subscript)
        and isinstance(each.ctx, ast.Load)
        and isinstance(each.value, ast.Name)
        and each.value.id in names
        and (_text(each.slice) or "").lower() == "authorization"
        for each in (ast.walk(event.within) if names and event.within else ())
    )


# --- classes of the program ---------------------------------------------------------


def _members(event: Event) -> dict[str, ast.stmt | ast.expr]:
    """Return the methods and the assigned attributes of a class by name."""
    found: dict[str, ast.stmt | ast.expr] = {}
    for each in event.node.body if isinstance(event.node, ast.ClassDef) else ():
        match each:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found[name] = each
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = value
    return found


def _has_published_method(event: Event) -> bool:
    name = _members(event).get("name")
    text = _text(name) if isinstance(name, ast.expr) else None
    return (text or "").upper() in {"RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "HMAC-SHA256", "HMAC-SHA512"}


def _has_own_method(event: Event) -> bool:
    return not _has_published_method(event) and not {"name", "sign", "signing_base"}.isdisjoint(_members(event))


def _sets_no_nonce_store(event: Event) -> bool:
    return "nonce_store" not in _members(event) and not any(
        isinstance(each, ast.Attribute | ast.keyword) and _name_of(each) == "nonce_store"
        for each in ast.walk(event.node)
    )


def _name_of(node: ast.Attribute | ast.keyword) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else node.arg


# --- servers ------------------------------------------------------------------------


def _has_no_body(event: Event) -> bool:
    return not event.has_unpacked and event.argument(5, "body") is None


def _has_parameters(event: Event) -> bool:
    return _is_given(event, 3, "parameters")


def _has_no_nonce_store(event: Event) -> bool:
    return not event.has_unpacked and event.argument(99, "nonce_store") is None


def _has_no_token(event: Event) -> bool:
    given = event.argument(2, "token")
    is_none = isinstance(given, ast.Constant) and given.value is None
    return is_none or (isinstance(given, ast.Dict) and not given.keys)


def _catches_other_errors(event: Event) -> bool:
    return not event.caught.isdisjoint({"AttributeError", "ValueError", "TypeError", "KeyError"})


def _is_text_of_an_error(event: Event) -> bool:
    return "expected signature base string" in event.name.lower()


# --- other libraries ------------------------------------------------------------------


def _has_request_token_url(event: Event) -> bool:
    return event.argument(99, "request_token_url") is not None


def _has_header_auth(event: Event) -> bool:
    return event.argument(99, "header_auth") is not None


def _is_oauth1(event: Event) -> bool:
    return "oauth1" in event.name


def _is_function(event: Event) -> bool:
    return event.name == event.name.lower()


def _endpoint_is_http(event: Event) -> bool:
    return (_text(event.argument(0, "url")) or "").startswith("http://")


CONDITIONS: dict[str, Callable[[Event], bool]] = {
    each.__name__.removeprefix("_"): each
    for each in (
        _host_has_capitals, _path_is_empty, _path_needs_escapes, _url_has_user, _percent_is_encoded,
        _value_is_empty, _url_has_fragment, _occurs_in_url_and_parameters, _has_host_header,
        _has_authorization_header, _form_has_other_type, _sends_protocol_parameters, _body_is_written_again,
        _body_is_unicode, _value_is_no_text, _follows_redirects, _realm_is_quoted, _makes_verifier,
        _headers_are_read_again, _has_published_method, _has_own_method, _sets_no_nonce_store, _has_no_body,
        _has_parameters, _has_no_nonce_store, _has_no_token, _catches_other_errors, _is_text_of_an_error,
        _has_request_token_url, _has_header_auth, _is_oauth1, _is_function, _endpoint_is_http,
    )
}  # fmt: skip
