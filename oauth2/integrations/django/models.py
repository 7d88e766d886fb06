"""The tables of the provider as models, for the admin pages and for queries. The store writes the tables."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models

from ...stores.django import PREFIX

__all__ = ["Grant", "IssuedTemporary", "RegisteredClient", "UsedNonce"]

_KEY = 255  # maximum number of characters of a key


class RegisteredClient(models.Model):
    """Client credentials (section 1.1); see :class:`~oauth2.stores.ClientCredentials`."""

    consumer_key = models.CharField("key", max_length=_KEY, primary_key=True)
    secret = models.TextField(editable=False)
    previous_secret = models.TextField(null=True, editable=False)
    public_key = models.TextField("RSA public key", null=True, blank=True)
    name = models.TextField(blank=True)
    callbacks = models.TextField(default="[]")
    signature_methods = models.TextField(null=True, blank=True)
    two_legged = models.IntegerField(default=0)
    xauth = models.IntegerField(default=0)
    owner = models.CharField(max_length=_KEY, null=True, blank=True, db_index=True)

    class Meta:
        db_table = f"{PREFIX}consumer"
        verbose_name = "client"

    def __str__(self) -> str:
        return str(self.name or self.consumer_key)


class Grant(models.Model):
    """The token credentials of one approval (section 2.3); see :class:`~oauth2.stores.TokenCredentials`."""

    grant_key = models.CharField("grant", max_length=_KEY, primary_key=True)
    token_key = models.CharField("token", max_length=_KEY, unique=True)
    secret = models.TextField(editable=False)
    consumer_key = models.CharField("client", max_length=_KEY, db_index=True)
    approved_by = models.CharField("user", max_length=_KEY, db_index=True)
    issued_at = models.BigIntegerField()
    realms = models.TextField()
    expires_at = models.BigIntegerField(null=True)
    session_handle = models.TextField(null=True, editable=False)
    session_expires_at = models.BigIntegerField(null=True)
    ends_at = models.BigIntegerField(null=True, db_index=True)

    class Meta:
        db_table = f"{PREFIX}token"

    def __str__(self) -> str:
        return f"{self.consumer_key} for user {self.approved_by}"

    @property
    def issued(self) -> datetime:
        """The time of issue in UTC."""
        return datetime.fromtimestamp(self.issued_at, UTC)


class IssuedTemporary(models.Model):
    """Temporary credentials (section 2.1); see :class:`~oauth2.stores.TemporaryCredentials`."""

    token_key = models.CharField("token", max_length=_KEY, primary_key=True)
    secret = models.TextField(editable=False)
    consumer_key = models.CharField("client", max_length=_KEY, db_index=True)
    callback = models.TextField(editable=False)
    issued_at = models.BigIntegerField()
    expires_at = models.BigIntegerField(db_index=True)
    realms = models.TextField()
    approved_by = models.CharField("user", max_length=_KEY, null=True)
    verifier = models.TextField(null=True, editable=False)
    tries = models.IntegerField()

    class Meta:
        db_table = f"{PREFIX}temporary"
        verbose_name = verbose_name_plural = "temporary credentials"

    def __str__(self) -> str:
        return f"temporary credentials of {self.consumer_key}"


class UsedNonce(models.Model):
    """The digest of a used nonce (section 3.3). The primary key makes the digest unique."""

    pk = models.CompositePrimaryKey("timestamp", "digest")
    timestamp = models.BigIntegerField()
    digest = models.BinaryField()

    class Meta:
        db_table = f"{PREFIX}nonce"
        verbose_name = "used nonce"

    def __str__(self) -> str:
        return f"nonce of {self.timestamp}"
