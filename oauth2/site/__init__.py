"""The reference provider, extra ``provider``: a small real service, its pages and its API.

:func:`create_app` makes the Flask application, :func:`serve` runs it, and
:func:`demo` tells the whole flow against it, step by step.
"""

from importlib.util import find_spec

for _needed in ("flask", "flask_wtf", "waitress"):
    if find_spec(_needed) is None:
        raise ModuleNotFoundError(
            f"oauth2.site needs {_needed}; do: python -m pip install 'oauth2[provider]'", name=_needed
        )

from .app import create_app  # noqa: E402 - what is missing is said first
from .serving import CannotServe, serve  # noqa: E402 - likewise
from .story import demo  # noqa: E402 - likewise

__all__ = ["CannotServe", "create_app", "demo", "serve"]
