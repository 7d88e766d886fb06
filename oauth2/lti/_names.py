"""The names of LTI parameters. Each dict maps the attributes of one class to the names of their parameters."""

from __future__ import annotations

USER = {
    "id": "user_id",
    "name": "lis_person_name_full",
    "given_name": "lis_person_name_given",
    "family_name": "lis_person_name_family",
    "email": "lis_person_contact_email_primary",
    "image": "user_image",
    "sourcedid": "lis_person_sourcedid",
}

# These two dicts omit the identifiers: an identifier is required, but all parameters in the dicts are optional.
CONTEXT = {"type": "context_type", "title": "context_title", "label": "context_label"}
RESOURCE_LINK = {"title": "resource_link_title", "description": "resource_link_description"}

TOOL_CONSUMER = {
    "guid": "tool_consumer_instance_guid",
    "product": "tool_consumer_info_product_family_code",
    "version": "tool_consumer_info_version",
    "name": "tool_consumer_instance_name",
    "description": "tool_consumer_instance_description",
    "url": "tool_consumer_instance_url",
    "contact_email": "tool_consumer_instance_contact_email",
}
