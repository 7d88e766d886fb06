"""Sign a request that an HTTP client is about to send: what all the clients share.

A client hands over what it would send and gets back what to send instead. The
caller's body and query stay as they are, octet for octet; only the protocol
parameters come and go (RFC 5849 section 3.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .encoding import percent_decode_as_sent, to_unicode
from .pairs import Pairs, decode_pairs_as_sent, group_pairs, has_canonical_escapes
from .parameters import FORM, add_to_query, encode_form, is_form, parse_form_as_sent
from .request import Request
from .signature import base_string_uri, on_the_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from .signature import SignatureMethod

HEADER, QUERY, BODY = "header", "query", "body"

#: Protocol parameters that no caller's word replaces, and those that go out once.
MADE_ANEW = frozenset({"oauth_signature", "oauth_signature_method", "oauth_body_hash"})
SENT_ONCE = MADE_ANEW | {"oauth_nonce", "oauth_timestamp"}

_BODILESS = ("GET", "HEAD")


class _Default:
    def __repr__(self) -> str:
        return "scheme and host"


#: The default realm: scheme and host of each request.
ORIGIN = _Default()


class Outgoing(NamedTuple):
    """A request as an HTTP client sends it.

    Attributes:
        method: HTTP request method, in any case.
        uri: Absolute http or https URL.
        body: bytes, str, None, a binary file, or an iterable of bytes.
        content_type: Content-Type header field value; ``""`` for none.
        authorization: Authorization header field value to send; None for none of ours.
        protocol: Names of the protocol parameters it was signed with.
        hashed: ``oauth_body_hash``, where the client has made it already.
    """

    method: str
    uri: str
    body: Any = None
    content_type: str = ""
    authorization: str | None = None
    protocol: frozenset[str] = frozenset()
    hashed: str | None = None


def sign_outgoing(
    outgoing: Outgoing,
    consumer: Any,
    token: Any,
    signature_method: SignatureMethod,
    *,
    placement: str | None = None,
    realm: Any = ORIGIN,
    body_hash: bool = True,
    timestamp: int | None = None,
    made_anew: Container[str] = MADE_ANEW,
) -> Outgoing:
    """Return *outgoing* with the protocol parameters in their one place (section 3.5).

    Protocol parameters that the caller put into the query or a form body, such as
    ``oauth_callback``, go to the same place as the others.

    Args:
        outgoing: What the client would send.
        consumer: Client credentials: any object with ``key`` and ``secret``.
        token: The same for the token; None or empty for none.
        signature_method: How to sign.
        placement: "header", "query" or "body". None for the way of 1.9: a form
            body, the query of a GET, the header of any other request.
        realm: Of the header; scheme and host unless given, None for none. Or a
            function that takes the URI, without protocol parameters, and returns it.
        body_hash: Send ``oauth_body_hash`` with all that is no form.
        timestamp: For ``oauth_timestamp``; this machine's time unless given.
        made_anew: Names of protocol parameters that are not taken from the caller:
            :data:`SENT_ONCE` for a request that has been sent before.

    Raises:
        InvalidURL: The URI is no http or https URL.
        TypeError: The body can be read only once, so that its hash cannot be sent.
        ValueError: The secrets would be sent over plain http, or a body that is
            no form cannot hold the protocol parameters.
    """
    parts = _take_apart(outgoing, placement, made_anew)
    if signature_method.needs_tls and not base_string_uri(parts.uri).startswith("https:"):
        raise ValueError(
            f"uri: {signature_method.name} would send the secrets over plain http;"
            " SignatureMethod_PLAINTEXT_OVER_HTTP does so where that is wanted"
        )
    encoded = encode_form(parts.form) if parts.form else []
    request = Request.from_consumer_and_token(
        consumer,
        token=token,
        http_method=outgoing.method.upper(),
        http_url=parts.uri,
        parameters=group_pairs([*decode_pairs_as_sent(encoded), *parts.own]) if encoded or parts.own else None,
        body=parts.body,
        is_form_encoded=parts.form is not None,
    )
    if timestamp is not None and "oauth_timestamp" not in [name for name, _ in parts.own]:
        request["oauth_timestamp"] = str(timestamp)
    if body_hash and outgoing.hashed and parts.form is None:
        request["oauth_body_hash"] = outgoing.hashed.encode("ascii")
        body_hash = False
    if encoded and type(request) is Request:
        request["oauth_signature_method"] = signature_method.name  # as signing does, which leaves the rest as it is
        request.take_encoded(encoded)
    request.sign_request(signature_method, consumer, token, body_hash=body_hash)
    return _put_together(outgoing, parts, request, realm)


class _Parts(NamedTuple):
    """What is to be signed.

    Attributes:
        uri: Without protocol parameters.
        body: As the client would send it.
        content_type: Content-Type header field value; ``""`` for none.
        form: The body without protocol parameters, if it is a form.
        own: The protocol parameters that the caller put into query or form.
        placement: Of all protocol parameters.
    """

    uri: str
    body: Any
    content_type: str
    form: str | None
    own: Pairs
    placement: str


def _take_apart(outgoing: Outgoing, placement: str | None, made_anew: Container[str]) -> _Parts:
    uri, own = take_protocol(_wire_uri(outgoing.uri))
    method, content_type, body = outgoing.method.upper(), outgoing.content_type, _wire_body(outgoing.body)
    if placement == BODY and not body and not content_type:
        content_type = FORM
    form: str | None = None
    if is_form(content_type) and (body or placement == BODY or method not in _BODILESS):
        form, in_form = _take(_form_text(body), _is_protocol)
        own += in_form
    if made_anew is not MADE_ANEW:
        own = [pair for pair in own if pair[0] not in made_anew]
    if placement is None:
        placement = BODY if form is not None else QUERY if method == "GET" else HEADER
    if placement == BODY and form is None:
        raise ValueError('placement: "body" wants a form, and this body is none')
    return _Parts(uri, body, content_type, form, own, placement)


def _put_together(outgoing: Outgoing, parts: _Parts, request: Request, realm: Any) -> Outgoing:
    uri, body, content_type, form, _, placement = parts
    authorization = None
    if placement == HEADER:
        if realm is ORIGIN:
            realm = _origin_of(request.normalized_url or "")
        authorization = request.to_header(realm(uri) if callable(realm) else realm)["Authorization"]
    elif placement == QUERY:
        uri = add_to_query(uri, request.protocol_form())
    else:
        form = "&".join(filter(None, [form, request.protocol_form()]))
    if form is not None:
        body = form if form.isascii() and not isinstance(body, bytes) else form.encode("utf-8", "surrogateescape")
    names = frozenset(request if form is None else [name for name in request if name[:6] == "oauth_"])
    return Outgoing(outgoing.method, uri, body, content_type, authorization, names)


def take_protocol(uri: str, names: Container[str] | None = None) -> tuple[str, Pairs]:
    """Return *uri* without the protocol parameters in its query, and these, decoded.

    Args:
        uri: Absolute URL; the rest of it stays as it is.
        names: Take those of these names; None for all that start with ``oauth_``.
    """
    return _take_from_query(uri, _is_protocol if names is None else names.__contains__)


def without_credentials(outgoing: Outgoing) -> Outgoing:
    """Return *outgoing* with no protocol parameter in a form body, and no xAuth parameter anywhere."""
    uri, _ = _take_from_query(outgoing.uri, lambda name: name.startswith("x_auth_"))
    body = _wire_body(outgoing.body)
    if is_form(outgoing.content_type) and body is not None:
        kept, _ = _take(_form_text(body), lambda name: name.startswith(("oauth_", "x_auth_")))
        body = kept if isinstance(body, str) else kept.encode("utf-8", "surrogateescape")
    return outgoing._replace(uri=uri, body=body)


def _take_from_query(uri: str, is_taken: Callable[[str], bool]) -> tuple[str, Pairs]:
    if _holds_nothing(uri):
        return uri, []
    base, hash_mark, fragment = uri.partition("#")
    base, mark, query = base.partition("?")
    kept, taken = _take(query, is_taken)
    if kept == query:
        return uri, []
    return f"{base}{mark if kept else ''}{kept}{hash_mark}{fragment}", taken


def origin(uri: str) -> str:
    """Return scheme, host and, unless it is the default, port: ``https://api.example``.

    Raises:
        InvalidURL: *uri* is no http or https URL.
    """
    return _origin_of(base_string_uri(uri))


def _origin_of(base: str) -> str:
    return "/".join(base.split("/", 3)[:3])


def _take(form: str, is_taken: Callable[[str], bool]) -> tuple[str, Pairs]:
    if _holds_nothing(form):
        return form, []
    kept: list[str] = []
    taken: list[str] = []
    for segment in form.split("&"):
        name = segment.partition("=")[0]
        if "%" in name:
            name = percent_decode_as_sent(name)
        (taken if is_taken(name) else kept).append(segment)
    if not taken:
        return form, []
    pairs = parse_form_as_sent("&".join(taken))
    return "&".join(kept), [pair for pair in pairs if pair[0] not in MADE_ANEW]


def _holds_nothing(encoded: str) -> bool:
    # All names that are ever taken hold that, and no canonical escape hides a letter or an underscore.
    return "auth_" not in encoded and has_canonical_escapes(encoded)


def _is_protocol(name: str) -> bool:
    return name.startswith("oauth_")


def _wire_uri(uri: str | bytes) -> str:
    text = to_unicode(uri)
    scheme, separator, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    wire = on_the_wire(path)
    return text if wire == path else f"{scheme}{separator}{authority}{slash}{wire}"


def _wire_body(body: Any) -> Any:
    # http.client would send text as ISO-8859-1.
    if isinstance(body, str):
        return body if body.isascii() else body.encode()
    return bytes(body) if isinstance(body, (bytearray, memoryview)) else body


def _form_text(body: Any) -> str:
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, bytes):
        return body.decode("utf-8", "surrogateescape")
    if not isinstance(body, (str, type(None))):
        raise TypeError("body: a form has to be bytes, str or a binary file")
    return body or ""
