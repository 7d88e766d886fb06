"""Write the manual page oauth2(1) to standard output: ``python -m tools.manual``.

Names, options and their help come from the command. Environment variables and exit codes come from the tables of
docs/command.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from os import environ

import click

from oauth2 import __version__
from oauth2.cli.app import oauth2

from .rows import ROOT


def page() -> str:
    """Return the manual page as roff."""
    # The date of the build is not used, because each build of the same sources must have the same bytes.
    epoch = environ.get("SOURCE_DATE_EPOCH")
    date = f' "{datetime.fromtimestamp(int(epoch), UTC):%Y-%m-%d}"' if epoch else ""
    head = [
        f".TH OAUTH2 1{date}",
        ".SH NAME",
        "oauth2 \\- get tokens, and send, sign and verify requests with OAuth 1.0a",
        ".SH SYNOPSIS",
        ".B oauth2",
        ".I COMMAND",
        "[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]",
        ".SH DESCRIPTION",
        ".B oauth2",
        _escaped("implements OAuth 1.0a (RFC 5849). It is not for OAuth 2."),
        _escaped("No option takes a secret, because other users can see command lines."),
        ".SH COMMANDS",
    ]
    context = click.Context(oauth2, info_name="oauth2")
    body = [line for name, command in commands(oauth2, context) for line in _section(name, command)]
    text = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
    tables = [".SH ENVIRONMENT", *_table(text, "variable"), ".SH EXIT STATUS", *_table(text, "exit code")]
    foot = [
        ".SH SEE ALSO",
        ".BR curl (1)",
        ".PP",
        _escaped("RFC 5849, The OAuth 1.0 Protocol: https://www.rfc-editor.org/rfc/rfc5849"),
        ".PP",
        _escaped(f"This page describes version {__version__}."),
    ]
    return "\n".join([*head, *body, *tables, *foot]) + "\n"


def commands(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Yield each command of *group* and of the groups in it, with its whole name."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        path = f"{context.command_path} {name}"
        if isinstance(command, click.Group):
            yield from commands(command, click.Context(command, info_name=name, parent=context))
        else:
            yield path, command


def _section(name: str, command: click.Command) -> list[str]:
    parent, _, last = name.rpartition(" ")
    context = click.Context(command, info_name=last, parent=click.Context(oauth2, info_name=parent))
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f".SS {_escaped(name)} {_escaped(usage)}"]
    for number, paragraph in enumerate((command.help or "").split("\n\n")):
        lines += ([".PP"] if number else []) + [_escaped(" ".join(paragraph.replace("\b", "").split()))]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and record[1]:
            lines += [".TP", f"\\fB{_escaped(record[0])}\\fR", _escaped(record[1])]
    return lines


def _table(text: str, title: str) -> list[str]:
    """Find the table in *text* whose first column has this title, and return the rows of the table."""
    rows = re.findall(rf"^\| {title} \| meaning \|\n.*\n((?:\|.*\n)+)", text, re.MULTILINE)[0]
    lines = []
    for row in rows.splitlines():
        name, meaning = (cell.strip().replace("`", "") for cell in row.strip("|").split("|"))
        lines += [".TP", f"\\fB{_escaped(name)}\\fR", _escaped(meaning)]
    return lines


def _escaped(text: str) -> str:
    """Return *text* escaped, so that roff prints the text unchanged, on one line."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("\n", " ")
    return "\\&" + text if text.startswith((".", "'")) else text


if __name__ == "__main__":
    print(page(), end="")
