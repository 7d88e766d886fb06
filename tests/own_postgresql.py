"""A separate PostgreSQL server for tests that change the configuration of the server."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import databases
from cuttable import free_port


def _program(name):
    """Return the path of a program of PostgreSQL. Debian installs the programs of the server outside of PATH."""
    found = [shutil.which(name), *sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), reverse=True)]
    return next(filter(None, found), None)


@contextlib.contextmanager
def own_postgresql(**settings):
    """Yield the port of a new PostgreSQL server on 127.0.0.1 that only this test uses, without passwords.

    Args:
        settings: The settings of the server by name.
    """
    initdb, postgres = _program("initdb"), _program("postgres")
    if initdb is None or postgres is None:
        databases.missing("postgresql", "there is no initdb to create a server with")
    # The server refuses to run as root. Other users cannot read tmp_path, so the data is in the system's folder for
    # temporary files.
    as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="own-postgresql-") as folder:
        if as_user:
            shutil.chown(folder, "postgres", "postgres")
        data, port = f"{folder}/data", free_port()
        quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **as_user}
        subprocess.run([initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], check=True, **quiet)
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "shared_buffers": "16MB", **settings}
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with subprocess.Popen([postgres, "-D", data, "-p", str(port), *given], **quiet) as process:
            try:
                _wait(port, process)
                yield port
            finally:
                process.send_signal(3)  # SIGQUIT: an immediate shutdown, which does not wait for a standby.
                process.wait(30)


def _wait(port, process):
    import psycopg

    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(host="127.0.0.1", port=port, user="postgres", connect_timeout=5).close()
            return
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
