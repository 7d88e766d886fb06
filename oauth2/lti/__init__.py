"""LTI 1.1: launches, grades and content items, for tools and for tool consumers.

A tool consumer is, for example, a learning management system. It starts a tool with a launch: the browser of the user
posts a signed form to the tool. The tool may later send a grade to the tool consumer, and may return content items that
the user selected.

* For tools: :func:`verify_launch`, :class:`Outcome` and :func:`content_item_form`.
* For tool consumers: :func:`launch_form`, :func:`read_outcome_request`, :func:`outcome_response` and
  :func:`verify_content_items`.

Each function that verifies messages also exists as a coroutine function, such as :func:`async_verify_launch`.

To send or receive grades, install the extra ``lti``, which contains defusedxml.
"""

from __future__ import annotations

from ._content_items import (
    ContentItem,
    ContentItems,
    async_verify_content_items,
    content_item_form,
    verify_content_items,
)
from ._form import LaunchForm, launch_form
from ._launch import async_verify_launch, verify_launch
from ._outcome import Outcome, OutcomeRefused, OutcomeResult
from ._outcome_service import OutcomeRequest, async_read_outcome_request, outcome_response, read_outcome_request
from ._values import ContentItemRequest, Context, Launch, OutcomeTarget, ResourceLink, Roles, ToolConsumer, User
from ._verification import AsyncSecrets, Secrets, VerifyOptions

__all__ = [
    "AsyncSecrets",
    "ContentItem",
    "ContentItemRequest",
    "ContentItems",
    "Context",
    "Launch",
    "LaunchForm",
    "Outcome",
    "OutcomeRefused",
    "OutcomeRequest",
    "OutcomeResult",
    "OutcomeTarget",
    "ResourceLink",
    "Roles",
    "Secrets",
    "ToolConsumer",
    "User",
    "VerifyOptions",
    "async_read_outcome_request",
    "async_verify_content_items",
    "async_verify_launch",
    "content_item_form",
    "launch_form",
    "outcome_response",
    "read_outcome_request",
    "verify_content_items",
    "verify_launch",
]
