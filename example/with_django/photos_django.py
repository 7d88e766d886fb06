"""An API in Django behind the WSGI middleware, which verifies the signature of each request.

Run it with ``waitress-serve --listen 127.0.0.1:8080 --call photos_django:make`` in this folder, and call it with
``python example/client.py http://127.0.0.1:8080/photos``. docs/django.md adds the page where a user approves.
"""

import secrets

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

from oauth2.middleware.wsgi import Protected
from oauth2.provider import Provider
from oauth2.stores import MemoryStore, TokenCredentials

settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, SECRET_KEY=secrets.token_urlsafe(32))

store = MemoryStore()
provider = Provider(store, base_url="http://127.0.0.1:8080")
provider.register(key="printer", secret="printer-secret", name="Printer")  # noqa: S106 - a made-up secret
store.add_token(TokenCredentials(key="janes-photos", secret="token-secret", consumer_key="printer", user="jane"))  # noqa: S106


def photos(request: HttpRequest) -> JsonResponse:
    """Return a response with the user and the signed parameters."""
    access = request.META["oauth2.access"]
    return JsonResponse({"user": access.user, "parameters": access.parameters})


urlpatterns = [path("photos", photos)]


def make() -> Protected:
    """Return the WSGI application."""
    return Protected(get_wsgi_application(), provider=provider)
