"""Middleware for a provider in a web application: :mod:`~oauth2.middleware.wsgi` and :mod:`~oauth2.middleware.asgi`."""

__all__: list[str] = []
