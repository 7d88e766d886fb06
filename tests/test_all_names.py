"""``__all__`` of each public module is sorted and complete, and has no name that the module does not define."""

import ast

import django_project
import pytest

from tools.rows import modules

pytestmark = [pytest.mark.slow, pytest.mark.portable]

PUBLIC = {
    f"oauth2.{name}".rstrip("."): path
    for name, path in modules(with_package=True).items()
    if not any(part.startswith("_") for part in name.split("."))
}


@pytest.fixture(scope="module")
def trees():
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PUBLIC.items()}


def assigned(node):
    """Return the names that a statement at the top of a module defines, except under TYPE_CHECKING."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign(targets=targets):
            return [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Try(body=body):
            return [name for inner in body for name in assigned(inner)]
    return []


def listed(tree):
    """Return ``__all__`` from the source code, as a type checker reads it."""
    found = [node.value for node in tree.body if "__all__" in assigned(node)]
    assert len(found) == 1, "add one __all__ = [...] to each public module"
    return ast.literal_eval(found[0])


def order(name):
    """Return the key that ruff sorts by (RUF022): constants, then classes, then all other names."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name


def own(tree):
    names = {name for node in tree.body for name in assigned(node)}
    return {name for name in names if not name.startswith("_")} - {"TYPE_CHECKING"}


def test_all_is_sorted_and_has_each_name_once(trees):
    for name, tree in trees.items():
        names = listed(tree)
        assert names == sorted(set(names), key=order), name


def test_all_has_every_public_name_that_the_module_defines(trees):
    missing = [f"{name}.{each}" for name, tree in trees.items() for each in own(tree) - set(listed(tree))]
    assert missing == [], "add these to __all__, or begin them with an underscore"


def test_all_has_only_names_that_the_module_has(trees):
    listings = [(name, django_project.import_module(name), listed(tree)) for name, tree in trees.items()]
    assert [f"{name}.{each}" for name, module, names in listings for each in names if not hasattr(module, each)] == []


def test_names_are_found_where_a_module_defines_them():
    tree = ast.parse("A: int = 1\nb, C = 2, 3\ndef d(): e = 1\nclass F: g = 1\n_h = 1\nTYPE_CHECKING = False\nimport i")
    assert own(tree) == {"A", "b", "C", "d", "F"}
    assert sorted(["b", "Az", "Ab", "AZ"], key=order) == ["AZ", "Ab", "Az", "b"]
