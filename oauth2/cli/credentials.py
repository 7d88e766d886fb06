"""Find credentials in a file, an account or the environment, or ask the user."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import click

from .._checks import has_outer_whitespace, strip_line_ends
from .._sending.uri import origin
from .._wire.text import is_utf8
from ..errors import InvalidURL
from .account import Account
from .escape import one_line
from .failure import CREDENTIALS, Failure, not_a_url
from .files import read_file
from .terminal import is_interactive, warn
from .vault import open_vault

__all__ = [
    "CONSUMER_KEY",
    "CONSUMER_SECRET",
    "PASSWORD",
    "TOKEN",
    "TOKEN_SECRET",
    "CredentialOptions",
    "ask",
    "find_account",
    "obtain",
    "read_credentials",
    "replacements",
]

CONSUMER_KEY = "OAUTH2_CONSUMER_KEY"
CONSUMER_SECRET = "OAUTH2_CONSUMER_SECRET"  # noqa: S105 - the name of a variable
TOKEN = "OAUTH2_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_SECRET = "OAUTH2_TOKEN_SECRET"  # noqa: S105 - the name of a variable
PASSWORD = "OAUTH2_PASSWORD"  # noqa: S105 - the name of a variable
_NAMES = (CONSUMER_KEY, CONSUMER_SECRET, TOKEN, TOKEN_SECRET)
_ATTRIBUTES: dict[str, str] = {name: name.removeprefix("OAUTH2_").lower() for name in _NAMES}


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOptions:
    """The options of the command line that choose credentials.

    Attributes:
        account: Name of an account.
        credentials: Path of a credentials file; "-" for standard input.
        signature_method, private_key: These two values replace the values in the account, if they are not None.
    """

    account: str | None = None
    credentials: str | None = None
    signature_method: str | None = None
    private_key: str | None = None


def find_account(chosen: CredentialOptions, url: str) -> Account:
    """Return the account that signs a request to *url*.

    Raises:
        Failure: There are no credentials, or there is more than one account for the origin of *url*.
    """
    account = _find(chosen, url)
    _warn_of_whitespace(account)
    if chosen.private_key:
        method = account.signature_method
        default = method if method.startswith("RSA") else "RSA-SHA1"
        account = replace(account, private_key=os.path.abspath(chosen.private_key), signature_method=default)
    if chosen.signature_method:
        account = replace(account, signature_method=chosen.signature_method)
    return account


def _find(chosen: CredentialOptions, url: str) -> Account:
    if chosen.credentials:
        return _account_of(read_credentials(chosen.credentials))
    if chosen.account:
        return open_vault().load(chosen.account)
    if CONSUMER_KEY in os.environ:
        return _account_of(os.environ)
    where = _origin(url)
    found = open_vault().for_origin(where)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(account.name for account in found)
        hint = f"Choose an account with --account: {names}."
        raise Failure(f"There is more than one account for {where}.", hint, code=CREDENTIALS)
    hint = f"Give --account, set {CONSUMER_KEY} and {CONSUMER_SECRET}, or run: oauth2 login"
    raise Failure(f"There is no account for {where}.", hint, code=CREDENTIALS)


def _origin(url: str) -> str:
    try:
        return origin(url)
    except InvalidURL:
        raise not_a_url(one_line(url)) from None


def _warn_of_whitespace(account: Account) -> None:
    # The command only warns, because the whitespace may be a part of the secret.
    for name, secret in (("consumer secret", account.consumer_secret), ("token secret", account.token_secret)):
        if has_outer_whitespace(secret):
            warn(
                f"The {name} has leading or trailing whitespace. If the whitespace is not part of the secret, "
                "remove the whitespace."
            )


def _account_of(given: Mapping[str, str]) -> Account:
    values = {name: str(strip_line_ends(given[name])) for name in _NAMES if name in given}
    if not values.get(CONSUMER_KEY):
        raise Failure("There is no consumer key.", f"Set {CONSUMER_KEY}.", code=CREDENTIALS)
    _require_text(values)
    return Account(
        name="",
        consumer_key=values[CONSUMER_KEY],
        consumer_secret=values.get(CONSUMER_SECRET, ""),
        token=values.get(TOKEN),
        token_secret=values.get(TOKEN_SECRET, ""),
    )


def _require_text(values: Mapping[str, str]) -> None:
    for name in _NAMES:
        if not is_utf8(values.get(name, "")):
            raise Failure(f"The value of {name} is not UTF-8.", f"Set {name} to UTF-8 text.", code=CREDENTIALS)


def read_credentials(path: str) -> dict[str, str]:
    """Return the values in a credentials file.

    Each line is ``NAME=value``. NAME is the name of an environment variable, such as ``OAUTH2_CONSUMER_KEY``.

    Args:
        path: Path of the file; "-" for standard input.

    Raises:
        Failure: The file cannot be read or is malformed. The error does not show the content of the file.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(_lines(path), 1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or name.strip() not in _NAMES:
            message = f"Line {number} of the credentials file is malformed."
            raise Failure(message, f"Write NAME=value, with one of these names: {', '.join(_NAMES)}.", code=CREDENTIALS)
        found[name.strip()] = _unquoted(value.strip())
    return found


def _lines(path: str) -> list[str]:
    try:
        return read_file(path, code=CREDENTIALS).decode().splitlines()
    except UnicodeDecodeError:
        message = "The credentials file is not UTF-8."
        raise Failure(message, "Save the file as UTF-8 text.", code=CREDENTIALS) from None


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def obtain(file: str | None, *, with_token: bool, needs_secret: bool = True) -> Account:
    """Return an account with credentials from a file, the environment, or the user.

    Args:
        file: Path of a credentials file; "-" for standard input.
        with_token: Whether the account may have a token. If False, a token in the file or the environment is ignored.
        needs_secret: Whether the signature method uses the secrets.

    Raises:
        Failure: A credential is missing, and without a terminal the command cannot ask the user.
    """
    given: Mapping[str, str] = read_credentials(file) if file else os.environ
    values = {name: value for name in _NAMES if (value := str(strip_line_ends(given.get(name, ""))))}
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
    found = _account_of({name: value for name, value in values.items() if value})
    _warn_of_whitespace(found)
    return replace(found, created=int(time.time()))


def replacements(file: str | None) -> dict[str, str]:
    """Return new credentials as a dict. Key: an attribute of the account. Value: its new value.

    Args:
        file: Path of a credentials file; "-" for standard input; None to ask for a new consumer secret.

    Raises:
        Failure: The file or the user gives no new credentials.
    """
    given: Mapping[str, str]
    if file is None:
        given = {CONSUMER_SECRET: ask(CONSUMER_SECRET, "New consumer secret", is_secret=True)}
    else:
        given = read_credentials(file)
    found = {_ATTRIBUTES[name]: value for name, value in given.items() if value}
    if not found:
        raise Failure("There is no new credential.", "Give a new consumer secret.", code=CREDENTIALS)
    _require_text(given)
    return found


def ask(name: str, question: str, *, is_secret: bool) -> str:
    """Return the value of the environment variable *name*, or the user's answer if the variable is not set.

    Raises:
        Failure: The variable is not set, and without a terminal the command cannot ask the user.
    """
    if value := str(strip_line_ends(os.environ.get(name, ""))):
        return value
    if not is_interactive():
        message = (
            f"There is no {question.partition(' (')[0].lower()}, and without a terminal the command cannot ask for it."
        )
        other = ", or give a file with --credentials" if name in _NAMES else ""
        raise Failure(message, f"Set {name}{other}.", code=CREDENTIALS)
    default = None if name in (CONSUMER_KEY, PASSWORD) else ""
    answer: str = click.prompt(question, hide_input=is_secret, default=default, show_default=False, err=True)
    return answer if name == PASSWORD else answer.strip()
