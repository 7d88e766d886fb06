"""``oauth2 login``: get a token that a person approves, and keep it."""

from __future__ import annotations

import os
import sys
import time
import webbrowser
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ... import errors
from ...flow import OUT_OF_BAND, Endpoints
from ...outgoing import origin
from .. import methods
from ..account import Account, check_name
from ..credentials import PASSWORD, ask, obtain
from ..failure import REFUSED, UNREACHABLE, Failure, in_words_of_the_command
from ..options import credentials_option, method_options, placement_options, read_pair
from ..problem import problem_of, remedy_for
from ..profile import complete_service, find_profile
from ..redact import redacted_text
from ..terminal import note, say
from ..vault import Vault, open_vault

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHECK = "check the URLs, the consumer key and the callback"
_MOST = 200  # characters of a refusal that are shown
_FOR_BROWSERS = ("authorize", "authenticate")  # the endpoints that the account is not used for


@click.command()
@click.argument(
    "where",
    nargs=-1,
    required=True,
    metavar="SERVICE | REQUEST_URL AUTHORIZE_URL TOKEN_URL",
    shell_complete=complete_service,
)
@click.option("-a", "--account", metavar="NAME", help="Keep it under this name; unless given, the service's.")
@click.option("--set", "placeholders", multiple=True, metavar="NAME=VALUE", help="A part of the service's URLs.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="For the authorization page.")
@click.option("--url", "urls", multiple=True, metavar="URL", help="Use it for this scheme and host, too.")
@click.option("--user", metavar="NAME", help="Give name and password instead of approving (xAuth).")
@click.option("--callback", metavar="URL", help="A loopback URL as the service knows it, or oob for a code to type.")
@click.option("--no-browser", is_flag=True, help="Print the URL to open, and do not open it.")
@click.option("--timeout", type=float, default=300.0, show_default=True, metavar="SECONDS", help="For your approval.")
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
    no_browser: bool,
    timeout: float,
    **how: Any,
) -> None:
    """Get a token that you approve, and keep it.

    From SERVICE, whose profile is known, or from three URLs: for temporary credentials, for authorization, and for
    the token.

    The consumer key and secret are asked for, or come from a file or the environment; never from the command line.
    """
    draft, endpoints = _draft(where, account, dict(map(read_pair, placeholders)), how)
    vault = open_vault()
    vault.prepare(draft.name)
    kept = _with_consumer(draft, vault, credentials)
    asked = dict(map(read_pair, parameters))
    with _failures():
        if user is not None:
            token = _give_password(kept, endpoints, user)
        else:
            token = _authorize(kept, endpoints, callback, asked, no_browser=no_browser, timeout=timeout)
    origins = [*kept.origins, *map(_origin, urls)]
    done = replace(
        kept,
        token=token.key,
        token_secret=token.secret,
        parameters=dict(token.parameters),
        origins=tuple(dict.fromkeys(origins)),
        created=int(time.time()),
    )
    vault.save(done)
    say(f"Kept as {done.name}, in {vault.place}. Try: oauth2 request {done.origins[0]}/...")


def _draft(
    where: tuple[str, ...], name: str | None, placeholders: dict[str, str], how: dict[str, Any]
) -> tuple[Account, Any]:
    chosen = {key: value for key, value in how.items() if value is not None}
    if "private_key" in chosen:
        chosen["private_key"] = os.path.abspath(chosen["private_key"])
        chosen.setdefault("signature_method", "RSA-SHA1")
    if len(where) == 1 and "://" not in where[0]:
        profile = find_profile(where[0], placeholders)
        chosen.setdefault("signature_method", profile.signature_methods[0])
        with _failures():
            profile.endpoints()
        draft = Account(name=check_name(name or where[0]), service=where[0], placeholders=placeholders, **chosen)
        filled = profile.at(**placeholders) if profile.placeholders else profile
        urls = [url for step, url in filled.urls.items() if step not in _FOR_BROWSERS]
        return replace(draft, origins=_origins(urls)), profile
    if len(where) != 3:
        raise Failure("login wants a service, or three URLs", "see: oauth2 services, and oauth2 login --help")
    temporary, authorize, token = where
    with _failures():
        endpoints = Endpoints(temporary=temporary, authorize=authorize, token=token)
    host = origin(token).partition("://")[2].replace(":", "-").strip("[]")
    draft = Account(name=check_name(name or host), **chosen)
    return replace(draft, origins=_origins([temporary, token])), endpoints


