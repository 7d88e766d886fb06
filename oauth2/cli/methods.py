"""The signature methods for the option ``--signature-method``, and their keys."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import click

from .._methods import MODULES, method_class
from ..signature import SignatureMethod
from .account import Account
from .escape import one_line
from .failure import CREDENTIALS, Failure, missing_package
from .files import read_file
from .terminal import is_interactive

if TYPE_CHECKING:
    from ..services import Service

__all__ = ["KEY_PASSWORD", "NAMES", "for_checking", "for_signing", "uses_secrets"]

KEY_PASSWORD = "OAUTH2_KEY_PASSWORD"  # noqa: S105 - the name of a variable

NAMES = tuple(MODULES)


def uses_secrets(name: str) -> bool:
    """Return whether a method signs with the shared secrets."""
    return name in MODULES and bool(method_class(name).uses_secrets)


def for_signing(account: Account, profile: Service | None = None) -> SignatureMethod:
    """Return the signature method of *account*, ready to sign.

    Args:
        account: The account; its private key is read if the method needs a private key.
        profile: The profile of the account's service. A profile can define a variant of its first method.

    Raises:
        Failure: The method is unknown, or its private key cannot be used.
    """
    name = account.signature_method
    variant = profile.signature_method if profile is not None and name == profile.signature_methods[0] else None
    if name not in NAMES:
        raise Failure(f"Unknown signature method: {one_line(name)}.", f"Use one of: {', '.join(NAMES)}.")
    if uses_secrets(name):
        return variant() if variant is not None else method_class(name)()
    if not account.private_key:
        raise Failure(f"{name} needs a private key.", "Give its file with --private-key.", code=CREDENTIALS)
    return _with_key(variant or _takes_keys(name), account.private_key)


def _with_key(make: Callable[..., SignatureMethod], path: str) -> SignatureMethod:
    data = read_file(path, code=CREDENTIALS)
    password = os.environ.get(KEY_PASSWORD)
    password = password and password.rstrip("\r\n")
    if b"ENCRYPTED" in data and password is None:
        password = _ask_password(path)
    try:
        return make(data, password=password)
    except ValueError:
        hint = f"Give a PEM, DER or PKCS#12 file, and set {KEY_PASSWORD} if the key has a password."
        raise Failure(f"Not an RSA private key: {one_line(path)}.", hint, code=CREDENTIALS) from None
    except ImportError:
        raise missing_package("cryptography", "rsa") from None


def for_checking(public_key: str | None) -> dict[str, SignatureMethod]:
    """Return the methods for verification. RSA methods are included only if *public_key* is the path of a key.

    Raises:
        Failure: The key cannot be used.
    """
    # PLAINTEXT-OVER-HTTP is for signing only. For verification, PLAINTEXT is accepted over https only.
    names = [name for name in NAMES if name != "PLAINTEXT-OVER-HTTP"]
    found = {name: method_class(name)() for name in names if uses_secrets(name)}
    if public_key is None:
        return found
    data = read_file(public_key, code=CREDENTIALS)
    try:
        return {**found, **{name: _takes_keys(name)(public_key=data) for name in names if not uses_secrets(name)}}
    except ValueError:
        hint = "Give a PEM or DER file, or a certificate."
        raise Failure(f"Not an RSA public key: {one_line(public_key)}.", hint, code=CREDENTIALS) from None
    except ImportError:
        raise missing_package("cryptography", "rsa") from None


def _takes_keys(name: str) -> Callable[..., SignatureMethod]:
    """Return the class of an RSA method, whose constructor has parameters for keys."""
    return cast("Callable[..., SignatureMethod]", method_class(name))


def _ask_password(path: str) -> str:
    if not is_interactive():
        raise Failure(f"The key {one_line(path)} has a password.", f"Set {KEY_PASSWORD}.", code=CREDENTIALS)
    answer: str = click.prompt(f"Password of {one_line(path)}", hide_input=True, err=True)
    return answer
