"""Everything that a peer can cause: one tree below :class:`Error`.

::

Error:
    ├── InvalidRequest            400  what was sent cannot be processed
    │   ├── InvalidURL                 no usable http(s) URL
    │   ├── ParameterAbsent            a required protocol parameter is missing
    │   │   └── MissingSignature       ... and it is oauth_signature
    │   ├── VersionRejected            oauth_version is not "1.0"
    │   ├── SignatureMethodRejected    the method is not on the allow-list
    │   ├── CallbackRejected           oauth_callback is not one that the client registered
    │   └── InsecureTransport          credentials are issued over https only
    ├── Unauthorized              401  it was processed, and nobody gets in
    │   ├── SignatureInvalid           unknown credentials, or a wrong signature
    │   ├── BodyHashInvalid            the body is not the one that was signed
    │   ├── TimestampRefused           outside the time window
    │   ├── NonceUsed                  this request was here before
    │   ├── PermissionDenied           rightly signed, and not allowed
    │   ├── TokenExpired               the token credentials have to be renewed
    │   ├── TokenRejected              the temporary credentials, or the session, are over
    │   └── VerifierInvalid            oauth_verifier is not the one that was handed over
    ├── InvalidAnswer             502  a service answered what RFC 5849 does not allow
    │   └── ServiceRefused        502  ... an error, or no credentials
    ├── AuthorizationDenied       403  the user said no to this client
    ├── InsecureRedirect          502  a service redirected from https to http
    └── StoreUnavailable          503  what must be remembered cannot be

Messages are constant text and parameter names. They never hold a secret, a
token, a signature or a base string, so they may be logged and sent.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Error(RuntimeError):
    """Base class of all errors that a peer can cause.

    Attributes:
        status: HTTP status to answer with (RFC 5849 section 3.2).
        problem: The value of ``oauth_problem`` (problem reporting extension),
            or None where the extension has no word for it.
        headers: Header fields to answer with; set by a :class:`~oauth2.provider.Provider`.
        report: The pairs of the problem report; set likewise.
    """

    status = 400
    problem: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    report: Sequence[tuple[str, str]] = ()

    def __init__(self, message: str = "OAuth error occurred.") -> None:
        super().__init__(message)
        self._message = message

    @property
    def message(self) -> str:
        """The text of the error."""
        return self._message

    def __str__(self) -> str:
        return self._message


class InvalidRequest(Error):
    """The request cannot be processed: malformed, ambiguous or too large."""

    problem = "parameter_rejected"


class InvalidURL(InvalidRequest, ValueError):
    """The URL has no base string URI (section 3.4.1.2).

    A ValueError too: a URL is the caller's when signing, the peer's when verifying.
    """


class ParameterAbsent(InvalidRequest):
    """A required protocol parameter is missing (section 3.1).

    Attributes:
        names: Which, where it is known.
    """

    problem = "parameter_absent"

    def __init__(self, message: str = "A parameter is missing.", *names: str) -> None:
        super().__init__(message)
        self.names = names


class MissingSignature(ParameterAbsent):
    """The request carries no ``oauth_signature``."""


class VersionRejected(InvalidRequest):
    """``oauth_version`` is present and not "1.0" (section 3.2)."""

    problem = "version_rejected"


class SignatureMethodRejected(InvalidRequest):
    """``oauth_signature_method`` is not one that the server allows."""

    problem = "signature_method_rejected"


class CallbackRejected(InvalidRequest):
    """``oauth_callback`` is not one that the client registered (section 4.12)."""


class InsecureTransport(InvalidRequest):
    """Credentials were asked for over plain http (sections 2.1 and 2.3)."""

    problem = "permission_denied"


class Unauthorized(Error):
    """The request was understood and is refused."""

    status = 401
    problem = "permission_denied"


class SignatureInvalid(Unauthorized):
    """The signature does not match, or the credentials are not known.

    One error for both, so that nobody can find out which keys exist.
    """

    problem = "signature_invalid"


class BodyHashInvalid(Unauthorized):
    """``oauth_body_hash`` does not match the body."""

    problem = "parameter_rejected"


class TimestampRefused(Unauthorized):
    """``oauth_timestamp`` is outside the time window (section 3.3)."""

    problem = "timestamp_refused"


class NonceUsed(Unauthorized):
    """The nonce was used before, or is too old for that to be known (section 3.3)."""

    problem = "nonce_used"


class PermissionDenied(Unauthorized):
    """The signature holds, and the credentials do not allow what was asked for."""


class TokenExpired(Unauthorized):
    """The token credentials are over; they may be renewed (session extension)."""

    problem = "token_expired"


class TokenRejected(Unauthorized):
    """The temporary credentials are not known, not approved, redeemed or expired; or a session is over."""

    problem = "token_rejected"


class VerifierInvalid(Unauthorized):
    """``oauth_verifier`` is not the one that was handed over (section 2.3)."""

    problem = "verifier_invalid"


class InvalidAnswer(Error):
    """A service's answer in the flow of section 2 cannot be trusted or understood."""

    status = 502


class ServiceRefused(InvalidAnswer):
    """A service answered a request of section 2 with an error, or without credentials.

    Attributes:
        answered: HTTP status of its answer; None if it came with a callback.
        problem: The ``oauth_problem`` it gave, letters and underscores only; None for none.
        body: The start of its answer, for a person to read: secrets are removed,
            and so is what a terminal would not show as text.
    """

    def __init__(
        self,
        message: str = "The service refused.",
        *,
        answered: int | None = None,
        problem: str | None = None,
        body: str = "",
    ) -> None:
        super().__init__(message)
        self.answered = answered
        self.problem = problem
        self.body = body


class AuthorizationDenied(Error):
    """The user did not approve the temporary credentials (section 2.2)."""

    status = 403
    problem = "user_refused"


class InsecureRedirect(Error):
    """A service redirected from https to http; the redirect was not followed."""

    status = 502


class StoreUnavailable(Error):
    """A store cannot be read or written now; nobody is let in meanwhile."""

    status = 503
