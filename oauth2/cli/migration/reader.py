"""``Reader``: walk the syntax tree of one file, and yield an ``Event`` for each use of a library."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from functools import partial

from .events import Event
from .names import LIBRARIES, Scope, Value, imported_names, instance_made_by, member_of

__all__ = ["Reader"]

# These methods and attributes exist only in python-oauth2. In a file that imports python-oauth2, they are recognized
# even if the class of the object is not known.
_DISTINCTIVE = {
    "add_signature_method": "oauth2.Server",
    "verify_request": "oauth2.Server",
    "_check_signature": "oauth2.Server",
    "timestamp_threshold": "oauth2.Server",
    "set_signature_method": "oauth2.Client",
    "set_verifier": "oauth2.Token",
    "sign_request": "oauth2.Request",
}
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Reader(ast.NodeVisitor):
    """Reads one file.

    Args:
        shadowed: The names of libraries for which the program has its own module.
    """

    def __init__(self, shadowed: Collection[str] = ()) -> None:
        self._libraries = LIBRARIES - set(shadowed)
        self._events: list[Event] = []
        self._scopes: list[Scope] = []
        self._classes: list[tuple[Value | None, dict[str, Value]]] = []
        self._attributes: dict[int, dict[str, Value]] = {}
        self._caught: list[frozenset[str]] = []
        self._functions: list[ast.AST] = []
        self._imports_oauth2 = False

    def read(self, tree: ast.Module) -> list[Event]:
        """Return the events of a file in the order of the file."""
        scope = Scope()
        # The tree is visited twice. The first visit collects classes and attributes of self, because a file may use a
        # class or an attribute before its definition.
        for _ in range(2):
            self._events.clear()
            scope = Scope(values=scope.values)
            self._scopes, self._functions = [scope], [tree]
            self.visit(tree)
        return self._events

    # --- values ---------------------------------------------------------------------

    def value(self, node: ast.AST | None) -> Value | None:
        """Return the object to which an expression refers; None if it is not an object of a library."""
        match node:
            case ast.Name(id=name):
                return self._looked_up(name)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attribute) if self._classes:
                base, attributes = self._classes[-1]
                return attributes.get(attribute) or (member_of(base, attribute) if base else None)
            case ast.Attribute(value=inner, attr=attribute):
                owner = self.value(inner)
                if owner is not None:
                    return member_of(owner, attribute)
                is_known = self._imports_oauth2 and attribute in _DISTINCTIVE and not self._is_own(inner)
                return Value(name=f"{_DISTINCTIVE[attribute]}.{attribute}") if is_known else None
            case ast.Call(func=ast.Name(id="super")) if self._classes:
                base = self._classes[-1][0]
                return base and Value(name=base.name, is_instance=True)
            case ast.Call(func=function):
                made = self.value(function)
                return made and instance_made_by(made)
            case ast.Await(value=inner) | ast.NamedExpr(value=inner):
                return self.value(inner)
            case ast.BoolOp(values=values):
                return next((found for each in values if (found := self.value(each))), None)
            case ast.IfExp(body=body, orelse=orelse):
                return self.value(body) or self.value(orelse)
        return None

    def _looked_up(self, name: str) -> Value | None:
        for scope in reversed(self._scopes):
            if name in scope.values:
                return scope.values[name]
        return None

    def _is_own(self, node: ast.expr) -> bool:
        # A class of the program may have a method with the same name, such as verify_request(), that does not use the
        # library.
        return isinstance(node, ast.Name) and node.id in {"self", "cls"}

    def _bind(self, target: ast.AST, value: Value | None, literal: ast.expr | None = None) -> None:
        match target:
            case ast.Name(id=name):
                self._scopes[-1].bind(name, value, literal)
                if value and self._scopes[-1].is_class:
                    self._classes[-1][1][name] = value
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=attribute) if self._classes and value:
                self._classes[-1][1][attribute] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                for each in targets:
                    self._bind(each, None)
            case ast.Starred(value=inner):
                self._bind(inner, None)

    # --- events ---------------------------------------------------------------------

    def _note(self, kind: str, name: str, node: ast.AST, at: ast.AST | None = None) -> None:
        place = at or node
        self._events.append(
            Event(
                kind=kind,
                name=name,
                line=getattr(place, "lineno", 1),
                column=getattr(place, "col_offset", 0),
                node=node,
                within=self._functions[-1],
                caught=frozenset().union(*self._caught),
                literal=partial(_literal, tuple(self._scopes)),
            )
        )

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, bound, imported in imported_names(node):
            if imported.partition(".")[0] in self._libraries:
                self._imports_oauth2 |= imported.partition(".")[0] == "oauth2"
                self._note("import", imported, node)
                self._scopes[-1].bind(name, Value(name=bound))
            else:
                self._scopes[-1].bind(name, None)

    visit_ImportFrom = visit_Import

    def visit_Attribute(self, node: ast.Attribute) -> None:
        found = self.value(node)
        if found is not None and not found.is_instance and isinstance(node.ctx, ast.Load):
            self._note("use", found.name, node)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        found = self.value(node.func)
        # An instance may be callable. A call of an instance is not a call of its class.
        if found is not None and not found.is_instance and found.own is None:
            self._note("call", found.name, node)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and self._imports_oauth2:
            self._note("text", node.value, node)

    # --- statements that bind names ---------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            found = self.value(target) if isinstance(target, ast.Attribute) else None
            if found is not None and not found.is_instance:
                self._note("set", found.name, node.value, target)
            self._bind(target, self.value(node.value), node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        self._bind(node.target, self.value(node.value) or self._annotated(node.annotation), node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.generic_visit(node)
        self._bind(node.target, self.value(node.value))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        self._bind(node.target, None)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, self.value(item.context_expr))
        self._visit_all(node.body)

    visit_AsyncWith = visit_With

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._bind(node.target, None)
        self.generic_visit(node)

    visit_AsyncFor = visit_For

    # --- blocks -----------------------------------------------------------------------

    def visit_Try(self, node: ast.Try) -> None:
        caught: set[str] = set()
        for handler in node.handlers:
            for each in _exceptions(handler.type):
                found = self.value(each)
                if found is not None:
                    self._note("catch", found.name, each)
                elif isinstance(each, ast.Name):
                    caught.add(each.id)
        self._caught.append(frozenset(caught))
        self._visit_all(node.body)
        self._caught.pop()
        for handler in node.handlers:
            self._visit_all(handler.body)
        self._visit_all([*node.orelse, *node.finalbody])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        defined = frozenset(each.name for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
        base = None
        for each in node.bases:
            self.visit(each)
            base = base or self.value(each)
        self._visit_all(node.decorator_list)
        if base is not None:
            base = Value(name=base.name, own=defined | (base.own or frozenset()))
            self._note("inherit", base.name, node)
            for inner in node.body:
                self._note_member(base.name, inner)
        self._scopes[-1].bind(node.name, base)
        self._scopes.append(Scope(is_class=True))
        self._classes.append((base, self._attributes.setdefault(id(node), {})))
        self._visit_all(node.body)
        self._classes.pop()
        self._scopes.pop()

    def _note_member(self, base: str, node: ast.stmt) -> None:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                self._note("define", f"{base}.{name}", node)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._note("set", f"{base}.{name}", value)

    def visit_FunctionDef(self, node: _Function) -> None:
        scope = Scope()
        arguments = node.args
        for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
            if each is not None:
                scope.values[each.arg] = self._annotated(each.annotation)
                scope.literals[each.arg] = None
        if self._classes and (base := self._classes[-1][0]):
            scope.values["self"] = Value(name=base.name, is_instance=True, own=base.own)
            scope.values["cls"] = base
        if not isinstance(node, ast.Lambda):
            self._visit_all(node.decorator_list)
            self._scopes[-1].bind(node.name, None)
        self._visit_all([each for each in (*arguments.defaults, *arguments.kw_defaults) if each is not None])
        caught, self._caught = self._caught, []
        self._scopes.append(scope)
        self._functions.append(node)
        self._visit_all([node.body] if isinstance(node, ast.Lambda) else node.body)
        self._functions.pop()
        self._scopes.pop()
        self._caught = caught

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef

    def _annotated(self, annotation: ast.expr | None) -> Value | None:
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except SyntaxError:
                return None
        if isinstance(annotation, ast.BinOp):  # Client | None
            annotation = annotation.left
        found = self.value(annotation)
        return found and instance_made_by(found)

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for each in nodes:
            self.visit(each)


def _literal(scopes: tuple[Scope, ...], node: ast.expr) -> ast.expr:
    """If *node* is a name that was assigned once, return the assigned expression; otherwise return *node*."""
    if isinstance(node, ast.Name):
        for scope in reversed(scopes):
            if node.id in scope.literals:
                return scope.literals[node.id] or node
    return node


def _exceptions(node: ast.expr | None) -> list[ast.expr]:
    if node is None:
        return [ast.Name(id="BaseException")]
    return node.elts if isinstance(node, ast.Tuple) else [node]
