"""The reference provider, extra ``provider``: a small real service, its pages and its API.

:func:`create_app` makes the Flask application, :func:`serve` runs it, and
:func:`demo` walks through the whole flow against it.
"""

try:
    import flask as _flask  # noqa: F401 - only whether it is there
    import flask_wtf as _flask_wtf  # noqa: F401 - only whether it is there
    import waitress as _waitress  # noqa: F401 - likewise
except ModuleNotFoundError as exc:
    raise ModuleNotFoundError(
        f"oauth2.site needs {exc.name}; do: python -m pip install 'oauth2[provider]'", name=exc.name
    ) from None

from .app import create_app
from .serving import CannotServe, serve

__all__ = ["CannotServe", "create_app", "serve"]
