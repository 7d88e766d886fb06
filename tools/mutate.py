"""Mutation testing: ``python -m tools.mutate oauth2/_wire oauth2/signature.py oauth2/request.py oauth2/server.py``.

A mutant is a copy of the package with one small mistake. The tests run on each mutant, and at least one test should
fail. If no test fails, the mutant has survived: either a test is missing, or a caller cannot observe the mistake.

Annotations, docstrings, error messages, decorators and code for type checkers are not mutated. The mutants run one
after the other, in a temporary copy of the checkout.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROOT = Path(__file__).parent.parent

#: Test files that run on each mutant, after the test file of the mutated module. These files kill most mutants within
#: seconds.
FIRST_TESTS = ("vectors", "encoding", "parameters", "received", "request", "signature", "server")

#: Test files for a mutant that has passed the files in FIRST. Fast files are first in the list.
OTHER_TESTS = (
    "credentials",
    "errors",
    "mistakes",
    "fast_paths",
    "rsa",
    "outgoing",
    "exchange",
    "flow",
    "provider",
    "attacks",
    "properties",
    "differential",
    "hostile_input",
    "variants",
    "refusals",
)

#: This prefix is added to each text. The "x" turns the name of a codec into an unknown name. The "ÿ" is a character
#: that most sets of allowed characters in the code do not contain, so the changed text behaves differently.
_ADDED = "xÿ"

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


class Mutant(NamedTuple):
    """A module with one small mistake.

    Attributes:
        line: Line of the mistake in the original.
        before: The original code, on one line.
        after: The same code with the mistake.
        source: The whole mutated module.
    """

    line: int
    before: str
    after: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of the module *source*."""
    tree = ast.parse(source)
    for parent, field, index, node in list(_nodes(tree)):
        for changed in _changes(node):
            value = getattr(parent, field)
            if index is None:
                setattr(parent, field, changed)
            else:
                value[index] = changed
            mutated = ast.unparse(ast.fix_missing_locations(tree))
            if index is None:
                setattr(parent, field, value)
            else:
                value[index] = node
            yield Mutant(getattr(node, "lineno", 0), _one_line(node), _one_line(changed), mutated)


