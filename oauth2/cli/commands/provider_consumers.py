"""``oauth2 provider consumers``: the clients of a provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ..._generate import make_nonce
from ...provider.callbacks import OUT_OF_BAND, check_callback
from ...stores import ClientCredentials, is_valid_key
from ..confirmation import confirm
from ..escape import one_line
from ..failure import Failure
from ..files import read_file
from ..group import Group
from ..methods import NAMES
from ..options import as_json
from ..provider_store import ChosenStore, complete_consumer, store_options
from ..secret_file import new_secret_file
from ..terminal import is_interactive, note, say, say_facts, say_json, say_table

if TYPE_CHECKING:
    from ...stores import ConsumerStore, ListingStore

__all__ = ["add", "consumers", "list_", "remove", "rotate", "show"]

_LONGEST_NAME = 24  # Maximum number of characters of a name in the table; the end of a longer name is not shown.
_KEY = click.argument("key", metavar="KEY", shell_complete=complete_consumer)
_SECRET_FILE = click.option(
    "--secret-file", metavar="FILE", help="Write key and secret to this new file (mode 0600) and do not print them."
)


@click.group(cls=Group, invoke_without_command=True)
@click.pass_context
def consumers(context: click.Context) -> None:
    """Add, list, show, change and remove clients."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@consumers.command()
@click.argument("name", metavar="NAME")
@click.option("--callback", "callbacks", multiple=True, metavar="URL", help="A callback URL, or oob. Repeatable.")
@click.option("--key", metavar="KEY", help="The key. Defaults to a random key.")
@click.option("--public-key", metavar="FILE", help="The RSA public key in PEM, for a client that signs with RSA.")
@click.option(
    "--signature-method",
    "methods",
    multiple=True,
    type=click.Choice(NAMES, case_sensitive=False),
    metavar="METHOD",
    help="Allow only this method. Repeatable.",
)
@click.option("--two-legged", is_flag=True, help="Allow requests without a token.")
@click.option("--xauth", is_flag=True, help="Allow the client to exchange passwords for tokens.")
@click.option("--owner", metavar="USER", help="The user who registers the client.")
@_SECRET_FILE
@store_options
@as_json
def add(
    chosen: ChosenStore,
    name: str,
    *,
    callbacks: tuple[str, ...],
    key: str | None,
    public_key: str | None,
    methods: tuple[str, ...],
    two_legged: bool,
    xauth: bool,
    owner: str | None,
    secret_file: str | None,
    as_json: bool,
) -> None:
    """Register a client under NAME, which users see when they are asked for their approval.

    The secret is shown only once. No command shows it again.
    """
    pem = None if public_key is None else _public_key(public_key)
    if not (callbacks or two_legged or xauth):
        callbacks = (_ask_for_callback(),)
    for callback in callbacks:
        _check_callback(callback)
    consumer = ClientCredentials(
        key=_checked_key(make_nonce() if key is None else key),
        secret="" if pem else make_nonce(),
        public_key=pem,
        name=name,
        callbacks=callbacks,
        signature_methods=methods or None,
        two_legged=two_legged,
        xauth=xauth,
        owner=owner,
    )
    with chosen.opened() as store:
        # This call fails if the store has encrypted secrets, but the command has no keys. Without this call, the new
        # secret would be stored without encryption.
        store.list_consumers()
        if store.get_consumer(consumer.key) is not None:
            raise Failure(f"There is already a client with the key {one_line(consumer.key)!r}.", "Choose another key.")
        with new_secret_file(secret_file, consumer):
            store.add_consumer(consumer)
    _say_secret(consumer, secret_file, as_json=as_json, text=f"Registered {one_line(name)}.")


@consumers.command("list")
@click.option("--owner", metavar="USER", help="List only the clients that this user registered.")
@store_options
@as_json
def list_(chosen: ChosenStore, owner: str | None, as_json: bool) -> None:
    """List the clients, sorted by key."""
    with chosen.opened() as store:
        found = list(_all(store)) if owner is None else store.consumers_of(owner)
    if as_json:
        say_json([_shown(each) for each in found])
    elif not found:
        say("There are no clients. Register one with: oauth2 provider consumers add NAME")
    else:
        rows = [(each.key, _cut(each.name), _cut(each.owner or "-", 14), _signs_with(each)) for each in found]
        say_table([("KEY", "NAME", "OWNER", "SIGNS WITH"), *rows])


@consumers.command()
@_KEY
@store_options
@as_json
def show(chosen: ChosenStore, key: str, as_json: bool) -> None:
    """Show a client without its secret."""
    with chosen.opened() as store:
        found = _shown(_one(store, key))
    if as_json:
        say_json(found)
        return
    say_facts(found)


