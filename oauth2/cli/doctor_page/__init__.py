"""The page of ``oauth2 doctor --web`` (extra ``provider``). The page diagnoses a request that the user pastes.

:func:`create_page` creates the Flask application. :func:`serve_page` runs the application on a loopback address. The
page has no script. The application does not send, store or log the entries of the user, and never shows an entered
secret.
"""

from .app import create_page
from .serving import serve_page

__all__ = ["create_page", "serve_page"]
