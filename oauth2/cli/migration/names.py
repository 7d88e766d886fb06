"""The objects to which the names in a Python file refer: modules, classes, functions and instances of a library."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

__all__ = ["LIBRARIES", "Scope", "Value", "bound_names", "imported_names", "instance_made_by", "member_of"]

#: The names of the packages whose uses the command finds.
LIBRARIES = frozenset({"oauth2", "requests_oauthlib", "rauth", "oauthlib", "authlib"})

# Each row: a pattern for functions and methods that return an instance, and the class of this instance.
_RETURNS = (
    ("oauth2.Request.from_*", "oauth2.Request"),
    ("oauth2.Token.from_string", "oauth2.Token"),
    ("rauth.*OAuth1Service.get_*session", "rauth.OAuth1Session"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """The object to which an expression refers.

    Attributes:
        name: The full name of the module, class or function, such as ``"oauth2.Client"``.
        is_instance: Whether the value is an instance of the class of this name.
        own: If the value is a class of the program that inherits from *name*, the names of the methods that this class
            defines. None if the value is *name* itself.
    """

    name: str
    is_instance: bool = False
    own: frozenset[str] | None = None


@dataclass(slots=True)
class Scope:
    """The names that a module, class or function binds, and the literal of each name that is assigned only once."""

    is_class: bool = False
    values: dict[str, Value | None] = field(default_factory=dict)
    literals: dict[str, ast.expr | None] = field(default_factory=dict)

    def bind(self, name: str, value: Value | None, literal: ast.expr | None = None) -> None:
        """Bind *name*. A name that is assigned twice has no known literal."""
        self.literals[name] = None if name in self.literals else literal
        if value is not None or name not in self.values:
            self.values[name] = value


def imported_names(node: ast.Import | ast.ImportFrom) -> list[tuple[str, str, str]]:
    """Return three names for each import: the name in the file, the full bound name, and the full imported name."""
    if isinstance(node, ast.ImportFrom):
        if node.level or node.module is None:  # A relative import imports from the program, not a library.
            return []
        full = [(alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names]
        return [(name, each, each) for name, each in full]
    found = []
    for alias in node.names:
        top = alias.name.partition(".")[0]  # "import a.b" binds "a".
        found.append((alias.asname, alias.name, alias.name) if alias.asname else (top, top, alias.name))
    return found


def bound_names(text: str) -> frozenset[str]:
    """Return the names to which a file gives another object, so that they do not always refer to a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import() | ast.ImportFrom():
                found |= {name for name, bound, _ in imported_names(node) if name != bound}
                if isinstance(node, ast.ImportFrom) and node.level:
                    found |= {alias.asname or alias.name for alias in node.names}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                found.add(name)
    return frozenset(found)


def member_of(value: Value, attribute: str) -> Value | None:
    """Return the value of an attribute; None if a class of the program defines the attribute itself."""
    if value.own is not None and attribute in value.own:
        return None
    return Value(name=f"{value.name}.{attribute}")


def instance_made_by(function: Value) -> Value | None:
    """Return the result of a call of *function*; None if the result is not known."""
    for pattern, name in _RETURNS:
        if fnmatchcase(function.name, pattern):
            return Value(name=name, is_instance=True)
    is_class = function.name.rpartition(".")[2][:1].isupper()
    return Value(name=function.name, is_instance=True, own=function.own) if is_class else None
