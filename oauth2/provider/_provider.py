"""``Provider``: the server side of RFC 5849. The class uses a store and needs no framework."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .._checks import has_coroutine_functions, is_coroutine_function
from .._steps import run
from ..errors import Error
from ..http import HTTPRequest, HTTPResponse
from ..stores import ClientCredentials, ProviderStore, TokenCredentials
from ._access import Access, Approval, ApprovalRequest
from ._base import BaseProvider
from ._endpoints import client_credentials


def _require_blocking(store: object, hooks: Mapping[str, object]) -> None:
    if has_coroutine_functions(store, ProviderStore):
        raise TypeError("store: must not have coroutine functions; AsyncProvider accepts coroutine functions")
    for name, hook in hooks.items():
        if is_coroutine_function(hook):
            raise TypeError(f"{name}: must not be a coroutine function; AsyncProvider accepts coroutine functions")


class Provider(BaseProvider[ProviderStore, str | None]):
    """Issues temporary and token credentials, and authenticates requests (sections 2 and 3).

    The settings of a provider cannot be changed; create another provider instead.

    Args:
        store: A ``MemoryStore``, an ``SQLiteStore``, or any other :class:`~oauth2.stores.ProviderStore`.
        base_url: The scheme, host and path prefix of the URLs that clients sign. The provider verifies each request
            with *base_url*, followed by the path and query of the received URL, so a service behind a proxy needs
            *base_url*. The provider issues credentials over plain http only if *base_url* is a loopback URL, such as ``http://127.0.0.1:8080``.
        realm: The realm of the ``WWW-Authenticate`` header.
        realms: The names of the realms to which tokens can give access. When a client requests temporary credentials,
            the parameter ``realm`` of its Authorization header may contain the names of the requested realms, separated
            by spaces. If the parameter contains none of *realms*, the request is for all realms.
        policy: The rules for accepted requests; see :class:`RequestPolicy` for the defaults.
        lifetimes: The lifetimes of credentials; see :class:`Lifetimes` for the defaults.
        check_password: A function for xAuth. The provider calls this function with a user's name and password. The
            function must return the identifier of the user, or None if the name or the password is wrong. If
            *check_password* is None, the provider refuses xAuth.
        audit: A function that is called with each event, see :mod:`oauth2.provider.audit`. The provider does not catch
            the exceptions of *audit*, so the application receives them.
        requests: A function that is called with :class:`~oauth2.provider.audit.Handled` for each request, accepted or
            refused. The provider does not catch the exceptions of *requests*.
        diagnoses: A :class:`~oauth2.provider.diagnoses.Diagnoses`; *audit* is then also called with the diagnosis of
            each refusal.
        now: A function that returns the seconds since 1970-01-01 00:00 UTC.

    Raises:
        TypeError: An argument has the wrong type; for example *store* is a class, *audit* is a coroutine function, or
            *realms* is one str. A method raises TypeError if *store* or a passed function returns an awaitable.
        ValueError: *base_url* is not an http or https URL, or has userinfo, a query or a fragment. A realm is not
            valid. The window of *store* is shorter than the timestamp threshold. *diagnoses* is given without *audit*.
    """

    _require = staticmethod(_require_blocking)

    # --- clients -------------------------------------------------------------------

    def register(
        self,
        *,
        key: str | None = None,
        secret: str | None = None,
        previous_secret: str | None = None,
        public_key: str | None = None,
        name: str = "",
        callbacks: Iterable[str] = (),
        signature_methods: Iterable[str] | None = None,
        two_legged: bool = False,
        xauth: bool = False,
        owner: str | None = None,
    ) -> ClientCredentials:
        """Create client credentials, store them and return them (section 1.1).

        The arguments are the attributes of :class:`~oauth2.stores.ClientCredentials`.

        Args:
            key: The key of the client. If *key* is None, the provider generates a key.
            secret: The shared secret. If *secret* is None, the provider generates a secret. The exception is a client
                with a *public_key*: its secret is then empty.
            previous_secret: The secret that the client had before a rotation. The provider also accepts signatures that
                were made with this secret.
            public_key: The client's RSA public key, as text in the PEM format.
            name: The name that is shown to users.
            callbacks: The allowed callbacks, see :func:`~oauth2.provider.callbacks.check_callback`.
            signature_methods: The names of the allowed signature methods; None for all methods of the provider.
            two_legged: Whether the client may send requests without a token.
            xauth: Whether the client may exchange passwords for token credentials.
            owner: The user who registers the client.

        Raises:
            TypeError: *callbacks* or *signature_methods* is one str.
            ValueError: A callback is not valid, *key* is empty, or *secret* is empty although the client signs with the
                secret.
            StoreUnavailable: The store cannot be written.
        """
        consumer = client_credentials(
            key=key,
            secret=secret,
            previous_secret=previous_secret,
            public_key=public_key,
            name=name,
            callbacks=callbacks,
            signature_methods=signature_methods,
            two_legged=two_legged,
            xauth=xauth,
            owner=owner,
        )
        return run(self._endpoints.register(consumer))

    # --- temporary credentials, section 2.1 ----------------------------------------

    def request_token(self, http_request: HTTPRequest) -> HTTPResponse:
        """Return the response to a request for temporary credentials (section 2.1). The response may be a refusal."""
        return run(self._endpoints.request_token(http_request))

    # --- approval, section 2.2 -----------------------------------------------------

    def pending(self, token_key: str) -> ApprovalRequest:
        """Return the request for approval that the consent page shows (section 2.2).

        Args:
            token_key: The ``oauth_token`` in the URL of the consent page.

        Raises:
            TokenRejected: The ``oauth_token`` was never issued, was already approved, or has expired.
            StoreUnavailable: The store cannot be read.
        """
        return run(self._endpoints.approvals.pending(token_key))

    def approve(self, token_key: str, *, user: str, realms: Iterable[str] | None = None) -> Approval:
        """Record that *user* approves the client (section 2.2). Only the first call for a *token_key* succeeds.

        Call this method only for a user who is logged in, and protect the form of the consent page
        against cross-site request forgery (CSRF).

        Args:
            token_key: The ``oauth_token`` in the URL of the consent page.
            user: The identifier of the user in your application.
            realms: The realms that the user grants; None for all realms that the client asked for.

        Raises:
            TokenRejected: The ``oauth_token`` was never issued, was already approved, or has expired.
            TypeError: *realms* is one str.
            ValueError: *user* is empty, or *realms* contains a realm that the client did not ask for.
            StoreUnavailable: The store cannot be written.
        """
        return run(self._endpoints.approvals.approve(token_key, user, realms))

    def deny(self, token_key: str) -> str | None:
        """Delete temporary credentials that a user does not approve (section 2.2).

        Returns:
            The URL to which the application must redirect the user; None if the callback is ``"oob"``.

        Raises:
            TokenRejected: The ``oauth_token`` was never issued, was already approved, or has expired.
            StoreUnavailable: The store cannot be written.
        """
        return run(self._endpoints.approvals.deny(token_key))

    # --- token credentials, section 2.3 --------------------------------------------

    def access_token(self, http_request: HTTPRequest) -> HTTPResponse:
        """Return the response to a request for token credentials (section 2.3). The response may be a refusal.

        A client exchanges temporary credentials and their verifier for token credentials, or renews token credentials
        with their ``oauth_session_handle`` (session extension). A client that may use xAuth can also exchange the name
        and the password of a user for token credentials.
        """
        return run(self._endpoints.access_token(http_request))

    # --- authenticated requests, section 3 -----------------------------------------

    def authenticate(self, http_request: HTTPRequest, *, realm: str | None = None) -> Access:
        """Verify a request for a protected resource (section 3).

        A second call with the same request raises NonceUsed, so the application must call this method only once for
        each request.

        Args:
            http_request: The received request.
            realm: The realm of the resource, one of ``realms``; None if every valid token gives access.

        Returns:
            The client, the user, and the parameters of the request.

        Raises:
            Error: The request is refused. Send the response that :meth:`error_response` returns for the error. If
                the store cannot be used, every request is refused with StoreUnavailable (503).
            ValueError: *realm* is not one of ``realms``.
        """
        return run(self._endpoints.authenticate(http_request, realm))

    def error_response(self, error: Error) -> HTTPResponse:
        """Return the response for an error that :meth:`authenticate` raised, or that occurred before that call.

        An error can occur before :meth:`authenticate` is called, for example because the body is too large. For such an
        error, this method calls the hooks *audit* and *requests*. If :meth:`authenticate` raised the error,
        :meth:`authenticate` has already called the hooks, so this method does not call them again.
        """
        return run(self._endpoints.error_response(error))

    # --- grants: the approvals of users ------------------------------------------

    def tokens_of(self, user: str) -> list[TokenCredentials]:
        """Return the token credentials that *user* approved: one object for each grant, newest first.

        Raises:
            StoreUnavailable: The store cannot be read.
        """
        return run(self._endpoints.tokens_of(user))

    def revoke(self, grant: str, *, user: str | None = None) -> bool:
        """Revoke the approval of a user; return whether the approval existed.

        After this call, the provider refuses the token credentials of the approval, even if they were renewed. If the
        client renews them during this call, the provider also refuses the new token credentials.

        Args:
            grant: The ``grant`` of the token credentials. If the token credentials were not renewed, the key of the
                token credentials can be passed instead.
            user: The user who must have given the approval; None if any user may have given it. If another user gave
                the approval, nothing is revoked.

        Raises:
            StoreUnavailable: The store cannot be written.
        """
        return run(self._endpoints.approvals.revoke(grant, user))
