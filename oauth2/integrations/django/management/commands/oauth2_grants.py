"""``manage.py oauth2_grants``: list and revoke the approvals of users."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...configuration import database, provider
from ...models import Grant

__all__ = ["Command"]


class Command(BaseCommand):
    """The command."""

    help = "List and revoke the approvals of users."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the subcommands."""
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="list the grants, the newest first")
        listing.add_argument("--user", help="only the grants of the user with this primary key")
        listing.add_argument("--client", help="only the grants for the client with this key")
        actions.add_parser("revoke", help="revoke a grant").add_argument("grant")

    def handle(self, *, action: str, **options: Any) -> None:
        """Run one subcommand."""
        if action == "list":
            self._list(options["user"], options["client"])
        elif provider().revoke(options["grant"]):
            self.stdout.write("The grant is revoked.")
        else:
            raise CommandError("There is no such grant. List the grants with: oauth2_grants list")

    def _list(self, user: str | None, client: str | None) -> None:
        wanted = {"approved_by": user, "consumer_key": client}
        found = Grant.objects.using(database()).filter(**{k: v for k, v in wanted.items() if v is not None})
        for each in found.order_by("-issued_at"):
            shown = (each.grant_key, each.consumer_key, each.approved_by, each.issued.isoformat(), each.realms)
            self.stdout.write("\t".join(shown))
