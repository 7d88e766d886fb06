"""The security scheme of ``OAuth1Authentication``. drf-spectacular finds ``OAuth1Scheme`` by its base class."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

__all__ = ["OAuth1Scheme"]


class OAuth1Scheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # of __init_subclass__()
    """HTTP authentication with the scheme ``OAuth``, because OpenAPI has no type for OAuth 1.0a."""

    target_class = "oauth2.integrations.rest_framework.OAuth1Authentication"
    name = "OAuth1"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the security scheme."""
        return {
            "type": "http",
            "scheme": "OAuth",
            "description": "OAuth 1.0a (RFC 5849): each request is signed. The signature is in the Authorization "
            "header, the query or a form.",
        }
