"""The command group ``oauth2``, and ``run``, which converts exceptions to error messages and exit codes."""

from __future__ import annotations

import os
import sys

import click

from .. import __version__
from ..errors import Error
from .failure import INTERRUPTED, REFUSED, USAGE, Failure, sentence
from .group import Group
from .terminal import note, say_error

__all__ = ["oauth2", "run"]

#: Key: the name of a command. Value: its module in the package ``commands``.
_COMMANDS = {
    "login": "login",
    "request": "request",
    "sign": "sign",
    "verify": "verify",
    "doctor": "doctor",
    "services": "services",
    "token": "token",
    "keygen": "keygen",
    "check-migration": "check_migration",
    "provider": "provider",
    "serve": "serve",
    "demo": "serve",
}


class _Commands(Group):
    """Imports the module of a command only if the command is used, because importing all modules is slow."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from importlib import import_module

        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f".commands.{_COMMANDS[cmd_name]}", __package__)
        found: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return found


@click.command(cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="oauth2", message="%(prog)s %(version)s")
@click.pass_context
def oauth2(context: click.Context) -> None:
    """OAuth 1.0a (RFC 5849): get tokens, and send, sign and verify requests."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def run(arguments: list[str]) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: The arguments of the command line, as in ``sys.argv[1:]``.
    """
    try:
        return oauth2.main(arguments, prog_name="oauth2", standalone_mode=False) or 0
    except (click.Abort, KeyboardInterrupt):
        note("")
        return INTERRUPTED
    except BrokenPipeError:
        # The program that reads the output has closed the pipe. Without this line, Python would report an error when it
        # flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    except (Failure, click.ClickException, Error, OSError) as exc:
        failure = _failure(exc)
        say_error(failure.message, failure.hint)
        return failure.code


def _failure(exc: Exception) -> Failure:
    if isinstance(exc, Failure):
        return exc
    if isinstance(exc, click.ClickException):
        context = exc.ctx if isinstance(exc, click.UsageError) else None
        return Failure(sentence(exc.format_message()), f"Run: {context.command_path if context else 'oauth2'} --help")
    if isinstance(exc, OSError):
        name = f"{exc.filename}: " if exc.filename else ""
        reason = exc.strerror or type(exc).__name__
        return Failure(f"{name}{reason}.", "Check the path and its permissions.", code=USAGE)
    message = exc.message if isinstance(exc, Error) else ""
    return Failure(sentence(message), "Check the request and the response of the service.", code=REFUSED)
