"""``python -m oauth2``: the ``oauth2`` command."""

from .cli import main

if __name__ == "__main__":
    main()
