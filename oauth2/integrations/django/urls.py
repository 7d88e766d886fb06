"""The URLs of the endpoints and of the consent page, for ``include("oauth2.integrations.django.urls")``."""

from __future__ import annotations

from django.urls import path

from . import views

__all__ = ["app_name", "urlpatterns"]

app_name = "oauth2"
urlpatterns = [
    path("request_token", views.request_token, name="request_token"),
    path("authorize", views.authorize, name="authorize"),
    path("access_token", views.access_token, name="access_token"),
]
