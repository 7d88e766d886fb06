"""``oauth2 login``: get a token that the user approves, and store it."""

from __future__ import annotations

import os
import time
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

import click

from ..._sending.uri import origin
from ...flow import OUT_OF_BAND, Endpoints, IssuedToken
from .. import methods
from ..account import Account, check_name
from ..credentials import PASSWORD, ask, obtain
from ..failure import Failure
from ..group import Command
from ..login_errors import login_failures
from ..options import (
    Seconds,
    SigningOptions,
    credentials_option,
    given_only,
    method_options,
    placement_options,
    read_pair,
)
from ..profile import complete_service, find_profile, origins_of, require_placeholders
from ..terminal import note, say
from ..vault import Vault, open_vault
from ..verifier import redeem_code

if TYPE_CHECKING:
    from ...authorize import SendingOptions
    from ...clients.explanation import Explanation
    from ...services import Service

__all__ = ["login"]


@click.command(cls=Command)
@click.argument(
    "where",
    nargs=-1,
    required=True,
    metavar="SERVICE | REQUEST_URL AUTHORIZE_URL TOKEN_URL",
    shell_complete=complete_service,
)
@click.option("-a", "--account", metavar="NAME", help="Name of the account. Defaults to the name of the service.")
@click.option(
    "--set",
    "placeholders",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a placeholder of the profile. Repeatable.",
)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Add a parameter to the URL of the authorization page. Repeatable.",
)
@click.option(
    "--url", "urls", multiple=True, metavar="URL", help="Use the account also for this scheme and host. Repeatable."
)
@click.option("--user", metavar="NAME", help="Log in with this user name and a password (xAuth). No page is opened.")
@click.option("--callback", metavar="URL", help="The registered loopback URL; or oob, if you will type a code.")
@click.option("--listen", metavar="URL", help="The loopback URL to listen on, if --callback is not a loopback URL.")
@click.option("--no-browser", is_flag=True, help="Print the URL of the page instead of opening it.")
@click.option(
    "--timeout",
    type=Seconds(),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="The maximum time to wait for your approval.",
)
@credentials_option
@method_options
@placement_options
def login(
    where: tuple[str, ...],
    account: str | None,
    placeholders: tuple[str, ...],
    parameters: tuple[str, ...],
    urls: tuple[str, ...],
    credentials: str | None,
    user: str | None,
    callback: str | None,
    listen: str | None,
    no_browser: bool,
    timeout: float,
    **options: Unpack[SigningOptions],
) -> None:
    """Get a token that you approve, and store it as an account.

    Give a SERVICE that has a profile, or three URLs: for temporary credentials, for authorization, and for token
    credentials.

    The command asks for the consumer key and secret, or reads them from a file or the environment. No option takes a
    secret, because other users can see the command line.
    """
    draft, endpoints = _draft(where, account, dict(map(read_pair, placeholders)), options)
    vault = open_vault()
    vault.prepare(draft.name)
    ready = _with_consumer(draft, vault, credentials)
    asked = dict(map(read_pair, parameters))
    refusals: list[Explanation] = []
    with login_failures(refusals):
        sending: SendingOptions = {"signature_method": methods.for_signing(ready), "on_refusal": refusals.append}
        if user is not None:
            token = _give_password(ready, endpoints, user, sending)
        else:
            show = _show if no_browser else _open
            token = _authorize(
                ready, endpoints, asked, show, callback=callback, listen=listen, timeout=timeout, **sending
            )
    origins = [*ready.origins, *map(_origin, urls)]
    done = replace(
        ready,
        token=token.key,
        token_secret=token.secret,
        parameters=dict(token.parameters),
        origins=tuple(dict.fromkeys(origins)),
        created=int(time.time()),
    )
    vault.save(done)
    say(f"Saved the account {done.name} in {vault.place}. Try: oauth2 request {done.origins[0]}/...")


