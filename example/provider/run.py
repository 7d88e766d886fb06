"""Run the reference provider on loopback, with ``python example/provider/run.py [PORT]``."""

import sys
from pathlib import Path

from oauth2.site import CannotServe, serve

NAME = "Notebook"
DATABASE = Path(__file__).with_name("provider.db")
PORT = 8080
BASE_URL = None  # "https://notes.example": where others reach it, if a proxy in front speaks https


def main() -> None:
    """Serve until interrupted; the port can be given as an argument."""
    arguments = [*sys.argv[1:], str(PORT)]
    try:
        serve(DATABASE, port=int(arguments[0]), base_url=BASE_URL, name=NAME)
    except CannotServe as exc:
        sys.exit(f"error: {exc}")


if __name__ == "__main__":
    main()
