"""What a fresh interpreter needs for something: seconds, and memory as the operating system counts it.

No tracing of allocations: what a process holds resident is what it costs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

# Run before the code of a probe; imports nothing that the interpreter has not loaded itself, so that a
# probe's own imports are all counted. peak() is the most that was resident since the last call of rest().
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
        code: May use ``perf_counter``, ``resident``, ``rest`` and ``peak``.
        python: The interpreter.
        isolated: Do not look for modules in this checkout.

    Raises:
        RuntimeError: It failed, or this system does not tell what is resident; with its last words.
    """
    source = f"{_PRELUDE}\n{code}"
    command = [str(python), *(["-I"] if isolated else []), "-c", source]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    return json.loads(done.stdout)
