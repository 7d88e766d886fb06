"""``python -m oauth2.site``: run the reference provider without the ``cli`` extra."""

from __future__ import annotations

import argparse
import sys

from ..provider.diagnoses import Diagnoses

try:
    from . import CannotServe, serve
except ModuleNotFoundError as exc:
    sys.exit(f"Error: {exc}")


def main() -> None:
    """Run the provider with the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m oauth2.site", description="Run the reference provider.")
    parser.add_argument("--database", default="provider.db", help="the SQLite file (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="the port; 0 selects a free port (default: %(default)s)")
    parser.add_argument(
        "--base-url", metavar="URL", help=("the https URL of the reverse proxy, if you use a reverse proxy")
    )
    parser.add_argument("--trusted-proxy", metavar="ADDRESS", help="the address of the reverse proxy")
    parser.add_argument("--diagnose", action="store_true", help="for each refused request, log the reason")
    options = parser.parse_args()
    try:
        with Diagnoses() as diagnoses:
            serve(
                options.database,
                options.host,
                options.port,
                base_url=options.base_url,
                trusted_proxy=options.trusted_proxy,
                diagnoses=diagnoses if options.diagnose else None,
            )
    except CannotServe as exc:
        sys.exit(f"Error: {exc.message}\nHint: {exc.hint}")


if __name__ == "__main__":
    main()
