"""Approve or deny temporary credentials, RFC 5849 section 2.2, and revoke an approval."""

from __future__ import annotations

from collections.abc import Iterable

from .._generate import make_nonce, make_verifier
from .._steps import Steps
from .._wire.form import add_to_query, build_form
from ..errors import TokenRejected
from ..stores import TemporaryCredentials, TokenCredentials, is_valid_key
from ._access import Approval, ApprovalRequest
from ._settings import checked_realms
from ._verification import Verification
from .audit import Approved, Denied, Revoked
from .callbacks import OUT_OF_BAND


class Approvals:
    """Records and revokes the approvals of users for one provider; see ``Provider`` for the methods."""

    def __init__(self, verification: Verification) -> None:
        self._verification = verification
        self._store = verification.store

    def pending(self, token_key: str) -> Steps[ApprovalRequest]:
        """See :meth:`~oauth2.provider.Provider.pending`."""
        temporary = yield from self._pending(token_key)
        consumer = yield self._store.get_consumer(temporary.consumer_key)
        if consumer is None:
            raise _not_pending()
        age = self._verification.now() - temporary.issued_at
        return ApprovalRequest(consumer=consumer, callback=temporary.callback, realms=temporary.realms, age=age)

    def approve(self, token_key: str, user: str, realms: Iterable[str] | None) -> Steps[Approval]:
        """See :meth:`~oauth2.provider.Provider.approve`."""
        if not user:
            raise ValueError("user: must not be empty")
        temporary = yield from self._pending(token_key)
        granted = temporary.realms if realms is None else checked_realms(realms)
        if not set(granted) <= set(temporary.realms):
            raise ValueError("realms: must not contain a realm that the client did not ask for")
        is_out_of_band = temporary.callback == OUT_OF_BAND
        verifier = make_verifier() if is_out_of_band else make_nonce()
        if not (yield self._store.approve(token_key, user, verifier, granted)):
            raise _not_pending()
        now = self._verification.now()
        event = Approved(at=now, consumer_key=temporary.consumer_key, token_key=token_key, user=user)
        yield from self._verification.emit(event)
        added = build_form([("oauth_token", token_key), ("oauth_verifier", verifier)])
        return Approval(url=None if is_out_of_band else add_to_query(temporary.callback, added), verifier=verifier)

    def deny(self, token_key: str) -> Steps[str | None]:
        """See :meth:`~oauth2.provider.Provider.deny`."""
        temporary = yield from self._pending(token_key)
        if (yield self._store.redeem(token_key)) is None:
            raise _not_pending()
        now = self._verification.now()
        yield from self._verification.emit(Denied(at=now, consumer_key=temporary.consumer_key, token_key=token_key))
        added = build_form([("oauth_token", token_key), ("oauth_problem", "permission_denied")])
        return None if temporary.callback == OUT_OF_BAND else add_to_query(temporary.callback, added)

    def revoke(self, grant: str, user: str | None) -> Steps[bool]:
        """See :meth:`~oauth2.provider.Provider.revoke`."""
        token = (yield from self._revoked(grant, user)) if is_valid_key(grant) else None
        if token is None:
            return False
        now = self._verification.now()
        yield from self._verification.emit(
            Revoked(at=now, consumer_key=token.consumer_key, token_key=token.key, user=token.user, grant=token.grant)
        )
        return True

    def _revoked(self, grant: str, user: str | None) -> Steps[TokenCredentials | None]:
        token: TokenCredentials | None = yield self._store.revoke_grant(grant, user)
        if token is not None:
            return token
        named = yield self._store.get_token(grant)  # The caller may pass the key of token credentials as the grant.
        if named is not None:
            token = yield self._store.revoke_grant(named.grant, user)
        return token

    def _pending(self, token_key: str) -> Steps[TemporaryCredentials]:
        found = (yield self._store.get_temporary(token_key)) if is_valid_key(token_key) else None
        temporary: TemporaryCredentials | None = found
        if temporary is None or temporary.user is not None or temporary.expires_at <= self._verification.now():
            raise _not_pending()
        return temporary


def _not_pending() -> TokenRejected:
    return TokenRejected("No temporary credentials with this oauth_token are waiting for approval.")
