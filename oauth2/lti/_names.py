"""The names of LTI parameters. A key is an attribute of a value; the value of the key is the name of its parameter."""

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

# These names do not include the identifiers, because the identifiers are required.
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
