"""``manage.py oauth2_consumers``: register, list and remove clients, and rotate their secrets."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from .....rsa import read_public_key
from .....stores import ClientCredentials
from ...configuration import database, provider
from ...models import RegisteredClient

__all__ = ["Command"]


class Command(BaseCommand):
    """The command."""

    help = "Register, list and remove clients, and rotate their secrets. A secret is shown only once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the subcommands."""
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="register a client, and show its key and secret")
        add.add_argument("name", help="the name that is shown to users")
        add.add_argument("--callback", action="append", default=[], help='a callback URL, or "oob"; may be repeated')
        add.add_argument("--owner", help="the user who registers the client")
        add.add_argument("--public-key", type=_read, help="the file of an RSA public key in PEM")
        add.add_argument("--two-legged", action="store_true", help="the client may send requests without a token")
        add.add_argument("--xauth", action="store_true", help="the client may exchange passwords for tokens")
        actions.add_parser("list", help="list the clients")
        rotate = actions.add_parser(
            "rotate", help="make a new secret; the current secret stays valid until you run rotate --end"
        )
        rotate.add_argument("key")
        rotate.add_argument("--end", action="store_true", help="end the rotation: forget the previous secret")
        actions.add_parser("remove", help="remove a client and its tokens").add_argument("key")

    def handle(self, *, action: str, **options: Any) -> None:
        """Run one subcommand."""
        if action == "add":
            self._add(options)
        elif action == "list":
            self._list()
        elif action == "remove":
            if not provider().store.remove_consumer(options["key"]):
                raise _unknown(options["key"])
            self.stdout.write("The client and its tokens are removed.")
        elif options["end"]:
            self._replace(_known(options["key"]).without_previous_secret())
            self.stdout.write("The previous secret is not accepted any more.")
        else:
            self._rotate(_known(options["key"]))

    def _add(self, options: Mapping[str, Any]) -> None:
        names = ("name", "owner", "public_key", "two_legged", "xauth")
        try:
            if options["public_key"]:
                read_public_key(options["public_key"])
            made = provider().register(callbacks=options["callback"], **{name: options[name] for name in names})
        except (ValueError, ImportError) as exc:
            raise CommandError(str(exc)) from exc
        self._show(made)

    def _list(self) -> None:
        for each in RegisteredClient.objects.using(database()).order_by("name", "consumer_key"):
            state = "\ttwo secrets are accepted" if each.previous_secret is not None else ""
            self.stdout.write(f"{each.consumer_key}\t{each.name}{state}")

    def _rotate(self, known: ClientCredentials) -> None:
        if not known.secret:
            raise CommandError("This client signs with RSA. It has no secret.")
        changed = known.with_new_secret()
        self._replace(changed)
        self._show(changed)
        self.stderr.write("The previous secret is accepted, too. End the rotation with rotate --end.")

    def _replace(self, changed: ClientCredentials) -> None:
        if not provider().store.replace_consumer(changed):
            raise _unknown(changed.key)

    def _show(self, client: ClientCredentials) -> None:
        self.stdout.write(f"key: {client.key}")
        if client.secret:
            self.stdout.write(f"secret: {client.secret}")
            self.stderr.write("This secret is shown only now.")


def _known(key: str) -> ClientCredentials:
    found = provider().store.get_consumer(key)
    if found is None:
        raise _unknown(key)
    return found


def _unknown(key: str) -> CommandError:
    return CommandError(f"There is no client with the key {key!r}. List the clients with: oauth2_consumers list")


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as exc:
        raise ArgumentTypeError(f"{path} cannot be read: {exc}") from exc
