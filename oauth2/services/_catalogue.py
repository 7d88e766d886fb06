"""The service profiles. The profiles are read from ``profiles.toml`` on first use."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from ._profiles import Service

_TUPLES = (
    "sources", "signature_methods", "confirmations", "request_parameters", "authorize_parameters", "notes",
)  # fmt: skip


def get(name: str) -> Service:
    """Return the profile of a service.

    Raises:
        ValueError: No profile has the name *name*.
    """
    profiles = _services()
    if name not in profiles:
        close = get_close_matches(name, profiles, 3)
        hint = f"; did you mean {' or '.join(close)}?" if close else "; names() returns all names"
        raise ValueError(f"name: no service has this name{hint}")
    return profiles[name]


def names() -> list[str]:
    """Return the names of all profiles, sorted."""
    return sorted(_services())


@cache
def _services() -> dict[str, Service]:
    read = tomllib.loads(files("oauth2").joinpath("services", "profiles.toml").read_text(encoding="utf-8"))
    return {name: _service(name, table) for name, table in read.items()}


def _service(name: str, table: dict[str, Any]) -> Service:
    given: dict[str, Any] = {key: tuple(value) if key in _TUPLES else value for key, value in table.items()}
    return Service(name=name, **given)
