"""The reference provider (extra ``provider``): a small service with web pages and an API.

:func:`create_app` creates the Flask application. :func:`serve` runs the application. :func:`demo` runs the complete
OAuth flow against the application, and prints each step.
"""

from importlib.util import find_spec

for _required in ("flask", "flask_wtf", "waitress"):
    if find_spec(_required) is None:
        raise ModuleNotFoundError(
            f"oauth2.site needs {_required}. Run: python -m pip install 'oauth2[provider]'", name=_required
        )

from .app import create_app  # noqa: E402 - must come after the check for missing packages
from .serving import CannotServe, serve  # noqa: E402 - as above
from .story import demo  # noqa: E402 - as above

__all__ = ["CannotServe", "create_app", "demo", "serve"]
