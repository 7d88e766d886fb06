"""Sign a request that an HTTP client is about to send.

A client passes the unsigned request and gets the signed request. This module changes the caller's query and body only
in two ways. First, protocol parameters are moved to one place (RFC 5849 section 3.5). Second, characters that a query
or a form must not contain are percent-encoded, because strict servers refuse such characters. The signature covers
exactly the request that is sent.
"""

from __future__ import annotations

from collections.abc import Container, MutableMapping
from typing import Any, NamedTuple

from .._wire.form import FORM, add_to_query, encode_form, is_form
from .._wire.header import LWS, is_oauth_header
from .._wire.pairs import Pairs, decode_pairs_as_sent, group_pairs
from .._wire.uri import encode_illegal, is_all_legal
from ..encoding import to_unicode
from ..errors import InvalidURL
from ..http import shown_url
from ..request import Request
from ..signature import SignatureMethod, base_string_uri
from .body import form_text, wire_body
from .fields import text_of
from .signer import BODY, HEADER, QUERY, Origin, Placement, Signer
from .uri import COMPUTED, is_protocol, legal_uri, origin_of, take_from_form, take_from_query, take_protocol

#: Protocol parameters that must have new values each time that a request is sent.
SENT_ONCE = COMPUTED | {"oauth_nonce", "oauth_timestamp"}

_BODILESS = ("GET", "HEAD")
# A request with one of these methods usually has no body. If it has no body, the client does not send the hash of the
# empty body, because this hash protects nothing, and some services refuse it.
_USUALLY_BODILESS = ("GET", "HEAD", "DELETE", "OPTIONS")


class Outgoing(NamedTuple):
    """A request of an HTTP client, before or after signing.

    Attributes:
        method: HTTP request method, in upper or lower case.
        uri: Absolute http or https URL.
        body: bytes, str, None, a binary file, or an iterable of bytes.
        content_type: The value of the Content-Type header field; ``""`` if there is none.
        authorization: The value of the Authorization header field to send; None if the protocol parameters are in the
            query or the body, or if the request is not signed.
        protocol: Names of the protocol parameters that were added during signing.
        hashed: The value of ``oauth_body_hash`` if the client has already computed it, otherwise None.
        host: The value of the Host header field if the caller has set this field. Otherwise ``""``; the client then
            sends the host of the URI.
    """

    method: str
    uri: str
    body: Any = None
    content_type: str = ""
    authorization: str | None = None
    protocol: frozenset[str] = frozenset()
    hashed: str | None = None
    host: str = ""

    def __repr__(self) -> str:
        # Query, body and header are not shown, because they can contain signatures. A PLAINTEXT signature contains the
        # secrets.
        return f"<{type(self).__name__} {self.method} {shown_url(self.uri)}>"


def sign_outgoing(
    outgoing: Outgoing, signer: Signer, *, timestamp: int | None = None, ignored: Container[str] = COMPUTED
) -> Outgoing:
    """Return the signed request, with all protocol parameters in one place (section 3.5).

    The caller may have put protocol parameters, such as ``oauth_callback``, into the query or a form body.
    This function moves these parameters to the place of the other protocol parameters.

    Args:
        outgoing: The request before signing.
        signer: The credentials and the options for signing.
        timestamp: The value of ``oauth_timestamp``, in seconds since 1970-01-01 00:00 UTC; defaults to the time of this
            machine's clock.
        ignored: Names of protocol parameters that are removed if the caller has put them into the request. If the
            request was sent before, *ignored* must be :data:`SENT_ONCE`.

    Raises:
        InvalidURL: The URI is not an http or https URL.
        TypeError: The body can be read only once, so the client cannot hash the body and then send it.
        ValueError: The secrets would be sent over plain http. Or the placement is "body", but the body is not a form.
            Or the Host header is not valid.
    """
    method = signer.signature_method
    parts = _take_apart(outgoing, signer.placement, ignored)
    if method.needs_tls and not base_string_uri(parts.uri).startswith("https:"):
        raise ValueError(
            f"uri: must be https, because {method.name} sends the secrets themselves;"
            " if plain http is safe, use SignatureMethod_PLAINTEXT_OVER_HTTP"
        )
    encoded = encode_form(parts.form) if parts.form else []
    request = _request(outgoing, signer, parts, encoded)
    if timestamp is not None and "oauth_timestamp" not in [name for name, _ in parts.own]:
        request["oauth_timestamp"] = str(timestamp)
    is_hashed = signer.body_hash and _may_be_hashed(outgoing, parts, method)
    if is_hashed and outgoing.hashed and parts.form is None:
        request["oauth_body_hash"] = outgoing.hashed.encode("ascii")
        is_hashed = False
    if encoded and type(request) is Request:
        # sign_request() sets this parameter later. Here the parameter is set before _set_encoded_others(), so that the
        # snapshot contains the parameter.
        request["oauth_signature_method"] = method.name
        request._set_encoded_others(encoded)
    request.sign_request(method, signer.consumer, signer.token, body_hash=is_hashed)
    return _put_together(outgoing, signer, parts, request)


