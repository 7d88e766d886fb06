"""Content items: a user selects the items in a tool, and the tool returns the items to the tool consumer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Unpack, cast

from .._steps import Steps, run, run_async
from .._wire.text import is_utf8
from .._wire.url import is_http_url
from ..credentials import Credentials
from ..errors import InvalidRequest
from ..http import HTTPRequest
from ..signature import SignatureMethod
from ..stores import AsyncNonceStore, MemoryStore, NonceStore
from ._form import LaunchForm, sign_form
from ._launch import VERSION, require_message
from ._values import ContentItemRequest
from ._verification import (
    AsyncSecrets,
    Policy,
    Secrets,
    VerifyOptions,
    asyncio_policy,
    blocking_policy,
    verify_form,
)

_SELECTION = "ContentItemSelection"
_JSON_CONTEXT = "http://purl.imsglobal.org/ctx/lti/v1/ContentItem"
_LAUNCH_MEDIA_TYPE = "application/vnd.ims.lti.v1.ltilink"

#: The kind of a content item. :class:`ContentItem` describes the three kinds.
Kind = Literal["LtiLinkItem", "ContentItem", "FileItem"]
_KINDS: tuple[Kind, ...] = ("LtiLinkItem", "ContentItem", "FileItem")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentItem:
    """One item that a user selected.

    Attributes:
        kind: ``LtiLinkItem`` for a link that the tool consumer launches, ``ContentItem`` for any other link, or
            ``FileItem`` for a file that the tool consumer copies.
        url: An http or https URL. If an ``LtiLinkItem`` has no URL, the tool consumer uses the launch URL of the tool.
        media_type: The media type; for an ``LtiLinkItem``, it defaults to the media type of an LTI link.
        title: The title of the item.
        text: A description.
        document_target: Where the tool consumer shows the item, such as ``iframe`` or ``window``.
        custom: Custom parameters that the tool consumer sends when it launches this link. Write the names without the
            prefix ``custom_``.
    """

    kind: Kind = "LtiLinkItem"
    url: str | None = field(default=None, repr=False)
    media_type: str = _LAUNCH_MEDIA_TYPE
    title: str | None = None
    text: str | None = None
    document_target: str | None = None
    custom: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"kind: must be one of {', '.join(_KINDS)}")
        if self.url is None and self.kind != "LtiLinkItem":
            raise ValueError("url: must be set, except for an LtiLinkItem")
        if self.url is not None and not is_http_url(self.url):
            raise ValueError("url: must be an http or https URL")
        if not self.media_type:
            raise ValueError("media_type: must not be empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentItems:
    """The verified selection of a user.

    Attributes:
        consumer_key: The consumer key of the tool that signed the form.
        items: The items; empty if the user selected none.
        data: The value of ``data`` that the tool returned. Compare this value with ``data`` of your
            :class:`ContentItemRequest`; the two values must be equal.
        message: A text for the user; None if there is none.
        error: A text about an error for the user; None if there is none.
    """

    consumer_key: str
    items: tuple[ContentItem, ...]
    data: str | None = field(repr=False)
    message: str | None
    error: str | None


def content_item_form(
    request: ContentItemRequest,
    consumer: Credentials,
    items: Sequence[ContentItem],
    *,
    message: str | None = None,
    error: str | None = None,
    signature_method: SignatureMethod | None = None,
) -> LaunchForm:
    """Make the signed form that returns the selected items, for a tool.

    Args:
        request: ``launch.content_items`` of the launch.
        consumer: The consumer key of the launch, and its secret.
        items: The items that the user selected; empty if the user cancelled.
        message: A text that the tool consumer may show to the user.
        error: A text about an error that the tool consumer may show to the user.
        signature_method: Defaults to HMAC-SHA1, which LTI 1.1 requires.

    Raises:
        TypeError: An item is not a ContentItem.
        ValueError: There are more items than *request* allows, or a text cannot be sent.
    """
    if not all(isinstance(item, ContentItem) for item in items):
        raise TypeError("items: each must be a ContentItem")
    if len(items) > 1 and not request.is_multiple:
        raise ValueError("items: must be at most one, because the tool consumer does not accept more")
    document = {"@context": _JSON_CONTEXT, "@graph": [_written(item) for item in items]}
    fields = [
        ("lti_message_type", _SELECTION),
        ("lti_version", VERSION),
        ("content_items", json.dumps(document)),
    ]
    optional = {"data": request.data, "lti_msg": message, "lti_errormsg": error}
    fields += [(name, value) for name, value in optional.items() if value is not None]
    return sign_form(request.return_url, consumer, fields, signature_method)


def verify_content_items(
    request: HTTPRequest, secrets: Secrets, *, nonce_store: NonceStore, **options: Unpack[VerifyOptions]
) -> ContentItems:
    """Verify the form with which a tool returns content items, and mark its nonce as used.

    See :func:`verify_launch` for the arguments, and for the errors that a wrong argument raises.

    Raises:
        Error: The form is refused.
    """
    return run(_verified(request, blocking_policy(secrets, nonce_store, options)))


async def async_verify_content_items(
    request: HTTPRequest,
    secrets: AsyncSecrets,
    *,
    nonce_store: AsyncNonceStore | MemoryStore,
    **options: Unpack[VerifyOptions],
) -> ContentItems:
    """Do the same as :func:`verify_content_items`, with an asyncio store; *secrets* may be a coroutine function."""
    return await run_async(_verified(request, asyncio_policy(secrets, nonce_store, options)))


def _verified(request: HTTPRequest, policy: Policy) -> Steps[ContentItems]:
    message = yield from verify_form(request, policy)
    fields = require_message(message, _SELECTION)
    return ContentItems(
        consumer_key=message.consumer_key,
        items=_items(fields.get("content_items")),
        data=fields.get("data"),
        message=fields.get("lti_msg"),
        error=fields.get("lti_errormsg"),
    )


def _written(item: ContentItem) -> dict[str, object]:
    written: dict[str, object] = {"@type": item.kind, "mediaType": item.media_type}
    optional = {"url": item.url, "title": item.title, "text": item.text}
    written.update({name: value for name, value in optional.items() if value is not None})
    if item.document_target is not None:
        written["placementAdvice"] = {"presentationDocumentTarget": item.document_target}
    if item.custom:
        written["custom"] = dict(item.custom)
    return written


def _items(document: str | None) -> tuple[ContentItem, ...]:
    if document is None:
        return ()
    try:
        found: Any = json.loads(document)
        graph: Any = found["@graph"]
        return tuple([_item(each) for each in cast("list[dict[str, Any]]", graph)])
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        pass
    raise InvalidRequest("content_items is not a list of content items.")


def _item(found: dict[str, Any]) -> ContentItem:
    custom = found.get("custom") or {}
    advice = found.get("placementAdvice") or {}
    texts = [found["mediaType"], *[found.get(name) for name in ("url", "title", "text")]]
    texts += [advice.get("presentationDocumentTarget"), *custom, *custom.values()]
    # JSON can contain lone surrogates, which an application cannot encode as UTF-8.
    if not all(value is None or (isinstance(value, str) and is_utf8(value)) for value in texts):
        raise TypeError
    return ContentItem(
        kind=found["@type"],
        url=found.get("url"),
        media_type=found["mediaType"],
        title=found.get("title"),
        text=found.get("text"),
        document_target=advice.get("presentationDocumentTarget"),
        custom=dict(custom),
    )
