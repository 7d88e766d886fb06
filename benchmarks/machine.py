"""Describe the machine and the libraries of a run."""

from __future__ import annotations

import os
import platform
import sqlite3
import ssl
from importlib import metadata
from pathlib import Path

from . import predecessor

_PACKAGES = ("oauth2", "oauthlib", "Authlib", "requests-oauthlib", "rauth", "cryptography", "httplib2", "requests")


def describe(python: Path) -> dict[str, str]:
    """Return the properties of the machine and the versions; *python* is the interpreter that has python-oauth2 1.9."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()}, {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": ", ".join([*[_installed(name) for name in _PACKAGES], _elder(python)]),
        "system libraries": f"{ssl.OPENSSL_VERSION}, SQLite {sqlite3.sqlite_version}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown processor"


def _installed(name: str) -> str:
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return f"{name} (not installed)"


def _elder(python: Path) -> str:
    try:
        return f"python-oauth2 {predecessor.worker(python).version}"
    except RuntimeError as exc:
        return f"python-oauth2 1.9 ({exc})"
