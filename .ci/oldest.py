#!/usr/bin/env python3
"""Print pip constraints that pin every requirement of setup.cfg and of the dependency groups to its lower bound."""

import configparser
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])? >= ([0-9.]+)")


def requirements(setup_cfg: str, pyproject: str) -> list[str]:
    """Return each requirement of the package, of its extras and of the dependency groups of *pyproject*."""
    config = configparser.ConfigParser()
    config.read_string(setup_cfg)
    lists = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    groups = tomllib.loads(pyproject)["dependency-groups"].values()
    # An entry that is not text includes another group. This entry can be skipped, because the loop also reads that
    # group.
    return [line for line in "\n".join(lists).split("\n") if line] + [
        entry for group in groups for entry in group if isinstance(entry, str)
    ]


def lower_bounds(required: list[str]) -> list[tuple[str, str]]:
    """Return the name and the lower bound of each requirement; sorted by name.

    Raises:
        ValueError: A requirement is not of the form ``name >= version``, or has two bounds.
    """
    bounds: dict[str, str] = {}
    for line in required:
        match = REQUIREMENT.fullmatch(line)
        if match is None:
            raise ValueError(f"{line!r} must be of the form: name >= version")
        name, version = match.groups()
        if bounds.setdefault(name, version) != version:
            raise ValueError(f"{name} must have one lower bound, not both {bounds[name]} and {version}")
    return sorted(bounds.items(), key=lambda item: item[0].lower())


if __name__ == "__main__":
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("setup.cfg", "pyproject.toml")]
    for name, version in lower_bounds(requirements(*texts)):
        print(f"{name}=={version}")
