"""``Request``: the drop-in class for the parameters of one HTTP request, RFC 5849 section 3."""

from __future__ import annotations

from collections.abc import Mapping

from ._body_hash import hash_of, hash_of_no_body
from ._checks import require_keys
from ._generate import generate_timestamp, make_nonce
from ._typing import Any, Self
from ._wire.base_string import base_string_of, join_encoded, url_text
from ._wire.constants import OAUTH_VERSION
from ._wire.form import (
    add_to_query,
    build_form,
    encode_form,
    parse_form,
    parse_form_as_sent,
    query_of,
    refuse_nested,
    text_pairs,
)
from ._wire.header import is_oauth_header, join_header, parse_authorization_header
from ._wire.pairs import Pairs, encode_pairs, encode_texts, group_pairs, subtract
from ._wire.percent import percent_encode
from ._wire.received import Headers, collect_parameters, find_headers, form_body, named, refuse_ambiguity
from ._wire.snapshot import Snapshot
from ._wire.text import is_utf8, to_text
from .credentials import Credentials
from .encoding import escape, to_unicode, to_unicode_optional_iterator
from .errors import InvalidRequest, InvalidURL, ParameterAbsent
from .parameters import BinaryFile
from .signature import SignatureMethod, SignatureMethod_HMAC_SHA1, base_string_uri

__all__ = ["HTTP_METHOD", "OAUTH_VERSION", "SIGNATURE_METHOD", "Request", "build_xoauth_string"]

HTTP_METHOD = "GET"
# This name exists only because existing programs import it. This package has no default signature method for a Request.
SIGNATURE_METHOD = "PLAINTEXT"
# Some web servers add a Content-Type to GET and HEAD requests. With these two methods, the Content-Type therefore does
# not show whether the parameters come from a form.
_BODILESS = ("GET", "HEAD")


