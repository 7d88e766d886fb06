"""``Request``: the drop-in dict of parameters over the functions of RFC 5849 section 3."""

from __future__ import annotations

from functools import lru_cache

from .encoding import escape, is_utf8, percent_encode, to_text, to_unicode, to_unicode_optional_iterator
from .errors import InvalidRequest, InvalidURL, ParameterAbsent
from .generate import generate_timestamp, make_nonce
from .pairs import Pairs, encode_pairs, encode_texts, group_pairs, without
from .parameters import (
    add_to_query,
    body_hash,
    build_form,
    encode_form,
    is_oauth_header,
    join_header,
    parse_authorization_header,
    parse_form,
    parse_form_as_sent,
    query_of,
    text_pairs,
)
from .received import Snapshot, collect_parameters, find_headers, form_body, refuse_ambiguity
from .signature import (
    SignatureMethod,
    SignatureMethod_HMAC_SHA1,
    base_string_of,
    base_string_uri,
    body_digest,
    join_encoded,
    overridable_text,
    url_text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from .received import Headers

OAUTH_VERSION = "1.0"
HTTP_METHOD = "GET"
_TEXT = {str}
SIGNATURE_METHOD = "PLAINTEXT"  # kept for its name; no method is a default


class Request(dict[str, "Any"]):
    """The parameters of one HTTP request: a dict of name to value, or to a list of values.

    After signing, ``oauth_signature`` and ``oauth_body_hash`` are bytes, as in
    python-oauth2. The dict holds what travels besides the URL's query: the protocol parameters
    and, for a form, the form. A request made by :meth:`from_request` holds the
    parameters of the query, too.

    Args:
        method: HTTP request method, in any case.
        url: Absolute http or https URL, with its query.
        parameters: Decoded; values are str, bytes (UTF-8), numbers, or sequences of these.
        body: The body: bytes, str, None or a seekable binary file.
        is_form_encoded: The body is a form, and *parameters* are what it holds.

    Raises:
        TypeError: *url* or a parameter is neither text nor UTF-8 bytes.
        ValueError: *url* has no base string URI.
    """

    version = OAUTH_VERSION

    #: Limits on what :meth:`from_request` reads, checked before it does: bytes of
    #: the Authorization header, number of parameters, bytes of query and of form.
    max_header = 16 * 1024
    max_parameters = 1_000
    max_form = 1024 * 1024

    _last: Snapshot | None = None  # what was encoded last: true as long as it equals the dict
    _holds_query = False  # what from_request() makes does

    #: Base string URI of :attr:`url` (section 3.4.1.2), set with it.
    normalized_url: str | None

    def __init__(
        self,
        method: str = HTTP_METHOD,
        url: str | bytes | None = None,
        parameters: Mapping[Any, Any] | None = None,
        body: Any = b"",
        is_form_encoded: bool = False,
    ) -> None:
        if url is not None:
            self.url = url if type(url) is str else to_unicode(url)
        self.method = method
        if parameters is not None:
            if type(parameters) is dict and {*map(type, parameters), *map(type, parameters.values())} == _TEXT:
                self.update(parameters)
            else:
                for name, value in parameters.items():
                    self[to_unicode(name)] = to_unicode_optional_iterator(value)
        self.body = body
        self.is_form_encoded = is_form_encoded

    def __repr__(self) -> str:
        # Names only: under PLAINTEXT the signature is the secrets.
        url = getattr(self, "normalized_url", None)
        return f"<{type(self).__name__} {self.method} {url} {sorted(map(str, self))}>"

    @property
    def method(self) -> str:
        """HTTP request method, upper case."""
        return self._method

    @method.setter
    def method(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError("method: str wanted")
        self._method = value.upper()

    @property
    def url(self) -> str | None:
        """The URL as given; setting it sets :attr:`normalized_url`. An AttributeError if none was."""
        return self._url

    @url.setter
    def url(self, value: str | None) -> None:
        self.normalized_url = None if value is None else base_string_uri(value)
        self._url = value
        self._holds_query = False  # so that from_request() sets it last

    @url.deleter
    def url(self) -> None:
        del self._url

    # --- parameters -------------------------------------------------------------

    def get_parameter(self, parameter: str) -> Any:
        """Return a parameter's value.

        Raises:
            ParameterAbsent: There is none.
        """
        value = self.get(parameter)
        if value is None:
            raise ParameterAbsent(f"Parameter not found: {parameter}")
        return value

    def get_nonoauth_parameters(self) -> dict[str, Any]:
        """Return the parameters whose names do not start with ``oauth_``."""
        return {name: value for name, value in self.items() if not name.startswith("oauth_")}

    def get_normalized_parameters(self) -> str:
        """Return the normalized request parameters (section 3.4.1.3.2), the URL's query included."""
        return join_encoded(self._signed_pairs())

    def _base_string(self) -> str:
        # What a signature covers. A subclass may have a word in it, and so may whoever patches the class.
        if type(self).get_normalized_parameters is not _get_normalized_parameters:
            return overridable_text(self)
        uri = getattr(self, "normalized_url", None)
        if uri is None:
            raise ValueError("request: its url is not set")
        return base_string_of(self.method, uri, self._encoded() if self._holds_query else self._signed_pairs())

    def _signed_pairs(self) -> list[str]:
        encoded = self._encoded()
        if self._holds_query or not (query := self._query()):
            return encoded
        sent = encode_form(query)
        # A form travels beside the query, and each pair of both counts. Else the
        # dict may repeat the query, and nobody can tell: what is in both counts once.
        return sent + (encoded if self.is_form_encoded else without(encoded, sent))

    def _encoded(self) -> list[str]:
        last = self._last
        if last is not None and last.parameters == self:
            return last.encoded
        encoded = encode_texts(self)
        if encoded is None:
            return encode_pairs(text_pairs(self))
        self._last = Snapshot(dict(self), encoded)  # of a list, which could change, or a number there is none
        return encoded

    def take_encoded(self, others: list[str]) -> None:
        """Take the caller's word for what all parameters but the protocol's are encoded.

        Args:
            others: What :func:`~oauth2.pairs.encode_pairs` makes of them.
        """
        protocol = encode_texts({name: value for name, value in self.items() if name[:6] == "oauth_"})
        if protocol is not None and len(protocol) + len(others) == len(self):  # else a name stands twice
            self._last = Snapshot(dict(self), protocol + others)

    def _query(self) -> str:
        url = getattr(self, "_url", None)
        if url is None:
            raise ValueError("request: its url is not set")
        return url.partition("?")[2] if "#" not in url else query_of(url)

    def _get_timestamp_nonce(self) -> tuple[Any, Any]:
        timestamp, nonce = self.get("oauth_timestamp"), self.get("oauth_nonce")
        if timestamp is None or nonce is None:
            return self.get_parameter("oauth_timestamp"), self.get_parameter("oauth_nonce")
        return timestamp, nonce

    # --- signing ----------------------------------------------------------------

    def sign_request(
        self, signature_method: SignatureMethod, consumer: Any, token: Any, *, body_hash: bool = True
    ) -> None:
        """Sign the request: set ``oauth_signature``, and what it covers (section 3.4).

        Args:
            signature_method: How.
            consumer: Client credentials: any object with ``key`` and ``secret``.
            token: The same for the token; None or empty for none.
            body_hash: Set ``oauth_body_hash`` unless the body is a form.

        Raises:
            ValueError: The request has no URL.
        """
        if "oauth_consumer_key" not in self:
            self["oauth_consumer_key"] = consumer.key
        if token and "oauth_token" not in self:
            self["oauth_token"] = token.key
        self["oauth_signature_method"] = signature_method.name
        self.pop("oauth_signature", None)
        if body_hash and not self.is_form_encoded:
            self.pop("oauth_body_hash", None)
            method_name = signature_method.name
            both = _both(self._hash_of_body(method_name)) if self.body else _hash_of_nothing(method_name)
            self._encoded()
            self._add("oauth_body_hash", *both)
        signature = signature_method.sign(self, consumer, token)
        text = signature.decode() if type(signature) is bytes and signature.isascii() else to_text(signature)
        self._add("oauth_signature", signature, percent_encode(text))

    def _add(self, name: str, value: str | bytes, encoded_value: str) -> None:
        # What is known of the request stays as true, or as wrong, as it is.
        last = self._last
        if last is not None and name not in last.parameters:
            last.add(name, value, encoded_value)
        self[name] = value

    def _hash_of_body(self, method_name: str) -> str:
        body = self.body or b""
        return body_hash(body.encode() if isinstance(body, str) else body, body_digest(method_name))

    # --- sending ----------------------------------------------------------------

    def to_header(self, realm: str | None = "") -> dict[str, str]:
        """Return the Authorization header with the protocol parameters (section 3.5.1), as a dict.

        Args:
            realm: None leaves it out.

        Raises:
            ValueError: *realm* holds a control character.
        """
        return {"Authorization": join_header(self._encoded_protocol(), realm)}

    def to_url(self) -> str:
        """Return the URL with all parameters in its query (section 3.5.3).

        What the URL has stays as it is; what it does not have yet is added.
        """
        query = parse_form_as_sent(self._query())
        return add_to_query(self.url or "", build_form(without(text_pairs(self), query)))

    def to_postdata(self) -> str:
        """Return all parameters as a form body, sorted by name (section 3.5.2)."""
        encoded = self._encoded()
        if self._last is not None and self._last.encoded is encoded and len(encoded) == len(self):
            return "&".join(sorted(encoded)).replace(" ", "=")  # names differ, so that values do not count
        return "&".join(sorted(encoded, key=lambda both: both.partition(" ")[0])).replace(" ", "=")

    def protocol_form(self) -> str:
        """Return the protocol parameters as a form or a part of one, in the order they were set."""
        return "&".join(self._encoded_protocol()).replace(" ", "=")

    def _encoded_protocol(self) -> list[str]:
        encoded = self._encoded()
        if "&".join(["", *encoded]).count("&oauth_") < len(encoded):
            return [both for both in encoded if both[:6] == "oauth_"]
        return encoded

    def protocol_pairs(self) -> Pairs:
        """Return the decoded protocol parameters, in the order they were set."""
        return text_pairs({name: value for name, value in self.items() if name.startswith("oauth_")})

    # --- making -----------------------------------------------------------------

    @classmethod
    def make_timestamp(cls) -> str:
        """Return a value for ``oauth_timestamp``: seconds since 1970-01-01 00:00 UTC."""
        return str(generate_timestamp())

    @classmethod
    def make_nonce(cls) -> str:
        """Return a value for ``oauth_nonce``: 22 ASCII letters and digits, 130 bits."""
        return make_nonce()

    @classmethod
    def from_consumer_and_token(
        cls,
        consumer: Any,
        token: Any = None,
        http_method: str = HTTP_METHOD,
        http_url: str | bytes | None = None,
        parameters: Mapping[Any, Any] | None = None,
        body: Any = b"",
        is_form_encoded: bool = False,
    ) -> Self:
        """Make a request to be signed, with all protocol parameters but the signature's.

        What *parameters* holds is taken in place of what would be made.
        """
        if not hasattr(consumer, "key"):
            raise TypeError("consumer: an object with key and secret wanted")
        if token and not hasattr(token, "key"):
            raise TypeError("token: an object with key and secret wanted, or None")
        made = {
            "oauth_consumer_key": consumer.key,
            "oauth_timestamp": cls.make_timestamp(),
            "oauth_nonce": cls.make_nonce(),
            "oauth_version": cls.version,
            **(parameters or {}),
        }
        if token:
            made["oauth_token"] = token.key
            if getattr(token, "verifier", None):
                made["oauth_verifier"] = token.verifier
        return cls(http_method, http_url, made, body=body, is_form_encoded=is_form_encoded)

    @classmethod
    def from_token_and_callback(
        cls,
        token: Any,
        callback: str | None = None,
        http_method: str = HTTP_METHOD,
        http_url: str | bytes | None = None,
        parameters: Mapping[Any, Any] | None = None,
    ) -> Self:
        """Make the request that a user is redirected to for approval (section 2.2)."""
        made = {**(parameters or {}), "oauth_token": token.key}
        if callback:
            made["oauth_callback"] = callback
        return cls(http_method, http_url, made)

    @classmethod
    def from_request(
        cls,
        http_method: str,
        http_url: str | bytes,
        headers: Headers | None = None,
        parameters: Mapping[Any, Any] | None = None,
        query_string: str | bytes | None = None,
        *,
        body: bytes | str | None = None,
    ) -> Self | None:
        """Make a request of what a server received, to be verified (section 3.2).

        Give the *body* where you have it: then a form in it is read as the RFC
        says, and ``oauth_body_hash`` can be checked.

        Args:
            http_method: HTTP request method.
            http_url: The URL that clients sign, with its query. Scheme and host
                are believed: take them from configuration, not from the peer.
            headers: Header fields by name in any case, or a WSGI environ, or
                Django's META.
            parameters: The parameters as a framework merged them; for callers
                that do not have the body.
            query_string: The raw query, where *http_url* comes without it.
            body: The body as received; a form if its Content-Type says so.

        Returns:
            The request, or None if it has no parameters at all.

        Raises:
            Error: It is malformed, ambiguous or too large.
        """
        if parameters is not None and not hasattr(parameters, "items"):
            raise TypeError("parameters: a mapping wanted; a body goes into body=")
        url = http_url if type(http_url) is str else url_text(http_url)
        if "#" in url:  # never sent, and what follows it is nobody's parameter
            raise InvalidURL("The URL has a fragment.")
        authorization, content_type = find_headers({} if headers is None else headers)
        content, is_form_encoded = form_body(content_type, body)
        found, known = collect_parameters(
            url, authorization, content if is_form_encoded else None, query_string, parameters, cls
        )
        if not found:
            return None
        if not http_method.isascii():
            raise InvalidRequest("The HTTP request method is not ASCII.")
        if cls is not Request:  # what a subclass is given it may change
            request = cls(http_method, url, found.copy())
        else:
            request = cls.__new__(cls)
            request.normalized_url, request._url = base_string_uri(url), url
            request.method = http_method
            request.update(found)
        request.body = content
        request.is_form_encoded = is_form_encoded
        request._holds_query = True
        request._last = known
        return request

    def _received_parameters(self) -> dict[str, Any]:
        # For Server: all parameters once, after the strict look that from_request()
        # gives what it makes, and that a request made otherwise has not had.
        if self._holds_query:
            return self
        own, query = text_pairs(self), parse_form(self._query())
        if not all(is_utf8(name) and is_utf8(value) for name, value in own):
            raise InvalidRequest("A parameter is not valid UTF-8.")
        added = query if self.is_form_encoded else without(query, own)
        refuse_ambiguity(own, added)
        names = {name for name, _ in added}
        return {**self, **group_pairs([pair for pair in own + added if pair[0] in names])}

    def _as_read(self) -> Snapshot | None:
        # What from_request() read, if it told the protocol's parameters from others, and the request holds just that.
        last = self._last
        if last is not None and last.others is not None and self._holds_query and last.parameters == self:
            return last
        return None

    # --- drop-in, for code that calls what was private --------------------------

    @staticmethod
    def _split_header(header: str) -> dict[str, str]:
        if not is_oauth_header(header):
            header = f"OAuth {header}"
        return {name: value for name, value in parse_authorization_header(header) if name != "realm"}

    @staticmethod
    def _split_url_string(param_str: str | bytes) -> dict[str, Any]:
        return group_pairs(parse_form(param_str))


_get_normalized_parameters = Request.get_normalized_parameters


def _both(hashed: str) -> tuple[bytes, str]:
    # As it is set, and as it is sent.
    return hashed.encode("ascii"), percent_encode(hashed)


@lru_cache
def _hash_of_nothing(method_name: str) -> tuple[bytes, str]:
    return _both(body_hash(b"", body_digest(method_name)))


def build_xoauth_string(url: str, consumer: Any, token: Any = None) -> str:
    """Return the XOAUTH initial response that IMAP and SMTP servers take: a signed GET of *url*."""
    request = Request.from_consumer_and_token(consumer, token, "GET", url)
    request.sign_request(SignatureMethod_HMAC_SHA1(), consumer, token)
    parameters = ",".join([f'{name}="{escape(value)}"' for name, value in sorted(text_pairs(request))])
    return f"GET {url} {parameters}"
