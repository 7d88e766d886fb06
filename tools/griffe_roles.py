"""An extension of griffe that converts the docstrings of the package to Markdown, with links instead of Sphinx roles.

The extension also finds the page of the reference that describes an object.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import griffe

from tools import pages


def described(package: griffe.Module) -> dict[str, list[str]]:
    """Return the names that the page of each public module describes.

    A name that several modules export is described in the module that defines the name. If an internal module defines
    the name, the name is described in the first of the modules that export it.
    """
    found: dict[str, list[str]] = {}
    modules, seen = pages.public_modules(), set[str]()
    for module in modules:
        exported = _exported(package, module)
        home = {name: path.rpartition(".")[0] for name, path in exported.items()}
        found[module] = [
            name
            for name, path in exported.items()
            if home[name] == module or (home[name] not in modules and path not in seen)
        ]
        seen |= set(exported.values())
    return found


def exports(package: griffe.Module) -> dict[str, dict[str, str]]:
    """Return the names in ``__all__`` of each public module, with their full public names."""
    public = public_names(package)
    return {
        module: {name: public.get(path, path) for name, path in _exported(package, module).items()}
        for module in pages.public_modules()
    }


def public_names(package: griffe.Module) -> dict[str, str]:
    """Return a mapping to the full public name of each object that the reference describes.

    Each object has two keys: its full public name, and the path at which it is defined.
    """
    found: dict[str, str] = {}
    for module, names in described(package).items():
        found[module] = module
        for name in names:
            target = _target(_module(package, module).members[name])
            found.setdefault(target.path, f"{module}.{name}")
            found.setdefault(f"{module}.{name}", f"{module}.{name}")
            for member, each in target.all_members.items() if target.is_class else ():
                if not member.startswith("_") and each.has_docstrings:
                    found.setdefault(each.path, f"{module}.{name}.{member}")
                    found.setdefault(f"{module}.{name}.{member}", f"{module}.{name}.{member}")
    return found


def _module(package: griffe.Module, name: str) -> Any:
    return package if name == package.name else package[name.removeprefix(f"{package.name}.")]


def _target(each: Any) -> Any:
    """Return the target of an alias, or None if another library defines the target."""
    try:
        return each.final_target if each.is_alias else each
    except griffe.AliasResolutionError:
        return None


def _exported(package: griffe.Module, name: str) -> dict[str, str]:
    members = _module(package, name).members
    found = {each: _target(members[each]) for each in map(str, _module(package, name).exports) if each in members}
    return {name: each.path for name, each in found.items() if each is not None}


class Roles(griffe.Extension):  # type: ignore[misc]  # griffe is not in the environment of mypy
    """Replace the Sphinx roles in each docstring of the package."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Visit each object of the package once."""
        objects = list(_objects(pkg)) if pkg.name == "oauth2" else []
        for each in objects:
            if each.is_attribute and not each.docstring and (text := _comment(each)):
                each.docstring = griffe.Docstring(text, lineno=each.lineno, parent=each)
        public = public_names(pkg) if objects else {}
        for each in objects:
            if each.docstring:
                resolve = partial(_resolve, each=each, package=pkg, public=public)
                each.docstring.value = pages.with_markdown_roles(each.docstring.value, resolve)


def _objects(each: Any) -> Iterator[Any]:
    """Return an object and all objects inside it, without aliases."""
    yield each
    for member in each.members.values():
        if not member.is_alias:
            yield from _objects(member)


def _comment(each: Any) -> str:
    """Return the text of the comment ``#:`` above an attribute."""
    found: list[str] = []
    for line in reversed(each.lines_collection[each.filepath][: each.lineno - 1]):
        if not line.strip().startswith("#:"):
            break
        found.insert(0, line.strip().removeprefix("#:").strip())
    return "\n".join(found)


def _resolve(target: str, each: Any, package: griffe.Module, public: dict[str, str]) -> str | None:
    """Return the full public name of a target, or None if the API reference does not document the target.

    The target is absolute, or relative to *each* or to an object that contains *each*.
    """
    candidates = [target]
    scope = each
    while scope is not None:
        candidates.append(f"{scope.path}.{target}")
        scope = scope.parent
    for candidate in candidates:
        if candidate in public:
            return public[candidate]
        if not candidate.startswith("oauth2."):
            continue
        try:
            found = package[candidate.removeprefix("oauth2.")]
        except (KeyError, griffe.AliasResolutionError):
            continue
        if (defined := _target(found)) is not None and defined.path in public:
            return public[defined.path]
    return None