class Request(dict[str, Any]):
    """The parameters of one HTTP request: a dict whose keys are names, and whose values are single values or lists.

    The dict contains the protocol parameters and, if the body is a form, the parameters of the form. The signature also
    covers the query of the URL, but the parameters of the query are in the dict only if :meth:`from_request` created
    the request. After signing, the values of ``oauth_signature`` and ``oauth_body_hash`` are bytes, as in
    python-oauth2.

    Args:
        method: HTTP request method, in upper or lower case.
        url: Absolute http or https URL, with its query.
        parameters: Decoded parameters; values are str, bytes (UTF-8), numbers, or flat sequences of
            these types. A parameter whose value is None is not sent.
        body: The body: bytes, str, None or a seekable binary file.
        is_form_encoded: Whether the body is a form whose parameters are *parameters*.

    Raises:
        TypeError: *url* or the name of a parameter is neither text nor UTF-8 bytes. The value of a parameter is bytes
            that are not UTF-8, or is a mapping.
        ValueError: *url* is not a valid absolute http or https URL.
    """

    version = OAUTH_VERSION

    #: Limits of :meth:`from_request`. A request that exceeds a limit is refused.
    #:
    #: max_url: maximum number of characters of the URL without its query.
    #: max_header: maximum number of characters of the Authorization header.
    #: max_parameters: maximum number of parameters.
    #: max_form: maximum number of bytes of the query, and maximum number of bytes of the form.
    max_url = 16 * 1024
    max_header = 16 * 1024
    max_parameters = 1_000
    max_form = 1024 * 1024

    #: Names of protocol parameters that :meth:`from_request` accepts in the query or the form, although the
    #: Authorization header contains the other protocol parameters. The set is empty, except if a provider receives a
    #: request for credentials.
    may_stand_apart = frozenset[str]()

    # Defaults for subclasses whose __init__() does not call super().__init__().
    body: bytes | str | BinaryFile | None = b""
    is_form_encoded = False
    _method = HTTP_METHOD

    #: Base string URI of :attr:`url` (section 3.4.1.2). Setting the URL also sets this attribute. If no URL is set,
    #: reading this attribute raises AttributeError, as in python-oauth2 1.9.
    normalized_url: str | None

    # Whether the dict contains the parameters of the URL's query. True only if from_request() created the request, and
    # the URL was not set after that.
    _includes_query = False
    # A snapshot of the parameters with their encoded form, or None. A program may change the dict at any time, so every
    # reader must call Snapshot.is_current() first.
    _snapshot: Snapshot | None = None

    def __init__(
        self,
        method: str = HTTP_METHOD,
        url: str | bytes | None = None,
        parameters: Mapping[str, object] | None = None,
        body: bytes | str | BinaryFile | None = b"",
        is_form_encoded: bool = False,
    ) -> None:
        if url is not None:
            self.url = to_unicode(url)
        self.method = method
        if parameters is not None:
            for name, value in parameters.items():
                if type(name) is str and type(value) is str:
                    self[name] = value
                else:
                    refuse_nested(name, value)
                    self[to_unicode(name)] = to_unicode_optional_iterator(value)
        self.body = body
        self.is_form_encoded = is_form_encoded

    def __repr__(self) -> str:
        # The text shows no values of parameters, because the signature of PLAINTEXT contains the secrets.
        url = getattr(self, "normalized_url", None)
        return f"<{type(self).__name__} {self.method} {url} {sorted(map(str, self))}>"

    @property
    def method(self) -> str:
        """HTTP request method, upper case."""
        return self._method

    @method.setter
    def method(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError("method: must be str")
        self._method = value.upper()

    @property
    def url(self) -> str | None:
        """The URL that the caller has set. Setting the URL also sets :attr:`normalized_url`.

        Raises:
            AttributeError: The URL was not set.
        """
        return self._url

    @url.setter
    def url(self, value: str | None) -> None:
        self.normalized_url = None if value is None else base_string_uri(value)
        self._url = value
        self._includes_query = False  # The dict does not contain the query of the new URL.

    @url.deleter
    def url(self) -> None:
        del self._url

    # --- parameters -------------------------------------------------------------

    def get_parameter(self, parameter: str) -> Any:
        """Return the value of a parameter.

        Raises:
            ParameterAbsent: The request does not have the parameter.
        """
        value = self.get(parameter)
        if value is None:
            raise ParameterAbsent(f"Parameter not found: {parameter}")
        return value

    def get_nonoauth_parameters(self) -> dict[str, Any]:
        """Return the parameters whose names do not start with ``oauth_``."""
        return {name: value for name, value in self.items() if not name.startswith("oauth_")}

    def get_normalized_parameters(self) -> str:
        """Return the normalized request parameters (section 3.4.1.3.2).

        The parameters in the query of the URL are included.
        """
        return join_encoded(self._encoded_signed())

    def get_signature_base_string(self) -> str:
        """Return the signature base string (section 3.4.1.1).

        Raises:
            ValueError: The request has no URL.
        """
        uri = getattr(self, "normalized_url", None)  # The attribute does not exist if no URL was set.
        if uri is None:
            raise ValueError("request: must have a url; set request.url")
        # Fast path: the parameters are encoded already, so the base string needs only three replacements. A subclass or
        # a program may replace get_normalized_parameters(). Then the result of the replacement must be signed. This
        # result may contain any character, so the slow path encodes the result.
        if type(self).get_normalized_parameters is _get_normalized_parameters:
            return base_string_of(self.method, uri, self._encoded_signed())
        parts = (self.method, uri, to_unicode(self.get_normalized_parameters()))
        return "&".join([percent_encode(part) for part in parts])

    def _encoded_signed(self) -> list[str]:
        encoded = self._encoded()
        if self._includes_query or not (query := self._query()):
            return encoded
        in_query = encode_form(query)
        # With a form, the client sends the query and the form, so the signature covers the parameters of both. Without
        # a form, the dict may repeat parameters of the query, as in python-oauth2. A repeated parameter is signed once.
        return in_query + (encoded if self.is_form_encoded else subtract(encoded, in_query))

    def _encoded(self) -> list[str]:
        snapshot = self._snapshot
        if snapshot is not None and snapshot.is_current(self):
            return snapshot.encoded
        encoded = encode_texts(self)
        if encoded is None:
            # A snapshot is possible only if all values are text. is_current() would not notice a change inside a list.
            # It would also not notice that True replaces 1: these two values are equal in Python, but their texts are
            # different.
            self._snapshot = None
            return encode_pairs(text_pairs(self))
        self._snapshot = Snapshot(dict(self), encoded)
        return encoded

    def _set_encoded_others(self, others: list[str]) -> None:
        """Set the encoded form of all parameters that are not protocol parameters.

        :mod:`oauth2._sending` calls this method, because that package has already encoded the form of the request.

        Args:
            others: The result of :func:`~oauth2._wire.pairs.encode_pairs`. This method does not check *others*.
        """
        protocol = encode_texts({name: value for name, value in self.items() if name.startswith("oauth_")})
        # If this condition is false, a name occurs more than once, or the protocol parameters cannot be encoded in one
        # pass. In these cases there is no snapshot.
        if protocol is not None and len(protocol) + len(others) == len(self):
            self._snapshot = Snapshot(dict(self), protocol + others)

    def _query(self) -> str:
        url = getattr(self, "_url", None)
        if url is None:
            raise ValueError("request: must have a url; set request.url")
        return query_of(url)

    def _get_timestamp_nonce(self) -> tuple[Any, Any]:
        timestamp, nonce = self.get("oauth_timestamp"), self.get("oauth_nonce")
        if timestamp is None or nonce is None:
            return self.get_parameter("oauth_timestamp"), self.get_parameter("oauth_nonce")
        return timestamp, nonce

    # --- signing ----------------------------------------------------------------

    def sign_request(
        self,
        signature_method: SignatureMethod,
        consumer: Credentials,
        token: Credentials | None,
        *,
        body_hash: bool = True,
    ) -> None:
        """Sign the request: set ``oauth_signature`` and the parameters that the signature needs (section 3.4).

        Args:
            signature_method: The signature method.
            consumer: Client credentials: any object with ``key`` and ``secret``.
            token: Token credentials or temporary credentials. None, or any false value, means that
                there is no token: ``oauth_token`` is not set, and the token secret is empty.
            body_hash: Whether to set ``oauth_body_hash``. ``oauth_body_hash`` is never set if the body is a form.

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
            body, name = self.body, signature_method.name
            hashed = hash_of(body, name) if body else hash_of_no_body(name)
            self._encoded()  # This call creates a current snapshot, which _set_and_encode() needs.
            self._set_and_encode("oauth_body_hash", *hashed)
        signature = signature_method.sign(self, consumer, token)
        self._set_and_encode("oauth_signature", signature, percent_encode(to_text(signature)))

    def _set_and_encode(self, name: str, value: str | bytes, encoded_value: str) -> None:
        # The parameter is added to the snapshot and to the request. A current snapshot therefore remains current, and
        # to_header() need not encode all parameters again.
        if self._snapshot is not None:
            self._snapshot.add(name, value, encoded_value)
        self[name] = value

    # --- sending ----------------------------------------------------------------

    def to_header(self, realm: str | None = "") -> dict[str, str]:
        """Return the Authorization header with the protocol parameters (section 3.5.1), as a dict.

        Args:
            realm: The realm; None for a header without a realm.

        Raises:
            TypeError: *realm* is not str.
            ValueError: *realm* contains a control character.
        """
        return {"Authorization": join_header(self._encoded_protocol(), realm)}

    def to_url(self) -> str:
        """Return the URL with all parameters in its query (section 3.5.3).

        The existing query of the URL is not changed. Parameters that are not in the query are appended.
        """
        query = parse_form_as_sent(self._query())
        return add_to_query(self.url or "", build_form(subtract(text_pairs(self), query)))

    def to_postdata(self) -> str:
        """Return all parameters as a form body, sorted by name (section 3.5.2)."""
        encoded = self._encoded()
        snapshot = self._snapshot
        if snapshot is not None and snapshot.encoded is encoded and len(encoded) == len(self):
            # Fast path: if there are as many pairs as names, no value is a list, and no name occurs twice. Sorting by
            # name and value then gives the order that sorting by name gives.
            return "&".join(sorted(encoded)).replace(" ", "=")
        return "&".join(sorted(encoded, key=lambda parameter: parameter.partition(" ")[0])).replace(" ", "=")

    def protocol_form(self) -> str:
        """Return the encoded protocol parameters for a query or a form, in the order in which they were set."""
        return "&".join(self._encoded_protocol()).replace(" ", "=")

    def _encoded_protocol(self) -> list[str]:
        # Two comparisons are faster than str.startswith("oauth_"). "`" is the character after "_", so the comparisons
        # are true exactly for the names that start with "oauth_".
        return [parameter for parameter in self._encoded() if "oauth_" <= parameter < "oauth`"]

    def protocol_pairs(self) -> Pairs:
        """Return the decoded protocol parameters, in the order in which they were set."""
        return text_pairs({name: value for name, value in self.items() if name.startswith("oauth_")})

    # --- making requests ----------------------------------------------------------

    @classmethod
    def make_timestamp(cls) -> str:
        """Return a value for ``oauth_timestamp``: seconds since 1970-01-01 00:00 UTC."""
        return str(generate_timestamp())

    @classmethod
    def make_nonce(cls) -> str:
        """Return a value for ``oauth_nonce``: 22 ASCII letters and digits with 130 random bits."""
        return make_nonce()

    @classmethod
    def from_consumer_and_token(
        cls,
        consumer: Credentials,
        token: Credentials | None = None,
        http_method: str = HTTP_METHOD,
        http_url: str | bytes | None = None,
        parameters: Mapping[str, object] | None = None,
        body: bytes | str | BinaryFile | None = b"",
        is_form_encoded: bool = False,
    ) -> Self:
        """Make a request to sign. The request has all protocol parameters that :meth:`sign_request` does not set.

        A protocol parameter in *parameters* replaces the value that this method would set.

        Args:
            consumer: Client credentials: any object with ``key`` and ``secret``.
            token: Token credentials or temporary credentials: any object with ``key`` and ``secret``. None, or any
                false value, means that there is no token.
            http_method: HTTP request method.
            http_url: Absolute http or https URL, with its query.
            parameters: See :class:`Request`.
            body: See :class:`Request`.
            is_form_encoded: See :class:`Request`.

        Raises:
            TypeError: *consumer* or *token* has no key or no secret; or :class:`Request` raises TypeError.
            ValueError: :class:`Request` raises ValueError.
        """
        require_keys(consumer, token)
        made = {
            "oauth_consumer_key": consumer.key,
            "oauth_timestamp": cls.make_timestamp(),
            "oauth_nonce": cls.make_nonce(),
            "oauth_version": cls.version,
            **(parameters or {}),
        }
        if token:
            made["oauth_token"] = token.key
            if verifier := getattr(token, "verifier", None):
                made["oauth_verifier"] = verifier
        return cls(http_method, http_url, made, body=body, is_form_encoded=is_form_encoded)

    @classmethod
    def from_token_and_callback(
        cls,
        token: Credentials,
        callback: str | None = None,
        http_method: str = HTTP_METHOD,
        http_url: str | bytes | None = None,
        parameters: Mapping[str, object] | None = None,
    ) -> Self:
        """Make a request whose :meth:`to_url` returns the URL at which the user can approve *token* (section 2.2)."""
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
        parameters: Mapping[str, object] | None = None,
        query_string: str | bytes | None = None,
        *,
        body: bytes | str | None = None,
    ) -> Self | None:
        """Make a request to verify, from the parts of a received HTTP request (section 3.2).

        Pass *body* if your program has the body. With *body*, a form is read as RFC 5849 requires, and
        ``oauth_body_hash`` can be checked.

        Args:
            http_method: HTTP request method.
            http_url: The URL that clients sign, with its query. This method does not check the scheme and the host, so
                take the scheme and the host from your configuration, not from the peer.
            headers: A mapping of header fields, whose names may be in upper or lower case; or a WSGI environ, or
                Django's META.
            parameters: The parameters of query and form that a framework has merged. Pass *parameters* if your program
                does not have the body. If the method is neither GET nor HEAD, and the request has a Content-Type that
                is not the media type of a form, *parameters* are ignored.
            query_string: The encoded query, if *http_url* does not contain the query.
            body: The received body. If the Content-Type is the media type of a form, the body is read as a form.

        Returns:
            The request, or None if the received request has no parameters at all.

        Raises:
            Error: The request is malformed, ambiguous or too large.
            TypeError: An argument has the wrong type.
        """
        if parameters is not None and not hasattr(parameters, "items"):
            raise TypeError("parameters: must be a mapping; pass a body as body=")
        url = url_text(http_url)
        query = _received_query(url, cls.max_url)
        authorization, content_type = find_headers({} if headers is None else headers)
        content, is_form_encoded = form_body(content_type, body)
        if parameters and content_type and not is_form_encoded and http_method.upper() not in _BODILESS:
            parameters = None  # The framework has parsed multipart or JSON, whose fields the signature does not cover.
        form = content if is_form_encoded else None
        found, others, encoded = collect_parameters(query, authorization, form, query_string, parameters, cls)
        if not found:
            return None
        if not http_method.isascii():
            # upper() makes some of these characters ASCII letters, so two methods would have the same signature.
            raise InvalidRequest("The HTTP request method is not ASCII.")
        request = cls._from_texts(http_method, url, found)
        request.body = content
        request.is_form_encoded = is_form_encoded
        request._includes_query = True
        # If a name occurs more than once, its value is a list. The snapshot contains a copy of this list, because the
        # program may change the list in the request.
        if len(found) < len(encoded):
            found = {name: value.copy() if isinstance(value, list) else value for name, value in found.items()}
        request._snapshot = Snapshot(found, encoded, others)
        return request

    @classmethod
    def _from_texts(cls, http_method: str, url: str, found: dict[str, Any]) -> Self:
        if cls is not Request:
            # Pass a copy, because the __init__() of a subclass may change the dict.
            return cls(http_method, url, found.copy())
        # Fast path: all parameters are text already, so the conversions in __init__() are not needed.
        request = cls.__new__(cls)
        request.normalized_url, request._url = base_string_uri(url), url
        request._method = http_method.upper()
        request.update(found)
        return request

    def _protocol_and_others(self) -> tuple[Mapping[str, str], Mapping[str, Any]]:
        """Return the protocol parameters and the other parameters of a received request, for :class:`~oauth2.Server`.

        Returns:
            Two mappings, whose keys are names. The first mapping contains the protocol parameters as text, and may also
            contain other parameters. The second mapping contains exactly the parameters that are not protocol
            parameters, including those in the query.

        Raises:
            Error: The request is malformed or ambiguous.
        """
        snapshot = self._snapshot
        # Fast path: from_request() has checked and separated the parameters, and the parameters have not changed since.
        if snapshot is not None and snapshot.others is not None and self._includes_query and snapshot.is_current(self):
            return snapshot.parameters, snapshot.others
        parameters = self if self._includes_query else self._with_query()
        protocol = {name: value for name, value in parameters.items() if name.startswith("oauth_")}
        for name, value in protocol.items():
            if isinstance(value, (list, tuple)):
                raise InvalidRequest(f"A protocol parameter occurs twice{named(name)}.")
        texts = {name: to_text(value) for name, value in protocol.items()}
        return texts, {name: value for name, value in parameters.items() if name not in protocol}

    def _with_query(self) -> dict[str, Any]:
        # from_request() checks the parameters of the requests that it creates. If a program created this request in
        # another way, this method must check the parameters and the query of the URL.
        own, query = text_pairs(self), parse_form(self._query())
        if not all(is_utf8(name) and is_utf8(value) for name, value in own):
            raise InvalidRequest("A parameter is not valid UTF-8.")
        added = query if self.is_form_encoded else subtract(query, own)
        refuse_ambiguity([name for name, _ in own], [name for name, _ in added])
        # If a name is both in the dict and in the query, its value is a list of the values from both places.
        names = {name for name, _ in added}
        return {**self, **group_pairs([pair for pair in own + added if pair[0] in names])}

    # --- drop-in: private methods that programs call -------------------------

    @staticmethod
    def _split_header(header: str | None) -> dict[str, str]:
        if header is None:  # A framework returns None if the client sent no Authorization header.
            raise _HeaderError("There is no Authorization header.")
        if not is_oauth_header(header):
            header = f"OAuth {header}"
        try:
            return {name: value for name, value in parse_authorization_header(header) if name != "realm"}
        except InvalidRequest as exc:
            raise _HeaderError(exc.message) from None

    @staticmethod
    def _split_url_string(param_str: str | bytes | None) -> dict[str, Any]:
        return group_pairs(parse_form(param_str)) if param_str else {}


class _HeaderError(InvalidRequest, AttributeError, IndexError):
    """Raised by ``Request._split_header()``.

    python-oauth2 1.9 raises AttributeError if the header is None, and IndexError if its scheme is not OAuth. Existing
    programs catch these two errors, so this class inherits from both.
    """


_get_normalized_parameters = Request.get_normalized_parameters


def _received_query(url: str, longest: int) -> str:
    base, _, query = url.partition("?")
    if "#" in url:  # Clients never send a fragment, and a signature would not cover the fragment.
        raise InvalidURL("The URL has a fragment.")
    if len(base) > longest:
        raise InvalidURL("The URL is too long.")
    return query


def build_xoauth_string(url: str, consumer: Credentials, token: Credentials | None = None) -> str:
    """Return the initial response of the XOAUTH mechanism for IMAP and SMTP: a signed GET request for *url* as text."""
    request = Request.from_consumer_and_token(consumer, token, "GET", url)
    request.sign_request(SignatureMethod_HMAC_SHA1(), consumer, token)
    parameters = ",".join([f'{name}="{escape(value)}"' for name, value in sorted(text_pairs(request))])
    return f"GET {url} {parameters}"
