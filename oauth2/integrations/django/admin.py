"""Admin pages for clients and grants. A secret is shown only once, immediately after it is created."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from ...provider.callbacks import check_callback
from ...rsa import read_public_key
from ...stores import ClientCredentials
from .configuration import database, provider
from .models import Grant, RegisteredClient

__all__ = ["ClientAdmin", "ClientForm", "GrantAdmin"]

_FILTERS = frozenset({"consumer_key", "name", "owner", "approved_by", "grant_key", "token_key", "issued_at"})

if TYPE_CHECKING:  # These classes of Django are generic only for type checkers.
    _ClientForm = forms.ModelForm[RegisteredClient]
    _ClientAdmin = admin.ModelAdmin[RegisteredClient]
    _GrantAdmin = admin.ModelAdmin[Grant]
else:
    _ClientForm, _ClientAdmin, _GrantAdmin = forms.ModelForm, admin.ModelAdmin, admin.ModelAdmin


class ClientForm(_ClientForm):
    """The attributes of a client that administrators can edit; see :class:`~oauth2.stores.ClientCredentials`."""

    name = forms.CharField(help_text="The name that is shown to users.")
    callback_urls = forms.CharField(
        widget=forms.Textarea,
        required=False,
        help_text='The callback URLs that the client may use, one on each line. Write "oob" if users copy a code.',
    )
    public_key = forms.CharField(
        widget=forms.Textarea, required=False, help_text="In PEM, for a client that signs with RSA and has no secret."
    )
    two_legged = forms.BooleanField(label="May send requests without a token", required=False)
    xauth = forms.BooleanField(label="May exchange passwords for tokens (xAuth)", required=False)

    class Meta:
        model = RegisteredClient
        fields = ("name", "callback_urls", "owner", "public_key", "two_legged", "xauth")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["callback_urls"].initial = "\n".join(json.loads(self.instance.callbacks))

    def clean_callback_urls(self) -> tuple[str, ...]:
        """Return the callback URLs.

        Raises:
            ValidationError: A callback is not valid.
        """
        found = tuple(self.cleaned_data["callback_urls"].split())
        try:
            for callback in found:
                check_callback(callback)
        except ValueError as exc:
            raise ValidationError(str(exc)) from exc
        return found

    def clean_public_key(self) -> str:
        """Return the public key.

        Raises:
            ValidationError: The public key is not valid.
        """
        found: str = self.cleaned_data["public_key"]
        try:
            if found:
                read_public_key(found)
        except (ValueError, ImportError) as exc:
            raise ValidationError(str(exc)) from exc
        return found


class _NoSecretLookups:
    """Refuses filters such as ``?secret__startswith=a`` in the URL.

    With such a filter, a user of the admin pages could find out a secret character by character.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Return whether the URL of the page may filter by *lookup*. Only the columns in ``_FILTERS`` are allowed."""
        return lookup.partition("__")[0] in _FILTERS


@admin.register(RegisteredClient)
class ClientAdmin(_NoSecretLookups, _ClientAdmin):
    """Pages to register, change and remove clients, and actions to rotate their secrets."""

    form = ClientForm
    list_display = ("name", "consumer_key", "owner", "is_rotating")
    search_fields = ("name", "consumer_key", "owner")
    ordering = ("name", "consumer_key")
    actions = ("make_new_secret", "forget_previous_secret")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RegisteredClient]:
        """Return the clients in the database of the provider."""
        return super().get_queryset(request).using(database())

    @admin.display(boolean=True, description="two secrets")
    def is_rotating(self, client: RegisteredClient) -> bool:
        """Return whether the previous secret is also accepted."""
        return client.previous_secret is not None

    @admin.display(description="callback URLs")
    def callback_urls(self, client: RegisteredClient) -> str:
        """Return the callback URLs, for users who may not change the client."""
        return "\n".join(json.loads(client.callbacks))

    def save_model(self, request: HttpRequest, obj: RegisteredClient, form: ClientForm, change: bool) -> None:
        """Store the client, and keep the secret of a new client for :meth:`response_add`."""
        values = {
            "name": obj.name,
            "callbacks": form.cleaned_data["callback_urls"],
            "owner": obj.owner or None,
            "public_key": obj.public_key or None,
            "two_legged": bool(obj.two_legged),
            "xauth": bool(obj.xauth),
        }
        store = provider().store
        known = store.get_consumer(obj.consumer_key) if change else None
        if known is not None:
            store.replace_consumer(replace(known, **values))
        elif not change:
            made = provider().register(**values)
            obj.consumer_key, obj.secret = made.key, made.secret

    def response_add(
        self, request: HttpRequest, obj: RegisteredClient, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret of the new client."""
        return self._shown(request, [ClientCredentials(key=obj.consumer_key, secret=obj.secret, name=obj.name)])

    def delete_model(self, request: HttpRequest, obj: RegisteredClient) -> None:
        """Remove the client with its credentials."""
        provider().store.remove_consumer(obj.consumer_key)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[RegisteredClient]) -> None:
        """Remove the clients with their credentials."""
        for each in queryset:
            self.delete_model(request, each)

    @admin.action(description="Make a new secret", permissions=["change"])
    def make_new_secret(self, request: HttpRequest, queryset: QuerySet[RegisteredClient]) -> HttpResponse | None:
        """Give each client a new secret, and show the new secret. The previous secret stays valid."""
        changed = [each.with_new_secret() for each in self._known(queryset) if each.secret]
        for consumer in changed:
            provider().store.replace_consumer(consumer)
        for each in queryset.filter(consumer_key__in=[consumer.key for consumer in changed]):
            self.log_change(request, each, "Made a new secret.")
        if not changed:
            self.message_user(request, "The clients sign with RSA. They have no secret.", messages.WARNING)
            return None
        return self._shown(request, changed)

    @admin.action(description="Forget the previous secret", permissions=["change"])
    def forget_previous_secret(self, request: HttpRequest, queryset: QuerySet[RegisteredClient]) -> None:
        """End the rotation of each client: its previous secret is no longer accepted."""
        for known in self._known(queryset):
            provider().store.replace_consumer(known.without_previous_secret())
        for each in queryset:
            self.log_change(request, each, "Forgot the previous secret.")
        self.message_user(request, "The previous secrets are not accepted any more.")

    def _known(self, queryset: Iterable[RegisteredClient]) -> list[ClientCredentials]:
        found = [provider().store.get_consumer(each.consumer_key) for each in queryset]
        return [each for each in found if each is not None]

    def _shown(self, request: HttpRequest, clients: list[ClientCredentials]) -> HttpResponse:
        shown = {**self.admin_site.each_context(request), "title": "Client credentials", "clients": clients}
        response = TemplateResponse(request, "admin/oauth2/secret.html", {**shown, "opts": self.opts})
        add_never_cache_headers(response)
        return response


@admin.register(Grant)
class GrantAdmin(_NoSecretLookups, _GrantAdmin):
    """Pages that show the approvals of users. Deleting a grant revokes the grant."""

    list_display = ("consumer_key", "approved_by", "realms", "issued")
    search_fields = ("consumer_key", "approved_by", "grant_key")
    ordering = ("-issued_at",)
    fields = readonly_fields = ("consumer_key", "approved_by", "realms", "issued", "grant_key", "token_key")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Grant]:
        """Return the grants in the database of the provider."""
        return super().get_queryset(request).using(database())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: only users create grants."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Grant | None = None) -> bool:
        """Return False: a grant cannot be edited."""
        return False

    def delete_model(self, request: HttpRequest, obj: Grant) -> None:
        """Revoke the grant."""
        provider().revoke(obj.grant_key)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Grant]) -> None:
        """Revoke the grants."""
        for each in queryset:
            self.delete_model(request, each)
