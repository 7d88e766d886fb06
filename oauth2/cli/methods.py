"""Signature methods by the names that ``--signature-method`` takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import rsa, signature
from .failure import CREDENTIALS, Failure
from .terminal import is_interactive, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..signature import SignatureMethod
    from .account import Account

KEY_PASSWORD = "OAUTH2_KEY_PASSWORD"  # noqa: S105 - a name

_WITH_SECRETS: dict[str, type[SignatureMethod]] = {
    "HMAC-SHA1": signature.SignatureMethod_HMAC_SHA1,
    "HMAC-SHA256": signature.SignatureMethod_HMAC_SHA256,
    "HMAC-SHA512": signature.SignatureMethod_HMAC_SHA512,
    "PLAINTEXT": signature.SignatureMethod_PLAINTEXT,
    "PLAINTEXT-OVER-HTTP": signature.SignatureMethod_PLAINTEXT_OVER_HTTP,
}
_WITH_KEYS: dict[str, type[rsa._RSA]] = {
    "RSA-SHA1": rsa.SignatureMethod_RSA_SHA1,
    "RSA-SHA256": rsa.SignatureMethod_RSA_SHA256,
    "RSA-SHA512": rsa.SignatureMethod_RSA_SHA512,
}
NAMES = (*_WITH_SECRETS, *_WITH_KEYS)


def uses_secrets(name: str) -> bool:
    """Tell whether a method signs with the shared secrets."""
    return name in _WITH_SECRETS


def for_signing(account: Account, profile: Any = None) -> SignatureMethod:
    """Return the method that *account* signs with.

    Args:
        account: Whose key and method.
        profile: Of its service, which may have a variant of its own of its first method.

    Raises:
        Failure: The method is not known, or its private key cannot be used.
    """
    name = account.signature_method
    is_own = profile is not None and name == profile.signature_methods[0]
    if name in _WITH_SECRETS:
        return profile.signature_method() if is_own else _WITH_SECRETS[name]()
    if name not in _WITH_KEYS:
        raise Failure(f"{one_line(name)} is no signature method", f"use one of: {', '.join(NAMES)}")
    if not account.private_key:
        raise Failure(f"{name} needs a private key", "give its file with --private-key", code=CREDENTIALS)
    data = read_key(account.private_key)
    password = os.environ.get(KEY_PASSWORD)
    if b"ENCRYPTED" in data and password is None:
        password = _ask_password(account.private_key)
    try:
        make: Callable[..., SignatureMethod] = profile.signature_method if is_own else _WITH_KEYS[name]
        return make(data, password=password)
    except ValueError:
        what = f"{account.private_key} cannot be read as an RSA private key"
        raise Failure(
            what, f"give a PEM, DER or PKCS#12 file, its password in {KEY_PASSWORD}", code=CREDENTIALS
        ) from None
    except ImportError:
        raise Failure("RSA needs cryptography", "this first: python -m pip install 'oauth2[rsa]'") from None


def for_checking(public_key: str | None) -> dict[str, SignatureMethod]:
    """Return the methods that can be verified, by name: RSA where there is a public key.

    Raises:
        Failure: The key cannot be read.
    """
    found = {name: make() for name, make in _WITH_SECRETS.items() if name != "PLAINTEXT-OVER-HTTP"}
    if public_key is None:
        return found
    data = read_key(public_key)
    try:
        return {**found, **{name: make(public_key=data) for name, make in _WITH_KEYS.items()}}
    except ValueError:
        what = f"{public_key} cannot be read as an RSA public key"
        raise Failure(what, "give a PEM or DER file, or a certificate", code=CREDENTIALS) from None
    except ImportError:
        raise Failure("RSA needs cryptography", "this first: python -m pip install 'oauth2[rsa]'") from None


def read_key(path: str) -> bytes:
    """Return what a key file holds.

    Raises:
        Failure: It cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as exc:
        raise Failure(
            f"{one_line(path)} cannot be read: {exc.strerror}", "look at the path", code=CREDENTIALS
        ) from None


def _ask_password(path: str) -> str:
    if not is_interactive():
        raise Failure(f"{path} is encrypted", f"set {KEY_PASSWORD}", code=CREDENTIALS)
    answer: str = click.prompt(f"Password of {path}", hide_input=True, err=True)
    return answer
