"""The base class of the classes ``OAuth1``, which sign the requests of HTTP libraries."""

from __future__ import annotations

from collections.abc import Callable

from .._sending.refusals import reporter_of
from .._sending.signer import HEADER, Placement, Realm, Signer
from ..clock import ClientClock, Clock
from ..credentials import Credentials
from ..signature import SignatureMethod, SignatureMethod_HMAC_SHA1
from .explanation import Explanation


class BaseOAuth1:
    """The base class of the class ``OAuth1`` for each HTTP library. It has the constructor and :meth:`explain`.

    Attributes:
        signer: The credentials and the options for signing.
    """

    def __init__(
        self,
        consumer: Credentials,
        token: Credentials | None = None,
        *,
        signature_method: SignatureMethod | None = None,
        placement: Placement | None = HEADER,
        realm: Realm = None,
        body_hash: bool = True,
        clock: ClientClock | None = None,
        on_refusal: Callable[[Explanation], object] | None = None,
    ) -> None:
        """Sign with client credentials and, if there is a token, with token credentials.

        Args:
            consumer: Client credentials.
            token: Token credentials; None or a false value if there is no token.
            signature_method: The signature method; defaults to HMAC-SHA1.
            placement: The place of the protocol parameters: "header", "query" or "body". With None, the place is the
                body if the body is a form. Otherwise the place is the query for a GET, and the header for any other
                HTTP method.
            realm: The realm of the Authorization header: text, a function that is called with the URL,
                :data:`oauth2.clients.ORIGIN` for scheme and host, or None for no realm.
            body_hash: Whether to send ``oauth_body_hash``. If the body is a form, ``oauth_body_hash`` is never sent. A
                GET, HEAD, DELETE or OPTIONS request without a body also has no ``oauth_body_hash``, unless the
                signature method requires it.
            clock: The clock for timestamps. This clock is corrected if a service refuses a timestamp. Defaults to a new
                :class:`~oauth2.clock.Clock`.
            on_refusal: A function that is called with the :class:`~oauth2.clients.explanation.Explanation` of a
                refusal, before the program gets the response. A refusal is a 401 response, or a 400 or 403 response
                with an ``oauth_problem``. The body of the refusal is read before the call. If the function raises an
                error, the program gets this error instead of the response.

        Raises:
            TypeError: *signature_method* is not a SignatureMethod, *on_refusal* is not a function, or an argument is
                unknown.
            ValueError: Another argument is not valid.
        """
        self.signer = Signer(
            consumer=consumer,
            token=token,
            signature_method=SignatureMethod_HMAC_SHA1() if signature_method is None else signature_method,
            placement=placement,
            realm=realm,
            body_hash=body_hash,
            clock=Clock() if clock is None else clock,
            on_refusal=reporter_of(on_refusal),
        )

    def explain(self, answer: bytes | str | None = None, *, their_base_string: str | None = None) -> Explanation:
        """Return the possible reasons why the service refused the last request.

        If this thread or task has signed its last request with this object, this method explains that request.
        Otherwise, this method explains the last request that any thread or task has signed with this object. This
        method sends no request. If the service shows a base string that no known mistake produces, this method can take
        up to two seconds.

        Args:
            answer: The body of the response, as bytes or str. Pass *answer* only if the library has not read the body,
                or if the status of the response is not 400, 401 or 403.
            their_base_string: The signature base string that the service computed, if the response does not contain
                this base string.

        Raises:
            ValueError: No request has been signed yet.
            TypeError: An argument has the wrong type.
        """
        from .._sending.explaining import explain  # The package oauth2.doctor is loaded on first use.

        return explain(self.signer, self.signer.record.current(), answer, their_base_string)
