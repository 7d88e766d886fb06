"""Rewrite code with libcst (extra ``migration``). libcst keeps comments, quotes and whitespace unchanged."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor, RemoveImportsVisitor
from libcst.metadata import MetadataWrapper, PositionProvider

from .finder import Finding
from .names import bound_names

__all__ = ["CannotRewrite", "rewrite"]

# Key: a name that programs import from python-oauth2. Value: the module of the standard library that defines the name;
# "" if the name is itself a module.
_HOMES = {
    **dict.fromkeys(("base64", "binascii", "hmac", "random", "time"), ""),
    **dict.fromkeys(
        ("parse_qs", "parse_qsl", "quote", "unquote", "unquote_to_bytes", "urlencode", "urlparse", "urlsplit"),
        "urllib.parse",
    ),
    **dict.fromkeys(("urlunparse", "urlunsplit"), "urllib.parse"),
    "sha1": "hashlib",
}
# Key: the name of a fix. Value: the first four parameters of the replaced class, in order. The replaced classes are
# OAuth1 of requests-oauthlib, and OAuth1Auth of Authlib.
_CREDENTIALS = {
    "requests_auth": ("client_key", "client_secret", "resource_owner_key", "resource_owner_secret"),
    "authlib_auth": ("client_id", "client_secret", "token", "token_secret"),
}
_PLACEMENTS = {"auth_header": "header", "header": "header", "query": "query", "body": "body"}
_METHODS = {f"HMAC-SHA{size}": f"SignatureMethod_HMAC_SHA{size}" for size in (1, 256, 512)}
# The constants of requests-oauthlib, oauthlib and Authlib, and their values.
_CONSTANTS = {
    **{f"SIGNATURE_TYPE_{name.upper()}": name for name in _PLACEMENTS},
    **{f"SIGNATURE_{name.replace('-', '_')}": name for name in _METHODS},
    "SIGNATURE_HMAC": "HMAC-SHA1",
}


class CannotRewrite(Exception):  # noqa: N818 - the name says what is wrong
    """libcst cannot parse a file, although Python can."""


def rewrite(content: bytes, findings: Sequence[Finding]) -> bytes:
    """Return *content* with all possible rewrites; return *content* unchanged if no use can be rewritten.

    Args:
        content: The file, which has the syntax of Python 3.
        findings: The findings of this file.

    Raises:
        CannotRewrite: libcst cannot parse the file.
    """
    try:
        wrapper = MetadataWrapper(cst.parse_module(content))
    except (cst.ParserSyntaxError, RecursionError) as exc:
        raise CannotRewrite from exc
    lines = wrapper.module.code.splitlines()
    context = CodemodContext(wrapper=wrapper)
    change = _Change(context, {_place(each, lines): each for each in findings if each.rule.fix}, wrapper.module)
    changed = wrapper.visit(change)
    if not change.is_changed:
        return content
    changed = AddImportsVisitor(context).transform_module(changed)
    return RemoveImportsVisitor(context).transform_module(changed).bytes


def _place(found: Finding, lines: Sequence[str]) -> tuple[int, int]:
    """Return the line and the column in characters; the columns of ``ast`` are bytes of UTF-8."""
    before = lines[found.line - 1].encode()[: found.column]
    return found.line, len(before.decode())


class _Change(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, context: CodemodContext, places: dict[tuple[int, int], Finding], module: cst.Module) -> None:
        super().__init__()
        self._context = context
        self._places = places
        self._module = module
        self._bound = bound_names(module.code)
        # OAuth1 of requests-oauthlib has the attribute client: the signer of oauthlib. If a program uses this
        # attribute, the program may change the signer. In this case, calls of OAuth1 are not rewritten.
        self._uses_signer = ".client." in module.code
        self.is_changed = False

    def _finding(self, node: cst.CSTNode, fix: str) -> Finding | None:
        place = self.get_metadata(PositionProvider, node, None)
        found = self._places.get((place.start.line, place.start.column)) if place else None
        return found if found and found.rule.fix == fix else None

    def _needs(self, module: str) -> None:
        self.is_changed = True
        AddImportsVisitor.add_needed_import(self._context, module)

    # --- names that 1.9 had imported ------------------------------------------------

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        name = original_node.attr.value
        # In oauth2.time.time(), only oauth2.time is replaced.
        if name not in _HOMES or not isinstance(original_node.value, cst.Name):
            return updated_node
        full = f"{_HOMES[name]}.{name}".lstrip(".")
        if not self._finding(original_node, "own_imports") or full.partition(".")[0] in self._bound:
            return updated_node
        self._needs(_HOMES[name] or name)
        return cst.parse_expression(full)

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.ImportFrom | cst.RemovalSentinel:
        if isinstance(updated_node.names, cst.ImportStar) or not self._finding(original_node, "own_imports"):
            return updated_node
        kept = [each for each in updated_node.names if each.evaluated_name not in _HOMES]
        for each in updated_node.names:
            name = each.evaluated_name
            if name in _HOMES:
                self.is_changed = True
                home, inner = (_HOMES[name], name) if _HOMES[name] else (name, None)
                AddImportsVisitor.add_needed_import(self._context, home, inner, each.evaluated_alias)
        if not kept:
            return cst.RemoveFromParent()
        kept[-1] = kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        return updated_node.with_changes(names=kept)

    # --- OAuth1 for requests and httpx ----------------------------------------------

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        for fix, names in _CREDENTIALS.items():
            found = self._finding(original_node, fix)
            if found is not None and "oauth2" not in self._bound and not self._uses_signer:
                module = f"oauth2.clients.{'httpx' if 'httpx' in found.name else 'requests'}"
                arguments = self._arguments(original_node.args, names)
                if arguments is not None:
                    self._needs(module)
                    RemoveImportsVisitor.remove_unused_import_by_node(self._context, original_node.func)
                    return cst.parse_expression(f"{module}.OAuth1({', '.join(arguments)})")
        return updated_node

    def _arguments(self, args: Sequence[cst.Arg], names: Sequence[str]) -> list[str] | None:
        """Return the arguments of the new call; None if an argument has no equivalent."""
        given: dict[str, cst.BaseExpression] = {}
        for number, each in enumerate(args):
            name = each.keyword.value if each.keyword else names[number] if number < len(names) else ""
            if each.star or not name:
                return None
            given[name] = each.value
        key, secret, token, token_secret = (given.pop(name, None) for name in names)
        if key is None or secret is None or (token is None) is not (token_secret is None):
            return None
        written = [f"oauth2.Consumer({self._code(key)}, {self._code(secret)})"]
        if token is not None and token_secret is not None:
            pair = f"oauth2.Token({self._code(token)}, {self._code(token_secret)})"
            if not isinstance(token, cst.SimpleString):
                if not isinstance(token, cst.Name | cst.Attribute):
                    return None
                pair = f"{pair} if {self._code(token)} else None"  # Token() refuses None.
            written.append(pair)
        for name, value in given.items():
            option = _option(name, value)
            if option is None:
                return None
            written.append(option)
            if not isinstance(value, cst.SimpleString):
                RemoveImportsVisitor.remove_unused_import_by_node(self._context, value)
        return [*written, "body_hash=False"]

    def _code(self, node: cst.CSTNode) -> str:
        return self._module.code_for_node(node)


def _option(name: str, value: cst.BaseExpression) -> str | None:
    """Return the option of this package that replaces an option of another library; None if there is no such option."""
    text: object = None
    match value:
        case cst.SimpleString():
            text = value.evaluated_value
        case cst.Name(value=constant) | cst.Attribute(attr=cst.Name(value=constant)):
            text = _CONSTANTS.get(constant)
    if not isinstance(text, str):
        return None
    if name == "signature_type" and text.lower() in _PLACEMENTS:
        return f'placement="{_PLACEMENTS[text.lower()]}"'
    if name == "signature_method" and text in _METHODS:
        return f"signature_method=oauth2.{_METHODS[text]}()"
    return None
