"""The ``oauth2`` command (extra ``cli``): get tokens; send, sign and verify requests.

This module imports no package that the extra ``cli`` installs. Therefore the command can report which of these packages
are missing.
"""

import sys
from importlib.util import find_spec

from .failure import USAGE, pip_command

__all__ = ["main"]

_REQUIRED = ("click", "keyring", "requests", "rich")


def main() -> None:
    """Run the command with the arguments of this process, then exit."""
    missing = [name for name in _REQUIRED if find_spec(name) is None]
    if missing:
        print(f"Error: The oauth2 command needs {', '.join(missing)}.", file=sys.stderr)
        print(f"Hint: Run: {pip_command('cli')}", file=sys.stderr)
        sys.exit(USAGE)
    from .app import run

    sys.exit(run(sys.argv[1:]))
