"""The URLs of the project in django_project.py."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("oauth/", include("oauth2.integrations.django.urls"))]
