"""Rotation: every stored secret is sealed again under the newest key.

Safe while workers run: a value is replaced only where the column still holds the ciphertext that was read, so a token
that a refresh wrote meanwhile stays. Can be stopped and started again at any point: what is sealed under the newest
key is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connections, models

from ..crypto import key_ring
from ..exceptions import UnreadableSecretError
from ..fields import EncryptedTextField, Secret
from ..models import ConsentAttempt, Grant, OAuthClient, PendingRevocation
from .transactions import atomically

#: Rows of one step, each step its own transaction.
CHUNK = 500

SEALED: tuple[type[models.Model], ...] = (OAuthClient, Grant, ConsentAttempt, PendingRevocation)
"""The models that hold secrets; a test holds it against all models."""


@dataclass(slots=True, kw_only=True)
class Rotation:
    """What one step did with one column."""

    column: str
    seen: int = 0
    resealed: int = 0
    changed_meanwhile: int = 0
    unreadable: list[int] = field(default_factory=list)
    """Primary keys of rows whose value cannot be opened with the keys at hand."""


def columns() -> Iterator[EncryptedTextField]:
    """Every encrypted field of ours."""
    for model in SEALED:
        for column in model._meta.concrete_fields:
            if isinstance(column, EncryptedTextField):
                yield column


def count_secrets(*, using: str) -> int:
    """Number of values that a rotation looks at."""
    return sum(_filled(column, using).count() for column in columns())


def rotate(*, using: str) -> Iterator[Rotation]:
    """Seal everything again, a chunk of one column at a time; yields what each step did.

    Raises ``KeyRingError`` when there is no ring.
    """
    newest = key_ring().keys[0].id
    for column in columns():
        after = 0
        while rows := list(
            _filled(column, using)
            .filter(pk__gt=after)
            .order_by("pk")
            .values_list("pk", column.attname)[:CHUNK]
        ):
            after = rows[-1][0]
            yield _reseal(column, rows, newest=newest, using=using)


def _filled(column: EncryptedTextField, using: str) -> models.QuerySet[models.Model]:
    return column.model._default_manager.using(using).exclude(**{column.attname: ""})


def _reseal(
    column: EncryptedTextField, rows: list[tuple[int, Secret]], *, newest: str, using: str
) -> Rotation:
    step = Rotation(column=column.associated_data(), seen=len(rows))
    fresh: dict[int, tuple[str, str]] = {}
    for pk, secret in rows:
        if secret.key_id == newest:
            continue
        try:
            fresh[pk] = (secret.stored(), column.seal(secret.reveal()))
        except UnreadableSecretError:
            step.unreadable.append(pk)
    if fresh:
        step.resealed = atomically(lambda: _replace(column, fresh, using=using), using=using)
        step.changed_meanwhile = len(fresh) - step.resealed
    return step


def _replace(column: EncryptedTextField, fresh: dict[int, tuple[str, str]], *, using: str) -> int:
    """Compare and set, one statement a row: a rotation is rare, and must not hold many rows."""
    connection = connections[using]
    quote = connection.ops.quote_name
    meta = column.model._meta
    name = quote(str(column.column))
    sql = (
        f"UPDATE {quote(meta.db_table)} SET {name} = %s "  # noqa: S608 - names of our own columns
        f"WHERE {quote('id')} = %s AND {name} = %s"
    )
    done = 0
    with connection.cursor() as cursor:
        for pk, (old, new) in fresh.items():
            cursor.execute(sql, [new, pk, old])
            done += cursor.rowcount
    return done
