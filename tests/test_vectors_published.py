"""The test vectors as docs/vectors.md publishes them: the schema, and the runners in JavaScript and C."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import fastjsonschema
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
FILE = ROOT / "tests" / "vectors.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))
SCHEMA = json.loads((ROOT / "docs" / "vectors.schema.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "vectors.md").read_text(encoding="utf-8")
is_valid = fastjsonschema.compile(SCHEMA)


def test_the_vectors_match_the_schema_and_have_unique_names():
    is_valid(VECTORS)
    assert len({each["id"] for each in VECTORS}) == len(VECTORS)


@pytest.mark.parametrize(
    "change",
    [
        {"source": ""},
        {"kind": "other"},
        {"verified": False},
        {"inputs": {"unknown": "x"}},
        {"expected": {}},
        {"expected": {"params": [["a"]]}},
        {"oracle_gives": {"encoded": "x"}},
    ],
)
def test_the_schema_refuses_other_vectors(change):
    with pytest.raises(fastjsonschema.JsonSchemaException):
        is_valid([{**VECTORS[0], **change}])


def test_the_page_shows_a_vector_and_describes_each_kind():
    shown = json.loads(re.search(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[1])
    assert shown in VECTORS
    kinds = {each["kind"] for each in VECTORS}
    assert set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)) == kinds
    assert set(SCHEMA["items"]["properties"]["kind"]["enum"]) == kinds


def wrong(tmp_path):
    """Write a file in which each vector has the wrong value of ``verified``; return the file."""
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps([{**each, "verified": not each["verified"]} for each in VECTORS]))
    return file


@pytest.fixture(params=["node", "cc"])
def runner(request, tmp_path):
    """The command that starts a runner."""
    tool = shutil.which(request.param)
    if tool is None:
        pytest.skip(f"there is no {request.param}")
    if request.param == "node":
        return [tool, ROOT / "example" / "vectors" / "run.mjs"]
    program = tmp_path / "vectors"
    warnings = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([tool, *warnings, "-o", program, ROOT / "example" / "vectors" / "run.c"], check=True)
    return [program]


def test_a_runner_passes_the_vectors_and_finds_wrong_ones(runner, tmp_path):
    done = subprocess.run([*runner, FILE], capture_output=True, text=True)
    passed, count = counts(done.stdout)
    assert (done.returncode, passed) == (0, count), done.stdout
    assert count >= 100
    done = subprocess.run([*runner, wrong(tmp_path)], capture_output=True, text=True)
    passed, _ = counts(done.stdout)
    errors = sum("error" in each["expected"] for each in VECTORS)
    assert done.returncode == 1
    assert passed <= errors
    assert "failed: rfc5849-3.4.1.2-a" in done.stdout


def counts(output):
    found = re.search(r"^(\d+) of (\d+) vectors pass", output, re.MULTILINE)
    return int(found[1]), int(found[2])
