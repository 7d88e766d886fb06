"""The server side of RFC 5849: issue credentials and authenticate requests, without a framework.

:class:`Provider` issues temporary and token credentials and authenticates requests;
:class:`AsyncProvider` has the same methods for asyncio. :class:`RequestPolicy` and :class:`Lifetimes` are the
settings of both classes. :class:`Access` describes an authenticated request. :mod:`oauth2.provider.audit` defines the
events for the audit hook.
:mod:`oauth2.provider.callbacks` defines the rules for callback URLs.
"""

from ._access import Access, Approval, ApprovalRequest
from ._async_provider import AsyncProvider
from ._provider import Provider
from ._settings import Lifetimes, RequestPolicy
from ._verification import IssuedCredentials

__all__ = [
    "Access",
    "Approval",
    "ApprovalRequest",
    "AsyncProvider",
    "IssuedCredentials",
    "Lifetimes",
    "Provider",
    "RequestPolicy",
]
