"""``python -m oauth2.site``: run the reference provider."""

from __future__ import annotations

import argparse
import sys

try:
    from . import CannotServe, serve
except ModuleNotFoundError as exc:
    sys.exit(f"error: {exc}")


def main() -> None:
    """Serve as the arguments of this process say."""
    parser = argparse.ArgumentParser(prog="python -m oauth2.site", description="Run the reference provider.")
    parser.add_argument("--database", default="provider.db", help="SQLite file (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--base-url", metavar="URL", help="the https URL of the proxy in front, if there is one")
    options = parser.parse_args()
    try:
        serve(options.database, options.host, options.port, base_url=options.base_url)
    except CannotServe as exc:
        sys.exit(f"error: {exc}")


if __name__ == "__main__":
    main()