def _draft(
    where: tuple[str, ...], name: str | None, placeholders: dict[str, str], options: SigningOptions
) -> tuple[Account, Endpoints | Service]:
    """Return the account without credentials, and the endpoints that issue its credentials."""
    chosen = given_only(options)
    if "private_key" in chosen:
        chosen["private_key"] = os.path.abspath(chosen["private_key"])
        chosen.setdefault("signature_method", "RSA-SHA1")
    if len(where) == 1 and "://" not in where[0]:
        return _of_service(where[0], name, placeholders, chosen)
    if len(where) != 3:
        raise Failure("login needs a service or three URLs.", "Run: oauth2 services, or: oauth2 login --help")
    return _of_urls(*where, name, chosen)


def _of_service(
    service: str, name: str | None, placeholders: dict[str, str], chosen: dict[str, Any]
) -> tuple[Account, Service]:
    profile = find_profile(service, placeholders)
    chosen.setdefault("signature_method", profile.signature_methods[0])
    require_placeholders(profile)
    with login_failures():
        profile.endpoints()
    draft = Account(name=check_name(name or service), service=service, placeholders=placeholders, **chosen)
    return replace(draft, origins=origins_of(profile)), profile


def _of_urls(
    temporary: str, authorize: str, token: str, name: str | None, chosen: dict[str, Any]
) -> tuple[Account, Endpoints]:
    with login_failures():
        endpoints = Endpoints(temporary=temporary, authorize=authorize, token=token)
    host = origin(token).partition("://")[2].replace(":", "-").strip("[]")
    draft = Account(name=check_name(name or host), **chosen)
    return replace(draft, origins=tuple(dict.fromkeys([origin(temporary), origin(token)]))), endpoints


def _origin(url: str) -> str:
    with login_failures():
        return origin(url)


def _with_consumer(draft: Account, vault: Vault, credentials: str | None) -> Account:
    # If an account with this name and service exists, the user does not have to type its consumer credentials again.
    if credentials is None and "OAUTH2_CONSUMER_KEY" not in os.environ and draft.name in vault.names():
        found = vault.load(draft.name)
        if found.service == draft.service and found.origins[: len(draft.origins)] == draft.origins:
            return replace(draft, consumer_key=found.consumer_key, consumer_secret=found.consumer_secret)
    needs_secret = methods.uses_secrets(draft.signature_method)
    found = obtain(credentials, with_token=False, needs_secret=needs_secret)
    return replace(draft, consumer_key=found.consumer_key, consumer_secret=found.consumer_secret)


def _authorize(
    account: Account,
    endpoints: Endpoints | Service,
    parameters: dict[str, str],
    show: Callable[[str], None],
    *,
    callback: str | None,
    listen: str | None,
    timeout: float,
    **sending: Unpack[SendingOptions],
) -> IssuedToken:
    from ...authorize import authorize

    if (callback or endpoints.callback) == OUT_OF_BAND and listen is None:
        return redeem_code(account.consumer, endpoints, parameters, show, **sending)
    return authorize(
        account.consumer,
        endpoints,
        parameters=parameters,
        open_browser=show,
        remind=_remind,
        callback=callback,
        listen=listen,
        timeout=timeout,
        **sending,
    )


def _give_password(account: Account, endpoints: Endpoints | Service, user: str, sending: SendingOptions) -> IssuedToken:
    from ...authorize import xauth

    password = ask(PASSWORD, "Password", is_secret=True)
    return xauth(account.consumer, endpoints, user, password, **sending)


def _show(url: str) -> None:
    note(f"Open this page to approve: {url}")


def _open(url: str) -> None:
    _show(url)
    webbrowser.open(url)


def _remind(url: str) -> None:
    note(
        "Still waiting for the browser. If you denied the access, press Ctrl-C: some services do not redirect after "
        "a refusal. "
        f"If the page shows a code, press Ctrl-C and log in again with --callback {OUT_OF_BAND}."
    )
