"""Create the tables with the statements of the store, so that columns have the types that the store needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import StateApps

from ....stores.django import PREFIX, table_statements

__all__ = ["Migration"]

_TABLES = ("schema_version", "nonce_horizon", "nonce", "temporary", "token", "consumer")


def _create(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in table_statements(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


def _drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for table in _TABLES:
        schema_editor.execute(f"DROP TABLE IF EXISTS {PREFIX}{table}", params=None)


class Migration(migrations.Migration):
    """Version 2 of the schema of the stores. ``nonce_horizon`` and ``schema_version`` have no model."""

    initial = True
    operations: ClassVar[Sequence[Operation]] = [
        # In PostgreSQL and SQLite, the migration is one transaction. MariaDB cannot create tables in a transaction, so
        # this operation does not begin its own transaction.
        migrations.RunPython(_create, _drop, atomic=False),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Grant",
                    fields=[
                        (
                            "grant_key",
                            models.CharField(max_length=255, primary_key=True, serialize=False, verbose_name="grant"),
                        ),
                        ("token_key", models.CharField(max_length=255, unique=True, verbose_name="token")),
                        ("secret", models.TextField(editable=False)),
                        ("consumer_key", models.CharField(db_index=True, max_length=255, verbose_name="client")),
                        ("approved_by", models.CharField(db_index=True, max_length=255, verbose_name="user")),
                        ("issued_at", models.BigIntegerField()),
                        ("realms", models.TextField()),
                        ("expires_at", models.BigIntegerField(null=True)),
                        ("session_handle", models.TextField(editable=False, null=True)),
                        ("session_expires_at", models.BigIntegerField(null=True)),
                        ("ends_at", models.BigIntegerField(db_index=True, null=True)),
                    ],
                    options={
                        "db_table": "oauth2_token",
                    },
                ),
                migrations.CreateModel(
                    name="IssuedTemporary",
                    fields=[
                        (
                            "token_key",
                            models.CharField(max_length=255, primary_key=True, serialize=False, verbose_name="token"),
                        ),
                        ("secret", models.TextField(editable=False)),
                        ("consumer_key", models.CharField(db_index=True, max_length=255, verbose_name="client")),
                        ("callback", models.TextField(editable=False)),
                        ("issued_at", models.BigIntegerField()),
                        ("expires_at", models.BigIntegerField(db_index=True)),
                        ("realms", models.TextField()),
                        ("approved_by", models.CharField(max_length=255, null=True, verbose_name="user")),
                        ("verifier", models.TextField(editable=False, null=True)),
                        ("tries", models.IntegerField()),
                    ],
                    options={
                        "verbose_name": "temporary credentials",
                        "verbose_name_plural": "temporary credentials",
                        "db_table": "oauth2_temporary",
                    },
                ),
                migrations.CreateModel(
                    name="RegisteredClient",
                    fields=[
                        (
                            "consumer_key",
                            models.CharField(max_length=255, primary_key=True, serialize=False, verbose_name="key"),
                        ),
                        ("secret", models.TextField(editable=False)),
                        ("previous_secret", models.TextField(editable=False, null=True)),
                        ("public_key", models.TextField(blank=True, null=True, verbose_name="RSA public key")),
                        ("name", models.TextField(blank=True)),
                        ("callbacks", models.TextField(default="[]")),
                        ("signature_methods", models.TextField(blank=True, null=True)),
                        ("two_legged", models.IntegerField(default=0)),
                        ("xauth", models.IntegerField(default=0)),
                        ("owner", models.CharField(blank=True, db_index=True, max_length=255, null=True)),
                    ],
                    options={
                        "verbose_name": "client",
                        "db_table": "oauth2_consumer",
                    },
                ),
                migrations.CreateModel(
                    name="UsedNonce",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "timestamp", "digest", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("timestamp", models.BigIntegerField()),
                        ("digest", models.BinaryField()),
                    ],
                    options={
                        "verbose_name": "used nonce",
                        "db_table": "oauth2_nonce",
                    },
                ),
            ]
        ),
    ]
