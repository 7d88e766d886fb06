"""``oauth2 keygen``: generate an RSA key pair."""

from __future__ import annotations

import os

import click

from ... import rsa
from ..escape import one_line
from ..failure import Failure, missing_package
from ..group import Command
from ..options import as_json
from ..terminal import say, say_json

__all__ = ["keygen"]


@click.command(cls=Command)
@click.argument("file", metavar="FILE")
@click.option(
    "--bits",
    type=click.Choice(["2048", "3072", "4096"]),
    default="3072",
    show_default=True,
    help="The size of the key.",
)
@as_json
def keygen(file: str, bits: str, as_json: bool) -> None:
    """Generate an RSA key pair.

    The command writes the private key to FILE, which only you can read. The public key for the service is written to
    FILE.pub. Both files are PEM. Existing files are not overwritten.
    """
    public_file = f"{file}.pub"
    for path in (file, public_file):
        if os.path.lexists(path):
            raise _exists(path)
    try:
        private_key, public_key = rsa.generate_key_pair(int(bits))
    except ImportError:
        raise missing_package("cryptography", "rsa") from None
    _write(file, private_key)
    _write(public_file, public_key)
    if as_json:
        say_json({"private_key": file, "public_key": public_file, "bits": int(bits)})
        return
    say(f"Private key: {file} (keep it secret)")
    say(f"Public key:  {public_file} (give it to the service)")


def _write(path: str, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise _exists(path) from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _exists(path: str) -> Failure:
    return Failure(f"The file {one_line(path)} exists.", "Choose another name, or move the file away.")
