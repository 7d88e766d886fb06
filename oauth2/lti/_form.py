"""Signed forms that the browser of a user posts: launches, and returned content items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from .._wire.pairs import Pairs
from .._wire.text import is_utf8
from .._wire.url import is_http_url
from ..credentials import Credentials
from ..request import Request
from ..signature import SignatureMethod, SignatureMethod_HMAC_SHA1
from ._launch import LAUNCH, SELECTION_REQUEST, VERSION
from ._names import CONTEXT, RESOURCE_LINK, TOOL_CONSUMER, USER
from ._values import ContentItemRequest, Context, OutcomeTarget, ResourceLink, Roles, ToolConsumer, User

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<form action="{url}" method="post" accept-charset="utf-8" enctype="application/x-www-form-urlencoded">
{fields}
<button>{button}</button>
</form>
<script{nonce}>HTMLFormElement.prototype.submit.call(document.forms[0]);</script>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class LaunchForm:
    """A signed form. It can be posted only once, and only within a few minutes.

    Attributes:
        url: The URL to which the browser must post.
        fields: Names and values of the hidden fields, in order. Each line end in a value is CRLF, because browsers post
            line ends as CRLF.
    """

    url: str = field(repr=False)
    fields: tuple[tuple[str, str], ...] = field(repr=False)

    def html(self, *, title: str = "Opening ...", button: str = "Continue", script_nonce: str = "") -> str:
        """Return an HTML page that posts the form immediately. Without JavaScript, the user presses the button.

        Send the page as ``text/html; charset=utf-8`` with ``Cache-Control: no-store``.

        Args:
            title: The title of the page, as text.
            button: The text of the button.
            script_nonce: The nonce of the page's Content-Security-Policy, if the policy requires one.
        """
        # An HTML parser replaces CRLF by LF. Character references keep the CRLF that was signed.
        fields = "\n".join(
            [
                f'<input type="hidden" name="{_attribute(name)}" value="{_attribute(value)}">'
                for name, value in self.fields
            ]
        )
        nonce = f' nonce="{_attribute(script_nonce)}"' if script_nonce else ""
        return _PAGE.format(
            title=escape(title), url=_attribute(self.url), fields=fields, button=escape(button), nonce=nonce
        )


def launch_form(
    url: str,
    consumer: Credentials,
    *,
    resource_link: ResourceLink | None = None,
    content_items: ContentItemRequest | None = None,
    user: User | None = None,
    roles: Sequence[str] = (),
    context: Context | None = None,
    outcome: OutcomeTarget | None = None,
    return_url: str | None = None,
    locale: str | None = None,
    document_target: str | None = None,
    tool_consumer: ToolConsumer | None = None,
    custom: Mapping[str, str] | None = None,
    extensions: Mapping[str, str] | None = None,
    signature_method: SignatureMethod | None = None,
) -> LaunchForm:
    """Make the signed form with which a tool consumer launches a tool.

    The signature also covers the query of *url*. The form does not repeat the query.

    Args:
        url: The launch URL of the tool.
        consumer: The key and the secret that identify this tool consumer at the tool.
        resource_link: The link that the user follows. Pass either *resource_link* or *content_items*.
        content_items: The request to select content items.
        user: The user.
        roles: Roles of the user: short names such as ``Instructor``, or URNs.
        context: The context, usually a course.
        outcome: The target to which the tool must send the grade.
        return_url: The URL to which the tool may send the user when the user has finished.
        locale: The language of the user, such as ``en-US``.
        document_target: Where the tool consumer shows the tool, such as ``iframe`` or ``window``.
        tool_consumer: A description of this tool consumer.
        custom: Custom parameters. Write the names without the prefix ``custom_``.
        extensions: Other parameters; the names must start with ``ext_``.
        signature_method: Defaults to HMAC-SHA1, which LTI 1.1 requires.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: An argument is not valid; the message contains the name of the argument.
    """
    if (resource_link is None) == (content_items is None):
        raise ValueError("resource_link: pass either resource_link or content_items")
    if return_url is not None and not is_http_url(return_url):
        raise ValueError("return_url: must be an http or https URL")
    fields: Pairs = [("lti_message_type", SELECTION_REQUEST if content_items else LAUNCH), ("lti_version", VERSION)]
    if resource_link is not None:
        fields += [("resource_link_id", resource_link.id), *_written(resource_link, RESOURCE_LINK)]
    if content_items is not None:
        fields += _selection(content_items)
    fields += [] if user is None else _written(user, USER)
    if roles:
        fields.append(("roles", ",".join(_short(urn) for urn in Roles.of(roles).urns)))
    if context is not None:
        fields += [("context_id", context.id), *_written(context, CONTEXT)]
    if outcome is not None:
        fields += [("lis_outcome_service_url", outcome.url), ("lis_result_sourcedid", outcome.sourcedid)]
    presentation = {"return_url": return_url, "locale": locale, "document_target": document_target}
    fields += [(f"launch_presentation_{name}", value) for name, value in presentation.items() if value is not None]
    fields += [] if tool_consumer is None else _written(tool_consumer, TOOL_CONSUMER)
    fields += [(f"custom_{name}", value) for name, value in (custom or {}).items()]
    for name, value in (extensions or {}).items():
        if not name.startswith("ext_"):
            raise ValueError("extensions: names must start with ext_")
        fields.append((name, value))
    return sign_form(url, consumer, fields, signature_method)


def sign_form(
    url: str, consumer: Credentials, fields: Pairs, signature_method: SignatureMethod | None = None
) -> LaunchForm:
    """Sign *fields* and the query of *url*.

    Raises:
        TypeError: A name or value is not text, or *consumer* has no key and secret.
        ValueError: *url* is not an http or https URL, or a name or a value cannot be sent in a form.
    """
    if not is_http_url(url):
        raise ValueError("url: must be an http or https URL")
    parameters: dict[str, str] = {}
    for name, value in fields:
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"{name}: must be a str")
        if "\0" in name + value or not is_utf8(name + value):
            raise ValueError(f"{name!a}: must be text without a NUL or a lone surrogate")
        if not name or name in parameters or "\r" in name or "\n" in name:
            raise ValueError(f"{name!a}: must be a name without a line break, and must occur only once")
        parameters[name] = _with_crlf(value)
    parameters["oauth_callback"] = "about:blank"
    request = Request.from_consumer_and_token(consumer, None, "POST", url, parameters, body=None, is_form_encoded=True)
    request.sign_request(signature_method or SignatureMethod_HMAC_SHA1(), consumer, None)
    signed = dict(request.protocol_pairs())
    others = [(name, value) for name, value in parameters.items() if name not in signed]
    return LaunchForm(url, (*others, *signed.items()))


def _selection(request: ContentItemRequest) -> Pairs:
    fields = [
        ("content_item_return_url", request.return_url),
        ("accept_media_types", ",".join(request.media_types)),
        ("accept_presentation_document_targets", ",".join(request.document_targets)),
        ("accept_multiple", str(request.is_multiple).lower()),
        ("accept_unsigned", str(request.is_unsigned).lower()),
    ]
    return fields if request.data is None else [*fields, ("data", request.data)]


def _written(value: object, names: Mapping[str, str]) -> Pairs:
    found = [(name, getattr(value, attribute)) for attribute, name in names.items()]
    return [(name, text) for name, text in found if text is not None]


def _short(urn: str) -> str:
    return urn.removeprefix("urn:lti:role:ims/lis/")


def _with_crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def _attribute(text: str) -> str:
    return escape(text).replace("\r", "&#13;").replace("\n", "&#10;")
