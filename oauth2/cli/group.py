"""``Command`` and ``Group``: click's classes, with hints for a mistyped command or option."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

import click

from .escape import one_line
from .failure import Failure

__all__ = ["Command", "Group"]

_MOST_SPACES = 2  # A path such as "oauth2 token list" has two spaces. See _suggestions() for longer paths.


class Command(click.Command):
    """A command whose usage errors contain the name of the command.

    click raises "Option '-H' requires an argument" without a context. Without this class, the hint would contain only
    ``oauth2`` and not the name of the command.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse *args*. A ``UsageError`` without a context gets *ctx*, so that the hint contains the command's name."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as exc:
            exc.ctx = exc.ctx or ctx
            raise


class Group(click.Group):
    """A group of commands that suggests a command for a mistyped name."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the name of the command, the command, and the arguments that follow the name.

        Raises:
            Failure: There is no command of this name.
        """
        name = args[0]
        if not (ctx.resilient_parsing or name.startswith("-") or self.get_command(ctx, name)):
            suggested = _suggestions(self, ctx, name)
            hint = f"Run: {' or '.join(suggested)}" if suggested else f"Run: {ctx.command_path} --help"
            raise Failure(f"There is no command {one_line(name)!r}.", hint)
        return super().resolve_command(ctx, args)


def _suggestions(group: click.Group, ctx: click.Context, name: str) -> list[str]:
    root = ctx.find_root()
    same = [path for path, last in _paths(root.command, root, "oauth2") if last == name]
    # There are three lists of suggestions:
    # - below: commands with this name below this group.
    # - beside: commands with this name in any group, such as "oauth2 token list" for "oauth2 list". Paths with
    #   more than two spaces are left out, because the name has another meaning in a nested group.
    # - similar: commands of this group with a similar name.
    # The first list that is not empty is used. For "oauth2" itself, beside comes before below.
    below = [path for path in same if path.startswith(f"{ctx.command_path} ")]
    beside = [path for path in same if path.count(" ") <= _MOST_SPACES]
    similar = [f"{ctx.command_path} {each}" for each in get_close_matches(name.lower(), group.list_commands(ctx), 2)]
    return beside or below or similar if ctx is root else below or beside or similar


def _paths(command: click.Command, ctx: click.Context, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            found = command.get_command(ctx, name)
            yield f"{path} {name}", name
            if found is not None:
                yield from _paths(found, ctx, f"{path} {name}")
