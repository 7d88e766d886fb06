"""Where a command gets credentials from: a file, a named account, the environment, or the account of an origin."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from ..encoding import is_utf8
from ..errors import InvalidURL
from ..outgoing import origin
from .account import Account
from .failure import CREDENTIALS, USAGE, Failure
from .terminal import is_interactive, one_line
from .vault import open_vault

if TYPE_CHECKING:
    from collections.abc import Mapping

CONSUMER_KEY = "OAUTH2_CONSUMER_KEY"
CONSUMER_SECRET = "OAUTH2_CONSUMER_SECRET"  # noqa: S105 - a name
TOKEN = "OAUTH2_TOKEN"  # noqa: S105 - a name
TOKEN_SECRET = "OAUTH2_TOKEN_SECRET"  # noqa: S105 - a name
PASSWORD = "OAUTH2_PASSWORD"  # noqa: S105 - a name
_NAMES = (CONSUMER_KEY, CONSUMER_SECRET, TOKEN, TOKEN_SECRET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which credentials the command line asks for, and how to use them.

    Attributes:
        account: Name of an account.
        credentials: Path of a credentials file, "-" for standard input.
        signature_method, private_key: In place of what the account says.
    """

    account: str | None = None
    credentials: str | None = None
    signature_method: str | None = None
    private_key: str | None = None


def find_account(wanted: Wanted, url: str) -> Account:
    """Return what to sign a request to *url* with.

    Raises:
        Failure: No credentials, or more than one account for that origin.
    """
    account = _find(wanted, url)
    if wanted.private_key:
        method = account.signature_method
        default = method if method.startswith("RSA") else "RSA-SHA1"
        account = replace(account, private_key=os.path.abspath(wanted.private_key), signature_method=default)
    if wanted.signature_method:
        account = replace(account, signature_method=wanted.signature_method)
    return account


def _find(wanted: Wanted, url: str) -> Account:
    if wanted.credentials:
        return _account_of(read_credentials(wanted.credentials))
    if wanted.account:
        return open_vault().load(wanted.account)
    if CONSUMER_KEY in os.environ:
        return _account_of(os.environ)
    where = _origin(url)
    found = open_vault().for_origin(where)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(account.name for account in found)
        raise Failure(f"more than one account is for {where}", f"choose one with --account: {names}", code=CREDENTIALS)
    raise Failure(
        f"no account is for {where}",
        f"name one with --account, get one with: oauth2 login, or set {CONSUMER_KEY} and {CONSUMER_SECRET}",
        code=CREDENTIALS,
    )


def _origin(url: str) -> str:
    try:
        return origin(url)
    except InvalidURL:
        raise Failure(
            f"{one_line(url)!r} is no http or https URL", "give one such as https://api.example.com/"
        ) from None


def _account_of(values: Mapping[str, str]) -> Account:
    if not values.get(CONSUMER_KEY):
        raise Failure(f"{CONSUMER_KEY} is not set", "set it", code=CREDENTIALS)
    for name in _NAMES:
        if not is_utf8(values.get(name, "")):
            raise Failure(f"{name} is not UTF-8", "set it to text", code=CREDENTIALS)
    return Account(
        name="",
        consumer_key=values[CONSUMER_KEY],
        consumer_secret=values.get(CONSUMER_SECRET, ""),
        token=values.get(TOKEN),
        token_secret=values.get(TOKEN_SECRET, ""),
    )


def read_credentials(path: str) -> dict[str, str]:
    """Return the values of a credentials file: lines ``NAME=value``, named as the environment variables are.

    Args:
        path: "-" for standard input.

    Raises:
        Failure: It cannot be read, or holds something else. What it holds is not shown.
    """
    found = {}
    for number, line in enumerate(_lines(path), 1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or name.strip() not in _NAMES:
            what = f"line {number} of the credentials is not NAME=value"
            raise Failure(what, f"use the names {', '.join(_NAMES)}", code=CREDENTIALS)
        found[name.strip()] = _unquoted(value.strip())
    return found


def _lines(path: str) -> list[str]:
    try:
        if path == "-":
            return sys.stdin.read().splitlines()
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError as exc:
        what = f"the credentials file cannot be read: {exc.strerror}"
        raise Failure(what, f"look at {one_line(path)}", code=CREDENTIALS) from None
    except UnicodeDecodeError:
        raise Failure("the credentials file is not UTF-8", "write it as text", code=CREDENTIALS) from None


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def obtain(file: str | None, *, with_token: bool, needs_secret: bool = True) -> Account:
    """Return an account with credentials from a file, the environment, or a person who is asked.

    Args:
        file: Path of a credentials file, "-" for standard input.
        with_token: Ask for a token, too.
        needs_secret: The signature method uses the secrets.

    Raises:
        Failure: Something is missing, and nobody can be asked.
    """
    given: Mapping[str, str] = read_credentials(file) if file else os.environ
    values = {name: given[name] for name in _NAMES if given.get(name)}
    if not with_token:
        values.pop(TOKEN, None)
        values.pop(TOKEN_SECRET, None)
    questions = [(CONSUMER_KEY, "Consumer key", False)]
    if needs_secret:
        questions.append((CONSUMER_SECRET, "Consumer secret", True))
    if with_token and CONSUMER_KEY not in values:
        questions.append((TOKEN, "Token (empty for none)", False))
        questions.append((TOKEN_SECRET, "Token secret", True))
    for name, question, is_secret in questions:
        if name not in values and not (name == TOKEN_SECRET and not values.get(TOKEN)):
            values[name] = ask(name, question, is_secret=is_secret)
    return replace(_account_of({name: value for name, value in values.items() if value}), created=int(time.time()))


def ask(name: str, question: str, *, is_secret: bool) -> str:
    """Return what a person types, or the environment variable *name*.

    Raises:
        Failure: It is not set, and nobody can be asked.
    """
    if os.environ.get(name):
        return os.environ[name]
    if not is_interactive():
        what = f"the {question.partition(' (')[0].lower()} is missing, and there is no terminal to ask at"
        other = ", or give a file with --credentials" if name in _NAMES else ""
        raise Failure(what, f"set {name}{other}", code=CREDENTIALS)
    default = None if name in (CONSUMER_KEY, PASSWORD) else ""
    answer: str = click.prompt(question, hide_input=is_secret, default=default, show_default=False, err=True)
    return answer if name == PASSWORD else answer.strip()


def refuse_secrets_over_http(url: str) -> None:
    """Refuse what is neither https nor loopback, for a URL that secrets are sent to."""
    where = _origin(url)
    host = where.partition("://")[2].rsplit(":", 1)[0]
    if where.startswith("http:") and host not in ("127.0.0.1", "localhost", "[::1]"):
        raise Failure(f"{where} is not https", "use its https URL", code=USAGE)
