"""Mutation testing: the mutants of a piece of code, and the code that is not mutated."""

import ast

import pytest

from tools import mutate


def changes(source):
    return {(each.before, each.after) for each in mutate.mutants(source)}


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        ("a < b", "a < b", "a <= b"),
        ("a is not None", "a is not None", "a is None"),
        ("a and b and c", "a and b and c", "a and c"),
        ("a and b", "a and b", "a or b"),
        ("not a", "not a", "a"),
        ("a + b", "a + b", "a - b"),
        ("x = 5", "5", "6"),
        ("x = True", "True", "False"),
        ("x = 'a'", "'a'", "'xÿa'"),
        ("x = b'a'", "b'a'", r"b'x\xc3\xbfa'"),
        ("x = a[1:2]", "1:2", ":2"),
        ("x = a if b else c", "a if b else c", "a if not b else c"),
        ("x = [a for a in b if a]", " for a in b if a", " for a in b"),
        ("f(a, b=c)", "f(a, b=c)", "f(a)"),
        ("a.lower()", "a.lower()", "a"),
        ("a.b = c", "a.b = c", "pass"),
        ("if a: b()", "if a: b()", "if not a: b()"),
        ("if a: raise b", "if a: raise b", "pass"),
        ("def f():\n    return a", "return a", "return None"),
        ("while a:\n    break", "break", "pass"),
    ],
)
def test_code_has_this_mutant(source, before, after):
    assert (before.strip(), after.strip()) in {(b.strip(), a.strip()) for b, a in changes(source)}


@pytest.mark.parametrize(
    "source",
    [
        "import a",
        '"""A docstring."""',
        "x: list[1]",
        "def f(a: 1) -> 2:\n    pass",
        "@cache(5)\ndef f():\n    pass",
        "raise ValueError('text')",
        "if TYPE_CHECKING:\n    x = 5",
        "class A(Protocol):\n    x = 5",
        "__all__ = ['a']",
        "x = a",
    ],
)
def test_code_has_no_mutant(source):
    assert changes(source) == set()


def test_each_mutant_has_one_mistake_and_can_be_compiled():
    source = "def f(a, b=1):\n    if a < b and not a:\n        return f'{a}{b + 1}'\n    return a[1:]\n"
    found = list(mutate.mutants(source))
    assert len({each.source for each in found}) == len(found)
    plain = ast.unparse(ast.parse(source)).splitlines()
    for each in found:
        compile(each.source, "mutant", "exec")
        lines = each.source.splitlines()
        assert sum(line not in lines for line in plain) == 1


def test_a_path_must_exist():
    with pytest.raises(ValueError, match=r"^oauth2/nothing\.py: must be"):
        mutate.files_of(["oauth2/nothing.py"])
    assert "oauth2/_wire/form.py" in map(str, mutate.files_of(["oauth2/_wire", "oauth2/server.py"]))
