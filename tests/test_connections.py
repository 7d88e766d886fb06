"""Ten thousand connections at once, with one forged request in a hundred: decisions and memory."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from served import part

pytestmark = [pytest.mark.slow, pytest.mark.heavy, pytest.mark.alone]

HERE = Path(__file__).parent
CONNECTIONS, ROUNDS = 10_000, 4
RESERVED = 200  # file descriptors that are not for connections
PATIENCE = 300  # seconds
MB_OF_A_ROUND = 4  # The nonces that the server records in one round need 0.3 MB.


@contextlib.contextmanager
def serving(server):
    """Yield the port of a server in a separate process."""
    command = [sys.executable, str(HERE / "flooded.py"), server]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(PATIENCE)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory of a process is read from /proc")
@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_among_ten_thousand_connections_no_decision_is_wrong_and_memory_stays_flat(server):
    import resource

    part(server)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    count = CONNECTIONS if most == resource.RLIM_INFINITY else min(CONNECTIONS, most - RESERVED)
    with serving(server) as port:
        command = [sys.executable, str(HERE / "flood.py"), str(port), str(count), str(ROUNDS)]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    found = json.loads(answer.stdout)
    assert (found["connections"], found["open"]) == (count, count)
    for each in found["rounds"]:
        assert each["wrong"] == []
        assert each["accepted"] == count - -(-count // 100)
    # In the first round, the server allocates the memory that so many concurrent requests need.
    _, first, *others = [each["memory"] for each in found["rounds"]]
    assert max(others) - first < MB_OF_A_ROUND * len(others), found["rounds"]
    if count < CONNECTIONS:
        wanted = CONNECTIONS + RESERVED
        pytest.skip(f"Tested with only {count} connections. Raise the hard limit of open files: ulimit -Hn {wanted}")
