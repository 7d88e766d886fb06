"""``verify_launch``: verify a launch, and read its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from .._steps import Steps, run, run_async
from .._wire.received import named
from .._wire.url import is_http_url
from ..errors import InvalidRequest, ParameterAbsent
from ..http import HTTPRequest
from ..stores import AsyncNonceStore, MemoryStore, NonceStore
from ._names import CONTEXT, RESOURCE_LINK, TOOL_CONSUMER, USER
from ._values import ContentItemRequest, Context, Launch, OutcomeTarget, ResourceLink, Roles, ToolConsumer, User
from ._verification import (
    AsyncSecrets,
    Message,
    Policy,
    Secrets,
    VerifyOptions,
    asyncio_policy,
    blocking_policy,
    verify_form,
)

LAUNCH = "basic-lti-launch-request"
SELECTION_REQUEST = "ContentItemSelectionRequest"
VERSION = "LTI-1p0"
_CUSTOM = "custom_"


def verify_launch(
    request: HTTPRequest, secrets: Secrets, *, nonce_store: NonceStore, **options: Unpack[VerifyOptions]
) -> Launch:
    """Verify a launch of LTI 1.1, and mark its nonce as used, so that it cannot be replayed.

    The function accepts ``basic-lti-launch-request`` and ``ContentItemSelectionRequest``. ``oauth_callback`` may be
    missing; otherwise it must be ``about:blank``. A parameter with an empty value counts as a missing parameter.

    Args:
        request: The received request, see :func:`oauth2.middleware.wsgi.read_request`.
        secrets: A mapping of consumer keys to shared secrets; or a function that takes a consumer key, and returns the
            shared secret or None.
        nonce_store: The store of used nonces. All processes of the tool must share it.
        **options: See :class:`VerifyOptions`.

    Raises:
        Error: The launch is refused. Use ``status`` and ``message`` of the error in the response.
        TypeError: An argument has a wrong type; for example *nonce_store* is an asyncio store.
        ValueError: *base_url* is not valid, or the window of *nonce_store* is shorter than *timestamp_threshold*.
    """
    return run(_verified(request, blocking_policy(secrets, nonce_store, options)))


async def async_verify_launch(
    request: HTTPRequest,
    secrets: AsyncSecrets,
    *,
    nonce_store: AsyncNonceStore | MemoryStore,
    **options: Unpack[VerifyOptions],
) -> Launch:
    """Do the same as :func:`verify_launch`, with an asyncio store; *secrets* may be a coroutine function."""
    return await run_async(_verified(request, asyncio_policy(secrets, nonce_store, options)))


class Fields:
    """The parameters of a verified message. If a name occurs more than once, all its values must be equal."""

    def __init__(self, parameters: Mapping[str, str | list[str]]) -> None:
        self._parameters = parameters

    def get(self, name: str) -> str | None:
        """Return the value of *name*; None if the value is missing or empty.

        Raises:
            InvalidRequest: The parameter occurs more than once, and its values are not equal.
        """
        value = self._parameters.get(name, "")
        if isinstance(value, list):
            if len(set(value)) > 1:
                raise InvalidRequest(f"An LTI parameter has different values{named(name)}.")
            value = value[0]
        return value or None

    def require(self, name: str) -> str:
        """Return the value of *name*, which must not be empty.

        Raises:
            ParameterAbsent: The parameter is missing or empty.
            InvalidRequest: The parameter occurs more than once, and its values are not equal.
        """
        value = self.get(name)
        if value is None:
            raise ParameterAbsent(f"Missing {name}.", name)
        return value

    def several(self, names: Mapping[str, str]) -> dict[str, str | None]:
        """Return the values of several parameters.

        *names* maps each attribute to the name of its parameter. The result maps each attribute to the value of its
        parameter, or to None if the value is missing or empty.
        """
        return {attribute: self.get(name) for attribute, name in names.items()}

    def url(self, name: str) -> str | None:
        """Return the http or https URL in the parameter *name*; None if the value is missing or empty.

        Raises:
            InvalidRequest: The value is not an http or https URL. Without this check, a tool could redirect to a
                ``javascript:`` URL.
        """
        value = self.get(name)
        if value is not None and not is_http_url(value):
            raise InvalidRequest(f"{name} is not an http or https URL.")
        return value

    def flag(self, name: str) -> bool:
        """Return whether the value of *name* is ``true``, in any letter case."""
        return (self.get(name) or "").lower() == "true"

    def words(self, name: str) -> tuple[str, ...]:
        """Return the words of the parameter *name*, whose value is a list separated by commas."""
        words = [word.strip() for word in (self.get(name) or "").split(",")]
        return tuple([word for word in words if word])


def require_message(message: Message, *types: str) -> Fields:
    """Return the parameters of *message*, whose type must be one of *types*.

    Raises:
        Error: The message type is not in *types*, or the version or the callback is not valid in LTI 1.1.
    """
    fields = Fields(message.parameters)
    if fields.require("lti_message_type") not in types:
        raise InvalidRequest(f"lti_message_type must be {' or '.join(types)}.")
    if fields.require("lti_version") != VERSION:
        raise InvalidRequest(f"lti_version must be {VERSION}.")
    if message.callback not in (None, "about:blank"):
        raise InvalidRequest("oauth_callback must be about:blank.")
    return fields


def _verified(request: HTTPRequest, policy: Policy) -> Steps[Launch]:
    message = yield from verify_form(request, policy)
    fields = require_message(message, LAUNCH, SELECTION_REQUEST)
    is_selection = fields.get("lti_message_type") == SELECTION_REQUEST
    context_id = fields.get("context_id")
    return Launch(
        consumer_key=message.consumer_key,
        user=User(**fields.several(USER)),
        roles=Roles.of(fields.words("roles")),
        resource_link=None if is_selection else _resource_link(fields),
        content_items=_selection(fields) if is_selection else None,
        context=None if context_id is None else Context(id=context_id, **fields.several(CONTEXT)),
        outcome=_outcome(fields),
        return_url=fields.url("launch_presentation_return_url"),
        locale=fields.get("launch_presentation_locale"),
        document_target=fields.get("launch_presentation_document_target"),
        tool_consumer=ToolConsumer(**fields.several(TOOL_CONSUMER)),
        custom={
            name[len(_CUSTOM) :]: fields.get(name) or "" for name in message.parameters if name.startswith(_CUSTOM)
        },
        parameters=message.parameters,
    )


def _resource_link(fields: Fields) -> ResourceLink:
    return ResourceLink(id=fields.require("resource_link_id"), **fields.several(RESOURCE_LINK))


def _selection(fields: Fields) -> ContentItemRequest:
    fields.require("content_item_return_url")
    for name in ("accept_media_types", "accept_presentation_document_targets"):
        if not fields.words(name):
            raise ParameterAbsent(f"Missing {name}.", name)
    return ContentItemRequest(
        return_url=fields.url("content_item_return_url") or "",
        media_types=fields.words("accept_media_types"),
        document_targets=fields.words("accept_presentation_document_targets"),
        is_multiple=fields.flag("accept_multiple"),
        is_unsigned=fields.flag("accept_unsigned"),
        data=fields.get("data"),
    )


def _outcome(fields: Fields) -> OutcomeTarget | None:
    url, sourcedid = fields.url("lis_outcome_service_url"), fields.get("lis_result_sourcedid")
    # Many tool consumers send the URL without the sourcedid if an instructor opens the link. Instructors get no grades,
    # so a launch without a sourcedid has no target.
    return None if url is None or sourcedid is None else OutcomeTarget(url=url, sourcedid=sourcedid)
