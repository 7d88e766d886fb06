"""A provider in Django: an app with tables, endpoints, a consent page and admin pages, and a decorator for views."""

from .access import SignedRequest, oauth_required
from .configuration import provider

__all__ = ["SignedRequest", "oauth_required", "provider"]
