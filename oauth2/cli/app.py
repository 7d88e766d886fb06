"""The group of commands, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import os
import sys

import click

from .. import __version__
from ..errors import Error
from .failure import INTERRUPTED, REFUSED, USAGE, Failure
from .terminal import note, say_error

_COMMANDS = {
    "login": "login",
    "request": "request",
    "sign": "sign",
    "verify": "verify",
    "services": "services",
    "token": "token",
    "keygen": "keygen",
    "serve": "serve",
    "demo": "serve",
}


class _Commands(click.Group):
    """Imports a command when it is asked for, so that ``oauth2 sign`` does not pay for a keyring."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from importlib import import_module

        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f".commands.{_COMMANDS[cmd_name]}", __package__)
        found: click.Command = getattr(module, cmd_name)
        return found


@click.command(cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="oauth2", message="%(prog)s %(version)s")
@click.pass_context
def oauth2(context: click.Context) -> None:
    """OAuth 1.0a (RFC 5849): get tokens, and send, sign and verify requests."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run(arguments: list[str]) -> int:
    """Run the command; return its exit code.

    Args:
        arguments: As in ``sys.argv[1:]``.
    """
    try:
        return oauth2.main(arguments, prog_name="oauth2", standalone_mode=False) or 0
    except Failure as exc:
        say_error(str(exc))
        return exc.code
    except click.UsageError as exc:
        path = exc.ctx.command_path if exc.ctx else "oauth2"
        say_error(f"{_joined(exc.format_message())}; do see: {path} --help")
        return USAGE
    except click.ClickException as exc:
        say_error(_joined(exc.format_message()))
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        note("")
        return INTERRUPTED
    except Error as exc:
        say_error(f"{exc.message.rstrip('.')}; do look at what was sent and answered")
        return REFUSED
    except BrokenPipeError:
        # Who reads our output has seen enough. Nothing is left to flush at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    except OSError as exc:
        name = f"{exc.filename}: " if exc.filename else ""
        say_error(f"{name}{exc.strerror or type(exc).__name__}; do look at the path and its permissions")
        return USAGE


def _joined(message: str) -> str:
    return " ".join(message.split()).rstrip(".")
