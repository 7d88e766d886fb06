"""``oauth2 keygen``: an RSA key pair."""

from __future__ import annotations

import os

import click

from ... import rsa
from ..failure import Failure
from ..options import as_json
from ..terminal import say, say_json


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--bits", type=click.Choice(["2048", "3072", "4096"]), default="3072", show_default=True)
@as_json
def keygen(file: str, bits: str, as_json: bool) -> None:
    """Make an RSA key pair.

    The private key goes into FILE, which is nobody else's; the public key into FILE.pub, for the service. Both are
    PEM. Files that exist are left as they are.
    """
    public_file = f"{file}.pub"
    for path in (file, public_file):
        if os.path.lexists(path):
            raise _exists(path)
    try:
        private_key, public_key = rsa.generate_key_pair(int(bits))
    except ImportError:
        raise Failure("keygen needs cryptography", "this first: python -m pip install 'oauth2[rsa]'") from None
    _write(file, private_key)
    _write(public_file, public_key)
    if as_json:
        say_json({"private_key": file, "public_key": public_file, "bits": int(bits)})
        return
    say(f"Private key: {file} (keep it to yourself)")
    say(f"Public key:  {public_file} (give it to the service)")


def _write(path: str, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise _exists(path) from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _exists(path: str) -> Failure:
    return Failure(f"{path} exists", "choose another name, or move it away")
