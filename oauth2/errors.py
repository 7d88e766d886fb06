"""The errors that a peer can cause. Each class inherits from :class:`Error`.

::

    oauth2.Error
    ├── InvalidRequest            400  the request cannot be processed
    │   ├── InvalidURL                 the URL is not a usable http(s) URL
    │   ├── ParameterAbsent            a required protocol parameter is missing
    │   │   └── MissingSignature       oauth_signature is missing
    │   ├── VersionRejected            oauth_version is not "1.0"
    │   ├── SignatureMethodRejected    the signature method is not allowed
    │   ├── CallbackRejected           the client did not register this oauth_callback
    │   └── InsecureTransport          credentials are issued over https only
    ├── Unauthorized              401  the credentials in the request do not give access
    │   ├── SignatureInvalid           unknown credentials, or a wrong signature
    │   ├── BodyHashInvalid            the body is not the signed body
    │   ├── TimestampRefused           the timestamp is outside the time window
    │   ├── NonceUsed                  the nonce was used before (replay)
    │   ├── PermissionDenied           the signature is valid, but the credentials do not allow this request
    │   ├── TokenExpired               the token credentials have expired and can be renewed
    │   ├── TokenRejected              the temporary credentials or the session are no longer valid
    │   └── VerifierInvalid            oauth_verifier is wrong
    ├── InvalidAnswer             502  a service sent a response that RFC 5849 does not allow
    │   └── ServiceRefused        502  a service sent an error, or a response without credentials
    ├── AuthorizationDenied       403  the user did not approve this client
    ├── InsecureRedirect          502  a service redirected from https to http
    └── StoreUnavailable          503  the store cannot be read or written

A message consists of constant text and names of parameters. A message never contains a secret, a token, a signature or
a base string, so it may be logged and sent to the peer.

An error about a signature has a note for the developer. Python prints the note below a traceback (PEP 678). The note is
not part of the message, so a peer does not receive the note.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AuthorizationDenied",
    "BodyHashInvalid",
    "CallbackRejected",
    "Error",
    "InsecureRedirect",
    "InsecureTransport",
    "InvalidAnswer",
    "InvalidRequest",
    "InvalidURL",
    "MissingSignature",
    "NonceUsed",
    "ParameterAbsent",
    "PermissionDenied",
    "ServiceRefused",
    "SignatureInvalid",
    "SignatureMethodRejected",
    "StoreUnavailable",
    "TimestampRefused",
    "TokenExpired",
    "TokenRejected",
    "Unauthorized",
    "VerifierInvalid",
    "VersionRejected",
]

# This note is for a developer whose request has a wrong signature.
_HELP = 'To find the mistake, run "oauth2 doctor", or read "Why is my signature invalid?" (docs/doctor.md).'


class Error(RuntimeError):
    """Base class of all errors that a peer can cause.

    Attributes:
        status: HTTP status of the response (RFC 5849 section 3.2).
        problem: The value of ``oauth_problem`` (problem reporting extension),
            or None if the extension defines no value for this error.
        headers: Header fields of the response. A :class:`~oauth2.provider.Provider` sets these fields.
        report: The pairs of the problem report. A :class:`~oauth2.provider.Provider` sets these pairs.
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
    """The URL is not a valid absolute http or https URL, so it has no base string URI (section 3.4.1.2).

    This class is both a ValueError and an :class:`Error`. It is a ValueError, because a program that signs a wrong URL
    makes a mistake. It is an :class:`Error`, because a server receives URLs from its peers.
    """


class ParameterAbsent(InvalidRequest):
    """A required protocol parameter is missing (section 3.1).

    Attributes:
        names: The missing parameters, if they are known.
    """

    problem = "parameter_absent"

    def __init__(self, message: str = "A parameter is missing.", *names: str) -> None:
        super().__init__(message)
        self.names = names


class MissingSignature(ParameterAbsent):
    """The request has no ``oauth_signature``."""


class VersionRejected(InvalidRequest):
    """``oauth_version`` is present and not "1.0" (section 3.2)."""

    problem = "version_rejected"


class SignatureMethodRejected(InvalidRequest):
    """The server does not allow this ``oauth_signature_method``."""

    problem = "signature_method_rejected"


class CallbackRejected(InvalidRequest):
    """The client did not register this ``oauth_callback`` (section 2.1)."""


class InsecureTransport(InvalidRequest):
    """Credentials were requested over plain http (sections 2.1 and 2.3)."""

    problem = "permission_denied"


class Unauthorized(Error):
    """The credentials in the request do not give access; the subclasses name the reason."""

    status = 401
    problem = "permission_denied"


class SignatureInvalid(Unauthorized):
    """The signature does not match, or the credentials are unknown.

    The server raises the same error for both reasons, so that a peer cannot find out which keys exist.
    """

    problem = "signature_invalid"

    def __init__(self, message: str = "The signature is invalid.") -> None:
        super().__init__(message)
        # The note is added both for unknown credentials and for a wrong signature. Otherwise the text of the error and
        # the response time would reveal whether the credentials are known.
        self.add_note(_HELP)


class BodyHashInvalid(Unauthorized):
    """``oauth_body_hash`` does not match the body."""

    problem = "parameter_rejected"


class TimestampRefused(Unauthorized):
    """``oauth_timestamp`` is outside the time window (section 3.3)."""

    problem = "timestamp_refused"


class NonceUsed(Unauthorized):
    """The nonce was used before, or the store has already deleted the nonces with this timestamp (section 3.3)."""

    problem = "nonce_used"


class PermissionDenied(Unauthorized):
    """The signature is valid, but the credentials do not allow this request."""


class TokenExpired(Unauthorized):
    """The token credentials have expired. If they have a session handle, the client can renew them."""

    problem = "token_expired"


class TokenRejected(Unauthorized):
    """The temporary credentials cannot be approved or redeemed, or the token credentials cannot be renewed.

    The temporary credentials are not approved, have expired or were already redeemed. Or the consent page was opened
    with an unknown ``oauth_token``. Or the session of the token credentials has ended.
    """

    problem = "token_rejected"


class VerifierInvalid(Unauthorized):
    """``oauth_verifier`` is not the verifier that the user received (section 2.3)."""

    problem = "verifier_invalid"


class InvalidAnswer(Error):
    """A response or a callback of a service in the flow of section 2 is not valid or not secure."""

    status = 502


class ServiceRefused(InvalidAnswer):
    """A service answered a request of section 2 with an error, or without credentials.

    Attributes:
        answered: HTTP status of the response; None if the service reported the error in a redirect to the callback.
        problem: The ``oauth_problem`` of the response, which consists of letters and underscores; None if the response
            has no ``oauth_problem``.
        body: The start of the response body, without secrets and control characters, so that it can be shown to a user.
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
        if problem == "signature_invalid" or (answered == 401 and problem is None):
            self.add_note(f"To print the signed text, pass on_refusal=print. {_HELP}")


class AuthorizationDenied(Error):
    """The user did not approve the temporary credentials (section 2.2)."""

    status = 403
    problem = "user_refused"


class InsecureRedirect(Error):
    """A service redirected from https to http; the redirect was not followed."""

    status = 502


class StoreUnavailable(Error):
    """The store cannot be read or written at the moment, so every request is refused."""

    status = 503
