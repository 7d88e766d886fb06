"""``import oauth2`` takes little time and memory in a server, which sends no requests."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from stopwatch import times_slower

import oauth2

pytestmark = pytest.mark.slow

ROOT = str(Path(oauth2.__file__).parent.parent)
NOT_NEEDED = """
    _blake2 _hashlib asyncio cryptography dataclasses email hashlib hmac http httplib2 inspect json logging random re
    secrets socket sqlite3 ssl threading typing urllib
""".split()  # noqa: SIM905 - a list with one name per line would be too long
MOST = 0.020  # Seconds.
MOST_RESIDENT = 4 << 20  # Bytes.
RESIDENT = """
def resident():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))
before = resident(); import oauth2; print(resident() - before)
"""


def printed(code, bytecode):
    # Run without site-packages, whose .pth files can import modules that these tests look for.
    options = ["-I", "-S", "-X", f"pycache_prefix={bytecode}"]
    command = [sys.executable, *options, "-c", f"import sys; sys.path.insert(0, {ROOT!r}); {code}"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def run(code, bytecode):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed(code, bytecode)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time does not include the time in which the process waits for other processes on a busy machine.
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_importing_loads_nothing_that_only_some_need(tmp_path):
    run(f"import oauth2; loaded = set({NOT_NEEDED}) & set(sys.modules); assert not loaded, loaded", tmp_path)


@pytest.mark.alone
def test_importing_takes_at_most_20_milliseconds_more_than_the_interpreter(tmp_path):
    run("import oauth2", tmp_path)  # writes the bytecode
    with_it, without_it, most = [], [], MOST * min(times_slower() for _ in range(5))
    for _ in range(50):
        without_it.append(run("pass", tmp_path))
        with_it.append(run("import oauth2", tmp_path))
        # A busy machine has the least effect on the minimum of many measurements. Both imports are measured in turn.
        if len(with_it) >= 10 and min(with_it) - min(without_it) < most:
            break
    assert min(with_it) - min(without_it) < most


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="/proc is needed to measure resident memory")
def test_importing_takes_at_most_4_megabytes_more_than_the_interpreter(tmp_path):
    printed("import oauth2", tmp_path)  # writes the bytecode
    assert min(int(printed(RESIDENT, tmp_path)) for _ in range(5)) <= MOST_RESIDENT