@consumers.command()
@_KEY
@click.option("--end", is_flag=True, help="End the rotation: refuse the previous secret.")
@click.option(
    "--at-once", is_flag=True, help="Refuse the current secret at once, for example if other people know the secret."
)
@click.option("--public-key", metavar="FILE", help="Replace the RSA public key by the key in this file.")
@_SECRET_FILE
@store_options
@as_json
def rotate(
    chosen: ChosenStore,
    key: str,
    *,
    end: bool,
    at_once: bool,
    public_key: str | None,
    secret_file: str | None,
    as_json: bool,
) -> None:
    """Replace the secret of a client.

    The current secret and the new secret are both accepted until you run the command again with --end. If a rotation
    is already in progress, only the newest secret is replaced, because the client still signs with the previous secret.
    """
    if end + at_once + (public_key is not None) > 1:
        raise Failure("These options exclude each other: --end, --at-once, --public-key.", "Give one of them.")
    pem = None if public_key is None else _public_key(public_key)
    with chosen.opened() as store:
        current = _one(store, key)
        if end:
            _replace(store, current.without_previous_secret())
            say(f"Ended the rotation. Only the newest secret of {one_line(key)} is accepted.")
            return
        if pem is not None:
            _replace(store, replace(current, public_key=pem))
            say(f"Replaced the public key of {one_line(key)}. Signatures of the previous key are refused.")
            return
        if not current.secret:
            raise Failure("This client signs with RSA and has no secret.", "Give its new key with --public-key FILE.")
        changed = _with_new_secret(current, at_once=at_once)
        with new_secret_file(secret_file, changed):
            _replace(store, changed)
    if at_once:
        accepted = "The previous secret is refused."
    else:
        accepted = "The previous secret is accepted until you run: rotate --end"
    _say_secret(changed, secret_file, as_json=as_json, text=f"Replaced the secret of {one_line(key)}. {accepted}")


@consumers.command()
@_KEY
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@store_options
def remove(chosen: ChosenStore, key: str, yes: bool) -> None:
    """Remove a client, and revoke all grants that users gave to it."""
    with chosen.opened() as store:
        found = _one(store, key)
        confirm(f"Remove {one_line(found.name or key)} and its grants?", yes=yes)
        store.remove_consumer(key)
    say(f"Removed {one_line(key)} and its grants.")


def _all(store: ListingStore) -> Iterator[ClientCredentials]:
    after = ""
    while page := store.list_consumers(after):
        yield from page
        after = page[-1].key


def _one(store: ConsumerStore, key: str) -> ClientCredentials:
    found = store.get_consumer(key) if is_valid_key(key) else None
    if found is None:
        shown = one_line(key[:80])
        raise Failure(f"There is no client with the key {shown!r}.", "Run: oauth2 provider consumers list")
    return found


def _replace(store: ConsumerStore, consumer: ClientCredentials) -> None:
    if not store.replace_consumer(consumer):
        raise Failure("The client was removed meanwhile.", "Run: oauth2 provider consumers list")


def _with_new_secret(consumer: ClientCredentials, *, at_once: bool) -> ClientCredentials:
    if at_once:
        return replace(consumer, secret=make_nonce(), previous_secret=None)
    if consumer.previous_secret is not None:
        return replace(consumer, secret=make_nonce())
    return consumer.with_new_secret()


def _checked_key(key: str) -> str:
    if not is_valid_key(key):
        raise Failure("--key: must be 1 to 255 characters of UTF-8 text.", "Choose another key.")
    return key


def _check_callback(callback: str) -> None:
    try:
        check_callback(callback)
    except ValueError:
        raise Failure(
            "--callback: Not a URL that a client may register.",
            "Give an http or https URL that has no userinfo and no fragment, com.example.program:/path, or oob.",
        ) from None


def _ask_for_callback() -> str:
    if not is_interactive():
        message = "There is no callback, and no terminal to ask for it."
        raise Failure(message, f"Give --callback URL, --callback {OUT_OF_BAND}, or --two-legged.")
    answer: str = click.prompt("Callback URL (empty for none)", default="", show_default=False, err=True)
    return answer.strip() or OUT_OF_BAND


def _public_key(path: str) -> str:
    from ... import rsa

    content = read_file(path)
    try:
        text = content.decode("ascii")
        rsa.read_public_key(text)
    except (ValueError, TypeError):
        message = "--public-key: Not an RSA public key in PEM."
        raise Failure(message, "Give the file FILE.pub of: oauth2 keygen") from None
    return text


def _say_secret(consumer: ClientCredentials, secret_file: str | None, *, as_json: bool, text: str) -> None:
    where = secret_file if consumer.secret else None
    given: dict[str, Any] = {"consumer_key": consumer.key}
    if consumer.secret and where is None:
        given["consumer_secret"] = consumer.secret
    if as_json:
        say_json({**given, "secret_file": where})
        return
    note(text)
    say_facts(given)
    if where is not None:
        note(f"The key and the secret are in {one_line(where)}, which only you can read.")
    elif consumer.secret:
        note("This is the only time that the secret is shown.")


def _signs_with(consumer: ClientCredentials) -> str:
    if not consumer.secret:
        return "RSA"
    return "secret" if consumer.previous_secret is None else "2 secrets"


def _cut(text: str, most: int = _LONGEST_NAME) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _shown(consumer: ClientCredentials) -> dict[str, Any]:
    return {
        "consumer_key": consumer.key,
        "name": consumer.name,
        "owner": consumer.owner,
        "callbacks": list(consumer.callbacks),
        "signature_methods": None if consumer.signature_methods is None else list(consumer.signature_methods),
        "two_legged": consumer.two_legged,
        "xauth": consumer.xauth,
        "has_secret": bool(consumer.secret),
        "rotation_in_progress": consumer.previous_secret is not None,
        "has_public_key": consumer.public_key is not None,
    }
