"""``manage.py oauth2_clean``: delete expired nonces and credentials."""

from __future__ import annotations

import time

from django.core.management.base import BaseCommand, CommandError

from .....stores import CombinedStore
from .....stores.django import DjangoStore
from ...configuration import provider

__all__ = ["Command"]


class Command(BaseCommand):
    """The command."""

    help = "Delete expired nonces and credentials. The provider also deletes some of them when it stores new data."

    def handle(self, **_: object) -> None:
        """Delete the expired nonces and credentials."""
        store = provider().store
        parts = (store.credentials, store.temporary, store.nonces) if isinstance(store, CombinedStore) else (store,)
        ours = next((each for each in parts if isinstance(each, DjangoStore)), None)
        if ours is None:
            raise CommandError("OAUTH2_STORE does not use the database of this project.")
        self.stdout.write(f"{ours.delete_expired(int(time.time()))} expired records are deleted.")
