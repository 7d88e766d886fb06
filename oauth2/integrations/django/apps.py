"""The configuration of the Django app, whose label is ``oauth2``."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks

__all__ = ["OAuth2Config"]


class OAuth2Config(AppConfig):
    """The app ``oauth2.integrations.django``."""

    name = "oauth2.integrations.django"
    label = "oauth2"
    verbose_name = "OAuth 1.0a"

    def ready(self) -> None:
        """Register the system checks, and delete the cached provider when a test changes a setting."""
        from django.test.signals import setting_changed

        from . import checks as ours
        from .configuration import forget

        checks.register(ours.check_settings, "oauth2")
        checks.register(ours.check_deployment, "oauth2", deploy=True)
        checks.register(ours.check_database, checks.Tags.database)
        setting_changed.connect(forget, dispatch_uid="oauth2")
