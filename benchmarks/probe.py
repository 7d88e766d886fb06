"""Measure time and memory of code in a fresh interpreter.

The memory is the resident memory that the operating system reports.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

# _PRELUDE runs before the code of a probe. _PRELUDE imports only modules that the interpreter has already loaded. If it
# imported another module that the probe imports, too, the cost of this module would not be measured.
#
# peak() returns the largest resident memory since the last call of rest().
_PRELUDE = """
import sys
from time import perf_counter
def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))
def resident():
    return status("VmRSS:")
def rest():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return resident()
def peak():
    return status("VmHWM:")
"""


def probe(code: str, python: Path | str = sys.executable, *, isolated: bool = False) -> Any:
    """Run *code* in a fresh interpreter and return the number, or list of numbers, that it prints.

    Args:
        code: Python code; it may use ``perf_counter``, ``resident``, ``rest`` and ``peak``.
        python: The path of the interpreter to start.
        isolated: Whether to import no modules from this checkout.

    Raises:
        RuntimeError: The code failed, or this system does not report resident memory. The message is the last line
            of standard error.
    """
    source = f"{_PRELUDE}\n{code}"
    command = [str(python), *(["-I"] if isolated else []), "-c", source]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    return json.loads(done.stdout)
