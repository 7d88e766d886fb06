"""The page of ``oauth2 doctor --web`` (extra ``provider``). The page shows the signed parts of a pasted request.

:func:`create_page` creates the Flask application. :func:`serve_page` runs the application on a loopback address. The
page has no script. The application sends, stores and logs no data, and never shows a secret that was entered.
"""

from .app import create_page
from .serving import serve_page

__all__ = ["create_page", "serve_page"]
