"""The ``oauth2`` command, extra ``cli``: get tokens, send, sign and verify requests.

Nothing is imported here that the extra brings, so that the command can say what is missing.
"""

import sys
from importlib.util import find_spec

_NEEDED = ("click", "keyring", "requests", "rich")


def main() -> None:
    """Run the command with the arguments of this process, and exit."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        what = f"error: the oauth2 command needs {', '.join(missing)}"
        print(f"{what}; do: python -m pip install 'oauth2[cli]'", file=sys.stderr)
        sys.exit(2)
    from .app import run

    sys.exit(run(sys.argv[1:]))
