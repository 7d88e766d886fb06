"""A protected API for several machines. Environment variables contain its settings.

Run it with: gunicorn app:application
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oauth2.middleware.wsgi import CredentialEndpoints, Protected
from oauth2.provider import Provider
from oauth2.stores.fernet import FernetCipher
from oauth2.stores.opening import open_store

keys = Path(os.environ["OAUTH2_PROVIDER_KEY_FILE"]).read_text(encoding="ascii")
store = open_store(
    os.environ["OAUTH2_PROVIDER_STORE"],  # The URL of the store for clients, tokens and temporary credentials.
    # The URL of the store for nonces. If this variable is not set, the store in the line above also stores the
    # nonces.
    nonces=os.environ.get("OAUTH2_PROVIDER_NONCES"),
    cipher=FernetCipher.from_text(keys),
    timeout=5,
)
# Clients sign URLs that begin with BASE_URL. Behind a proxy, BASE_URL is the public URL of the proxy.
provider = Provider(store, base_url=os.environ["BASE_URL"])


def api(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
    """Respond to a request whose signature was verified."""
    access = environ["oauth2.access"]
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{access.consumer.name} for {access.user}\n".encode()]


# This example has no page on which users approve. You must add this page: see docs/provider.md.
application = CredentialEndpoints(Protected(api, provider=provider), provider=provider, prefix="/oauth")
