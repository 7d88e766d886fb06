"""The values of a launch, which a tool consumer sends and a tool receives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .._wire.url import is_http_url

_CONTEXT = "urn:lti:role:ims/lis/"
_INSTITUTION = "urn:lti:instrole:ims/lis/"
_SYSTEM = "urn:lti:sysrole:ims/lis/"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The user who opens the tool. A tool consumer may omit any attribute to protect the privacy of its users.

    Attributes:
        id: An opaque identifier, unique within the tool consumer.
        name: The full name.
        given_name: The given name.
        family_name: The family name.
        email: The email address. The tool consumer may not have verified it.
        image: The URL of a picture of the user.
        sourcedid: The identifier of the user in the student information system.
    """

    id: str | None = None
    name: str | None = field(default=None, repr=False)
    given_name: str | None = field(default=None, repr=False)
    family_name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    image: str | None = field(default=None, repr=False)
    sourcedid: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of the user.

    A short name is a role in the context: ``Instructor`` means ``urn:lti:role:ims/lis/Instructor``. For a role with a
    sub-role, such as ``Learner/GuestLearner``, the sets below contain the full name and also ``Learner``.

    Attributes:
        urns: All roles as URNs, in the order in which they were sent.
    """

    urns: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Iterable[str]) -> Roles:
        """Create the roles from short names or URNs.

        Raises:
            TypeError: *names* is one text, or a name is not text.
            ValueError: A name is empty, or contains a comma.
        """
        if isinstance(names, str):
            raise TypeError("roles: must be a list of texts, not one text")
        stripped: list[str] = []
        for name in names:
            if not isinstance(name, str):
                raise TypeError("roles: each must be a str")
            if not name.strip() or "," in name:
                raise ValueError("roles: each must be a name without a comma")
            stripped.append(name.strip())
        return cls(tuple([name if name[:4].lower() == "urn:" else _CONTEXT + name for name in stripped]))

    @property
    def context(self) -> frozenset[str]:
        """Names of the roles in the context, such as ``Instructor``."""
        return self._names(_CONTEXT)

    @property
    def institution(self) -> frozenset[str]:
        """Names of the roles in the institution, such as ``Faculty``."""
        return self._names(_INSTITUTION)

    @property
    def system(self) -> frozenset[str]:
        """Names of the roles in the tool consumer's system, such as ``SysAdmin``."""
        return self._names(_SYSTEM)

    def _names(self, prefix: str) -> frozenset[str]:
        found = [urn[len(prefix) :] for urn in self.urns if urn.lower().startswith(prefix)]
        return frozenset(found) | {name.partition("/")[0] for name in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The context of the launch, usually a course.

    Attributes:
        id: An opaque identifier, unique within the tool consumer.
        type: Short names such as ``CourseSection``, or URNs, separated by commas.
        title: The title.
        label: A short title, such as ``SI182``.
    """

    id: str
    type: str | None = None
    title: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLink:
    """The link that the user followed. If a course links to the same tool twice, each link has its own identifier.

    Attributes:
        id: An opaque identifier, unique within the tool consumer.
        title: The title of the link.
        description: A description in plain text.
    """

    id: str
    title: str | None = None
    description: str | None = None

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("id: must not be empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeTarget:
    """The target to which a tool sends the grade of one user for one link.

    Attributes:
        url: ``lis_outcome_service_url``, an absolute http or https URL.
        sourcedid: ``lis_result_sourcedid``, which identifies the user and the link. This text may be confidential.
    """

    url: str = field(repr=False)
    sourcedid: str = field(repr=False)

    def __post_init__(self) -> None:
        if not is_http_url(self.url):
            raise ValueError("url: must be an http or https URL")
        if not self.sourcedid:
            raise ValueError("sourcedid: must not be empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolConsumer:
    """The system that sends the launch.

    Attributes:
        guid: A globally unique identifier of the installation.
        product: The name of the product in lower case, such as ``canvas`` or ``moodle``.
        version: The version of the product.
        name: The name of the installation.
        description: A description of the installation.
        url: The URL of the installation.
        contact_email: The email address of the operator of the installation.
    """

    guid: str | None = None
    product: str | None = None
    version: str | None = None
    name: str | None = None
    description: str | None = None
    url: str | None = field(default=None, repr=False)
    contact_email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentItemRequest:
    """A request to select content items (ContentItemSelectionRequest).

    Attributes:
        return_url: The http or https URL to which the tool returns the items.
        media_types: The media types that the tool consumer accepts.
        document_targets: Where the tool consumer can show an item, such as ``iframe`` and ``window``.
        is_multiple: Whether the tool consumer accepts more than one item.
        is_unsigned: Whether the tool consumer accepts a returned form without a signature. This package always signs
            the form.
        data: An opaque text that the tool must return.
    """

    return_url: str
    media_types: tuple[str, ...]
    document_targets: tuple[str, ...] = ("iframe", "window")
    is_multiple: bool = False
    is_unsigned: bool = False
    data: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not is_http_url(self.return_url):
            raise ValueError("return_url: must be an http or https URL")
        if not self.media_types:
            raise ValueError("media_types: must not be empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A verified launch. The tool consumer has signed all values.

    A launch for a resource link has a *resource_link*. A launch to select content items has *content_items* instead.

    Attributes:
        consumer_key: The key of the tool consumer that signed the launch. Identifiers such as ``user.id`` are unique
            only together with this key.
        user: The user.
        roles: The roles of the user.
        resource_link: The link; None if the user must select content items.
        content_items: The request to select content items; None if the user follows a link.
        context: The context; None if the tool consumer has not sent a context.
        outcome: The target to which the tool sends the grade; None if this launch is not graded.
        return_url: The http or https URL to which the user may return after the launch; None if the tool consumer has
            not sent a URL.
        locale: The language of the user, such as ``en-US``.
        document_target: Where the tool consumer shows the tool, such as ``iframe`` or ``window``.
        tool_consumer: The system that sent the launch.
        custom: The custom parameters; their names do not include ``custom_``.
        parameters: A dict of all signed parameters, except the protocol parameters. Values are decoded. If a name
            occurs more than once, its value is a list.
    """

    consumer_key: str
    user: User
    roles: Roles
    resource_link: ResourceLink | None
    content_items: ContentItemRequest | None
    context: Context | None
    outcome: OutcomeTarget | None
    return_url: str | None = field(repr=False)
    locale: str | None
    document_target: str | None
    tool_consumer: ToolConsumer
    custom: Mapping[str, str] = field(repr=False)
    parameters: Mapping[str, str | list[str]] = field(repr=False)
