"""``AsyncProvider``: the server side of RFC 5849 over an asyncio store, without a framework."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import TypeAlias

from .._checks import is_coroutine_function
from .._steps import run_async
from ..errors import Error
from ..http import HTTPRequest, HTTPResponse
from ..stores import AsyncProviderStore, ClientCredentials, MemoryStore, TokenCredentials
from ._access import Access, Approval, ApprovalRequest
from ._base import BaseProvider
from ._endpoints import client_credentials

_Store: TypeAlias = "AsyncProviderStore | MemoryStore"
_User: TypeAlias = "str | Awaitable[str | None] | None"


def _require_asyncio(store: object, _hooks: Mapping[str, object]) -> None:
    if not isinstance(store, (type, MemoryStore)) and not is_coroutine_function(getattr(store, "find", None)):
        raise TypeError("store: must be an asyncio store, or a MemoryStore; use ThreadedStore for a blocking store")


class AsyncProvider(BaseProvider[_Store, _User]):
    """A :class:`Provider` for asyncio: the same methods, as coroutine functions.

    If the task of a request is cancelled, each change in the store is either made completely or not made at all.
    Changes from before the cancellation are not undone. For example, the store may have recorded the nonce of a request
    that the application has not processed. The client must then sign this request again with a new nonce.

    Args:
        store: An asyncio store, such as ``AsyncSQLAlchemyStore`` or ``AsyncRedisStore``; a
            ``ThreadedStore``, which runs a blocking store in threads; or a ``MemoryStore``, which never blocks.
        check_password: See :class:`Provider`; *check_password* may also be a coroutine function. A function that is not
            a coroutine function runs in the event loop, and blocks the event loop until the function returns.
        audit: See :class:`Provider`; *audit* may also be a coroutine function.
        requests: See :class:`Provider`; *requests* may also be a coroutine function.
        base_url: See :class:`Provider` for this argument and for all arguments that are not in this list.

    Raises:
        TypeError: An argument has the wrong type; for example *store* is a blocking store.
        ValueError: See :class:`Provider`.
    """

    _require = staticmethod(_require_asyncio)

    async def register(
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
        """See :meth:`Provider.register`."""
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
        return await run_async(self._endpoints.register(consumer))

    async def request_token(self, http_request: HTTPRequest) -> HTTPResponse:
        """See :meth:`Provider.request_token`."""
        return await run_async(self._endpoints.request_token(http_request))

    async def pending(self, token_key: str) -> ApprovalRequest:
        """See :meth:`Provider.pending`."""
        return await run_async(self._endpoints.approvals.pending(token_key))

    async def approve(self, token_key: str, *, user: str, realms: Iterable[str] | None = None) -> Approval:
        """See :meth:`Provider.approve`."""
        return await run_async(self._endpoints.approvals.approve(token_key, user, realms))

    async def deny(self, token_key: str) -> str | None:
        """See :meth:`Provider.deny`."""
        return await run_async(self._endpoints.approvals.deny(token_key))

    async def access_token(self, http_request: HTTPRequest) -> HTTPResponse:
        """See :meth:`Provider.access_token`."""
        return await run_async(self._endpoints.access_token(http_request))

    async def authenticate(self, http_request: HTTPRequest, *, realm: str | None = None) -> Access:
        """See :meth:`Provider.authenticate`."""
        return await run_async(self._endpoints.authenticate(http_request, realm))

    async def error_response(self, error: Error) -> HTTPResponse:
        """See :meth:`Provider.error_response`."""
        return await run_async(self._endpoints.error_response(error))

    async def tokens_of(self, user: str) -> list[TokenCredentials]:
        """See :meth:`Provider.tokens_of`."""
        return await run_async(self._endpoints.tokens_of(user))

    async def revoke(self, grant: str, *, user: str | None = None) -> bool:
        """See :meth:`Provider.revoke`."""
        return await run_async(self._endpoints.approvals.revoke(grant, user))