def _origins(urls: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(origin, urls)))


def _origin(url: str) -> str:
    with _failures():
        return origin(url)


def _with_consumer(draft: Account, vault: Vault, credentials: str | None) -> Account:
    # Who logs in again has the consumer's credentials there already.
    if credentials is None and "OAUTH2_CONSUMER_KEY" not in os.environ and draft.name in vault.names():
        found = vault.load(draft.name)
        if found.service == draft.service and found.origins[: len(draft.origins)] == draft.origins:
            return replace(draft, consumer_key=found.consumer_key, consumer_secret=found.consumer_secret)
    needs_secret = methods.uses_secrets(draft.signature_method)
    found = obtain(credentials, with_token=False, needs_secret=needs_secret)
    return replace(draft, consumer_key=found.consumer_key, consumer_secret=found.consumer_secret)


def _authorize(
    account: Account,
    endpoints: Any,
    callback: str | None,
    parameters: dict[str, str],
    *,
    no_browser: bool,
    timeout: float,
) -> Any:
    from ...authorize import authorize

    return authorize(
        account.consumer,
        endpoints,
        callback=callback,
        parameters=parameters,
        signature_method=methods.for_signing(account),
        open_browser=_show if no_browser else _open,
        ask=_ask,
        timeout=timeout,
    )


def _give_password(account: Account, endpoints: Any, user: str) -> Any:
    from ...authorize import xauth

    password = ask(PASSWORD, "Password", is_secret=True)
    return xauth(account.consumer, endpoints, user, password, signature_method=methods.for_signing(account))


def _show(url: str) -> None:
    note(f"Open this page to approve: {url}")


def _open(url: str) -> None:
    _show(url)
    webbrowser.open(url)


def _ask(url: str) -> str:
    code: str = click.prompt(
        "The code that the page shows", err=True, prompt_suffix=": " if sys.stdin.isatty() else ":\n"
    )
    return code


@contextmanager
def _failures() -> Iterator[None]:
    import httplib2

    try:
        yield
    except errors.AuthorizationDenied:
        raise Failure("the service says that you denied it", "log in again to allow it", code=REFUSED) from None
    except errors.ServiceRefused as exc:
        raise _refusal(exc) from None
    except errors.InvalidURL as exc:
        raise Failure(exc.message.rstrip("."), "give an https URL") from None
    except errors.Error as exc:
        raise Failure(exc.message.rstrip("."), "check the three URLs, or ask the service", code=REFUSED) from None
    except TimeoutError as exc:
        what = str(exc).rstrip(".") or "the service did not answer in time"
        raise Failure(
            what, f"log in again; where no browser can reach this machine: --callback {OUT_OF_BAND}", code=UNREACHABLE
        ) from None
    except httplib2.HttpLib2Error as exc:
        what = f"the service cannot be reached ({type(exc).__name__})"
        raise Failure(what, "check the URLs and the network", code=UNREACHABLE) from None
    except OSError as exc:
        what = f"the service cannot be reached: {exc.strerror or type(exc).__name__}"
        raise Failure(what, "check the URLs, the network and the port of --callback", code=UNREACHABLE) from None
    except ValueError as exc:
        raise Failure(in_words_of_the_command(exc), "see: oauth2 login --help") from None


def _refusal(exc: errors.ServiceRefused) -> Failure:
    named = f" ({exc.problem})" if exc.problem else ""
    said = f": {redacted_text(exc.body)[:_MOST]}" if exc.body and not exc.problem else ""
    status = exc.answered or 400  # None if the refusal came with the callback
    problem = problem_of("", f"oauth_problem={exc.problem}") if exc.problem else None
    what = f"the service answered {exc.answered or 'with the callback'}{named}{said}"
    remedy = remedy_for(status, problem) if problem or status in (401, 429) or status >= 500 else _CHECK
    return Failure(what.replace(";", ","), remedy, code=REFUSED)
