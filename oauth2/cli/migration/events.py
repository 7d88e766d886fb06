"""``Event``: one use of a library in a program."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Event"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One use of a library in a program.

    Attributes:
        kind: What the program does: ``"import"``, ``"use"``, ``"call"``, ``"set"``, ``"inherit"``, ``"define"``,
            ``"catch"`` or ``"text"``.
        name: The full name of the used object, such as ``"oauth2.Server.verify_request"``; for ``"text"``, the text
            itself.
        line: The line, counted from 1.
        column: The column in bytes of UTF-8, counted from 0.
        node: The part of the syntax tree. For ``"call"``, it is the call; for ``"set"``, the assigned value; for
            ``"inherit"``, the class.
        within: The function, or the file, that contains the use.
        caught: The names of the exceptions that the ``try`` statements around a call catch.
        literal: A function that takes an expression. If the expression is a name, the function returns the expression
            that was assigned to this name. Otherwise the function returns the expression itself.
    """

    kind: str
    name: str
    line: int
    column: int
    node: ast.AST
    within: ast.AST | None = None
    caught: frozenset[str] = frozenset()
    literal: Callable[[ast.expr], ast.expr] = lambda each: each

    def argument(self, position: int, name: str) -> ast.expr | None:
        """Return the argument of a call at *position* or with *name*; None if the call does not have the argument.

        If the argument is a name, return the literal that was assigned to this name.
        """
        if not isinstance(self.node, ast.Call):
            return None
        for keyword in self.node.keywords:
            if keyword.arg == name:
                return self.literal(keyword.value)
        before = self.node.args[: position + 1]
        if len(before) <= position or any(isinstance(each, ast.Starred) for each in before):
            return None
        return self.literal(before[position])

    @property
    def has_unpacked(self) -> bool:
        """Whether the call has arguments ``*args`` or ``**options``, whose names are not known."""
        call = self.node
        return isinstance(call, ast.Call) and (
            any(isinstance(each, ast.Starred) for each in call.args) or any(each.arg is None for each in call.keywords)
        )