def _one_line(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _nodes(parent: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Yield each expression and statement that may be mutated, with its parent and its position in the parent."""
    for field, value in ast.iter_fields(parent):
        if field in ("annotation", "returns", "decorator_list", "bases", "keywords") and not isinstance(
            parent, ast.Call
        ):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST) and not _is_left_out(node):
                if isinstance(node, (ast.expr, ast.stmt, ast.comprehension)):
                    yield parent, field, index, node
                yield from _nodes(node)


def _is_left_out(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        return True  # The arguments are an error message. _changed_statements() removes the whole statement.
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.AnnAssign)):
        return not (isinstance(node, ast.AnnAssign) and node.value is not None)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # This expression is a docstring, so a mistake in it has no effect.
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return True
    if isinstance(node, ast.ClassDef):
        return any("Protocol" in ast.unparse(base) for base in node.bases)
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) in ("__all__", "__slots__", "TYPE_CHECKING")
    return isinstance(node, ast.FormattedValue) and node.format_spec is not None


def _changes(node: ast.AST) -> Iterator[ast.AST]:  # noqa: C901 - one branch for each kind of node
    """Yield the nodes that replace *node* in a mutant."""
    if isinstance(node, ast.Compare):
        yield from _changed_comparisons(node)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for index in range(len(node.values)):
            rest = node.values[:index] + node.values[index + 1 :]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        yield ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.Constant):
        yield from _changed_constants(node.value)
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, ast.Slice):
        yield from _changed_slices(node)
    elif isinstance(node, ast.Call):
        yield from _changed_calls(node)
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield ast.comprehension(node.target, node.iter, [], node.is_async)
    elif isinstance(node, ast.stmt):
        yield from _changed_statements(node)


def _changed_comparisons(node: ast.Compare) -> Iterator[ast.AST]:
    for index, operator in enumerate(node.ops):
        changed = copy.copy(node)
        changed.ops = [*node.ops[:index], _COMPARISONS[type(operator)](), *node.ops[index + 1 :]]
        yield changed


def _changed_constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
    elif isinstance(value, str):
        yield ast.Constant(f"{_ADDED}{value}")
    elif isinstance(value, bytes):
        yield ast.Constant(_ADDED.encode() + value)


def _changed_slices(node: ast.Slice) -> Iterator[ast.AST]:
    if node.lower is not None:
        yield ast.Slice(None, node.upper, node.step)
    if node.upper is not None:
        yield ast.Slice(node.lower, None, node.step)


def _changed_calls(node: ast.Call) -> Iterator[ast.AST]:
    for index in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, node.keywords[:index] + node.keywords[index + 1 :])
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("lower", "upper", "strip", "encode", "copy"):
        yield node.func.value


def _changed_statements(node: ast.stmt) -> Iterator[ast.AST]:
    if isinstance(node, ast.If):
        yield ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        if any(isinstance(each, ast.Raise) for each in node.body) and not node.orelse:
            yield ast.Pass()  # In this mutant, the check is removed.
    elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield ast.Return(ast.Constant(None))
    elif _is_removable(node):
        yield ast.Pass()


def _is_removable(node: ast.stmt) -> bool:
    """Return whether the code can run without *node*. Code cannot run without the assignment of a variable."""
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], (ast.Attribute, ast.Subscript))
    return isinstance(node, (ast.Expr, ast.AugAssign, ast.Delete, ast.Break, ast.Continue))


# --- running ------------------------------------------------------------------------


def files_of(paths: Sequence[str]) -> list[Path]:
    """Return the Python files at *paths*, as paths relative to the root."""
    found: list[Path] = []
    for each in paths:
        path = ROOT / each
        if not path.exists():
            raise ValueError(f"{each}: must be a file or directory of this checkout")
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [path.relative_to(ROOT) for path in found]


class Runner:
    """Runs the tests on mutants, in a copy of the checkout at *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("oauth2", "tests", "tools", "benchmarks", "example", "docs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "setup.cfg", "rows.toml", "README.md", "CHANGELOG.md"):
            shutil.copy(ROOT / name, folder / name)

    def seconds(self) -> float:
        """Run the tests without a mutant, and return the seconds that they take.

        Raises:
            RuntimeError: A test fails.
        """
        started = time.monotonic()
        if not self._passes(FIRST_TESTS + OTHER_TESTS, timeout=None, is_original=True):
            raise RuntimeError("A test fails without a mutant. Repair it first.")
        return time.monotonic() - started

    def kills(self, path: Path, mutant: Mutant, timeout: float) -> bool:
        """Return whether a test fails, or runs longer than *timeout* seconds, on *mutant* of the file *path*."""
        target = self.folder / path
        original = target.read_bytes()
        target.write_text(mutant.source, encoding="utf-8")
        try:
            first = dict.fromkeys([path.stem.lstrip("_"), *FIRST_TESTS])
            # pytest runs twice, because each run imports all its test files before the first test. This import takes
            # seconds.
            return not (self._passes(first, timeout=timeout) and self._passes(OTHER_TESTS, timeout=timeout))
        finally:
            target.write_bytes(original)

    def _passes(self, names: Iterable[str], *, timeout: float | None, is_original: bool = False) -> bool:
        files = [f"tests/test_{name}.py" for name in names if (self.folder / f"tests/test_{name}.py").exists()]
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-m",
            "not alone and not heavy",
        ]
        # Do not write the bytecode of a mutant. If the source of the next mutant has the same size and modification
        # time, Python would run this bytecode instead.
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        if is_original:
            del environment["PYTHONDONTWRITEBYTECODE"]
        with subprocess.Popen(  # noqa: S603 - only pytest, on the copy
            [*command, *files],
            cwd=self.folder,
            env=environment,
            stdout=None if is_original else subprocess.DEVNULL,
            stderr=None if is_original else subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                return process.wait(timeout) == 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # This call also ends the processes that the tests have started.
                return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Test a random sample of mutants, and print each survivor; return 1 if too many survive."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description=__doc__)
    parser.add_argument("paths", nargs="+", help="files or directories to mutate")
    parser.add_argument("--sample", type=int, default=250, help="number of mutants (default: 250)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random sample (default: 1)")
    parser.add_argument(
        "--least", type=float, default=0.92, help=("share of the mutants that must be killed (default: 0.92)")
    )
    options = parser.parse_args(arguments)
    every = [(path, each) for path in files_of(options.paths) for each in mutants((ROOT / path).read_text("utf-8"))]
    sample = random.Random(options.seed).sample(  # noqa: S311 - a sample, no secret
        every, min(options.sample, len(every))
    )
    print(f"{len(every)} mutants; testing {len(sample)} with seed {options.seed}", flush=True)
    tested, killed = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder) / "checkout")
        timeout = 10 + 4 * runner.seconds()
        for number, (path, mutant) in enumerate(sample):
            if number and number % 25 == 0:
                print(f"... {number} tested", file=sys.stderr, flush=True)
            tested[str(path)] += 1
            if runner.kills(path, mutant, timeout):
                killed[str(path)] += 1
            else:
                print(f"survived: {path}:{mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True)
    for name in sorted(tested):
        print(f"{name}: {killed[name]} of {tested[name]}")
    share = killed.total() / tested.total()
    print(f"killed: {killed.total()} of {tested.total()}, {share:.1%}")
    return int(share < options.least)


if __name__ == "__main__":
    sys.exit(main())