def write_authorization(headers: MutableMapping[str, Any], signed: Outgoing) -> None:
    """Set the Authorization and Content-Type fields of *headers* for a signed request.

    Protocol parameters must be in one place only (section 3.5). If they are in the query or the body, this function
    therefore removes an Authorization field whose scheme is OAuth. An Authorization field with another scheme, such as
    Basic or Bearer, is not changed.

    Args:
        headers: Header fields. Names may be in upper or lower case. Values are str or bytes.
        signed: The request to send.
    """
    if signed.authorization is not None:
        headers["Authorization"] = signed.authorization
    elif is_oauth_header(text_of(headers.get("Authorization") or "")):
        del headers["Authorization"]
    if signed.content_type and not headers.get("Content-Type"):
        headers["Content-Type"] = signed.content_type


class _Parts(NamedTuple):
    """The parts of a request to sign.

    Attributes:
        uri: The URI without protocol parameters.
        body: The body before signing.
        content_type: The value of the Content-Type header field; ``""`` if there is none.
        form: The body without protocol parameters; None if the body is not a form.
        own: The decoded protocol parameters that the caller has put into query or form.
        placement: The place for all protocol parameters.
    """

    uri: str
    body: Any
    content_type: str
    form: str | None
    own: Pairs
    placement: Placement

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {shown_url(self.uri)}>"


def _take_apart(outgoing: Outgoing, placement: Placement | None, ignored: Container[str]) -> _Parts:
    uri: str = to_unicode(outgoing.uri)
    own: Pairs = []
    # Fast path: if this condition is false, the URI has no characters to encode and no parameters to move.
    if "auth_" in uri or not is_all_legal(uri):
        uri, own = take_protocol(legal_uri(uri))
    method, content_type, body = outgoing.method.upper(), outgoing.content_type, wire_body(outgoing.body)
    if placement == BODY and not body and not content_type:
        content_type = FORM
    form: str | None = None
    if is_form(content_type) and (body or placement == BODY or method not in _BODILESS):
        form, in_form = _take_from_body(body)
        own += in_form
    if ignored is not COMPUTED:  # With COMPUTED, take_protocol() has already removed the ignored parameters.
        own = [pair for pair in own if pair[0] not in ignored]
    if placement is None:
        placement = BODY if form is not None else QUERY if method == "GET" else HEADER
    if placement == BODY and form is None:
        raise ValueError('placement: must not be "body" for a body that is not a form; use "header" or "query"')
    return _Parts(uri, body, content_type, form, own, placement)


def _take_from_body(body: Any) -> tuple[str, Pairs]:
    form = form_text(body)
    if "auth_" in form or not is_all_legal(form):
        return take_from_form(encode_illegal(form), is_protocol)
    return form, []


def _request(outgoing: Outgoing, signer: Signer, parts: _Parts, encoded: list[str]) -> Request:
    request = Request.from_consumer_and_token(
        signer.consumer,
        token=signer.token,
        http_method=outgoing.method.upper(),
        http_url=parts.uri,
        parameters=group_pairs([*decode_pairs_as_sent(encoded), *parts.own]) if encoded or parts.own else None,
        body=parts.body,
        is_form_encoded=parts.form is not None,
    )
    if outgoing.host:
        request.normalized_url = _uri_at(parts.uri, outgoing.host, request.normalized_url)
    return request


def _uri_at(uri: str, host: str, base: str | None) -> str | None:
    # If the Host header and the URI have different hosts, the signature must use the Host header (section 3.4.1.2
    # rule 2). Some clients set Host in every request, usually to the host of the URI, so the equality of the two hosts
    # is tested first.
    if base is not None and "/" not in host and base.startswith((f"https://{host}/", f"http://{host}/")):
        return base
    try:
        return base_string_uri(uri, host=host.strip(LWS) if host.isascii() else "")
    except InvalidURL:
        raise ValueError("headers: Host must be a host name or address, with an optional port") from None


def _may_be_hashed(outgoing: Outgoing, parts: _Parts, method: SignatureMethod) -> bool:
    has_body = bool(parts.body or outgoing.hashed)
    return has_body or method.hashes_no_body or outgoing.method.upper() not in _USUALLY_BODILESS


def _put_together(outgoing: Outgoing, signer: Signer, parts: _Parts, request: Request) -> Outgoing:
    uri, body, content_type, form, _, placement = parts
    authorization = None
    if placement == HEADER:
        authorization = request.to_header(_realm(signer, uri, request))["Authorization"]
    elif placement == QUERY:
        uri = add_to_query(uri, request.protocol_form())
    else:
        form = "&".join(filter(None, [form, request.protocol_form()]))
    if form is not None:
        body = form.encode("ascii") if isinstance(body, bytes) else form
    names = frozenset(request if form is None else [name for name in request if name[:6] == "oauth_"])
    return Outgoing(outgoing.method, uri, body, content_type, authorization, names, host=outgoing.host)


def _realm(signer: Signer, uri: str, request: Request) -> str | None:
    realm = signer.realm
    if isinstance(realm, Origin):
        return origin_of(request.normalized_url or "")
    return realm(uri) if callable(realm) else realm


def without_credentials(outgoing: Outgoing) -> Outgoing:
    """Return *outgoing* without the protocol parameters in a form body, and without xAuth parameters."""
    uri, _ = take_from_query(outgoing.uri, lambda name: name.startswith("x_auth_"))
    body = wire_body(outgoing.body)
    if is_form(outgoing.content_type) and body is not None:
        form = encode_illegal(form_text(body))
        kept, _ = take_from_form(form, lambda name: name.startswith(("oauth_", "x_auth_")))
        body = kept if isinstance(body, str) else kept.encode("ascii")
    return outgoing._replace(uri=uri, body=body)
