"""Run the reference provider on loopback, with ``python example/provider/run.py [PORT]``."""

import sys
from pathlib import Path

from oauth2.site import CannotServe, serve

NAME = "Notebook"
DATABASE = Path(__file__).with_name("provider.db")
PORT = 8080
BASE_URL = None  # Behind a reverse proxy, replace None by the URL of the proxy, such as "https://notes.example".


def main() -> None:
    """Run the provider until the process is interrupted; the first argument is the port."""
    arguments = [*sys.argv[1:], str(PORT)]
    try:
        serve(DATABASE, port=int(arguments[0]), base_url=BASE_URL, name=NAME)
    except CannotServe as exc:
        sys.exit(f"Error: {exc.message}\nHint: {exc.hint}")


if __name__ == "__main__":
    main()
