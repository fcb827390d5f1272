"""Model fields: secrets that stay sealed, and identifiers that compare byte for byte."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import Exact, IsNull, Lookup

from .crypto import MASK, PREFIX, key_id, key_ring


class Secret:
    """A secret on its way to or from a column.

    It prints as a mask, opens only when asked (``reveal``), and is false when empty. Reading rows never decrypts: one
    unreadable value is its own error, where it is used, and breaks no list.
    """

    __slots__ = ("_associated_data", "_plaintext", "_stored")

    def __init__(
        self, *, associated_data: str, stored: str = "", plaintext: str | None = None
    ) -> None:
        self._associated_data = associated_data
        self._stored = stored
        self._plaintext = plaintext

    def reveal(self) -> str:
        """The plaintext. Raises ``UnreadableSecretError`` when the keys at hand cannot open it."""
        if self._plaintext is None:
            return key_ring().decrypt(self._stored, self._associated_data) if self._stored else ""
        return self._plaintext

    def stored(self) -> str:
        """The ciphertext, as the column holds it; sealed at this moment if it is new."""
        if not self._stored and self._plaintext:
            self._stored = key_ring().encrypt(self._plaintext, self._associated_data)
        return self._stored

    @property
    def key_id(self) -> str:
        """Id of the key that sealed it; empty while it is not stored."""
        return key_id(self._stored)

    def __bool__(self) -> bool:
        return bool(self._stored or self._plaintext)

    def __repr__(self) -> str:
        return f"<Secret {MASK if self else 'empty'}>"

    __str__ = __repr__

    def __reduce__(self) -> Any:
        # A pickled row (a cache, a message) carries the ciphertext, never the plaintext.
        return _sealed, (self._associated_data, self.stored())


def _sealed(associated_data: str, stored: str) -> Secret:
    return Secret(associated_data=associated_data, stored=stored)


class _SecretAttribute:
    def __init__(self, field: EncryptedTextField) -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type | None = None) -> Any:
        if instance is None:
            return self
        if self.field.attname not in instance.__dict__:
            instance.refresh_from_db(fields=[self.field.attname])
        return instance.__dict__[self.field.attname]

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = self.field.to_python(value)


class _EmptyOnly(Exact):
    def get_prep_lookup(self) -> Any:
        if self.rhs != "":
            raise FieldError("an encrypted field can only be compared with the empty string")
        return ""


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text encrypted at rest, bound to its model and field. The attribute is a ``Secret``; assign a plain ``str``.

    Lookups are refused, but for ``isnull`` and "is empty": equal plaintexts have different ciphertexts.
    """

    def associated_data(self) -> str:
        """What a value is bound to: app label, model and field name."""
        return f"{self.model._meta.label_lower}.{self.name}"

    def contribute_to_class(
        self, cls: type[models.Model], name: str, private_only: bool = False
    ) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, _SecretAttribute(self))

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Secret:
        return Secret(associated_data=self.associated_data(), stored=value or "")

    def to_python(self, value: Any) -> Any:
        if isinstance(value, Secret) or not hasattr(self, "model"):
            return value
        if isinstance(value, str) and value.startswith(f"{PREFIX}."):
            # A fixture or a copied row: it is sealed already, and sealing it again would bury it.
            return Secret(associated_data=self.associated_data(), stored=value)
        return Secret(associated_data=self.associated_data(), plaintext=value or "")

    def secret(self, plaintext: str) -> Secret:
        """``plaintext`` for this column, masked wherever it is printed: in error reports too, which show variables."""
        return Secret(associated_data=self.associated_data(), plaintext=plaintext)

    def seal(self, plaintext: str) -> str:
        """The ciphertext of ``plaintext`` for this column, for set-wise writes."""
        return self.secret(plaintext).stored()

    def get_prep_value(self, value: Any) -> Any:
        if not value:
            return ""
        # As in to_python: what is sealed already is not sealed again.
        return self.to_python(value).stored()

    def value_to_string(self, obj: models.Model) -> str:
        """Serialization (``dumpdata``) carries the ciphertext."""
        secret: Secret = self.value_from_object(obj)
        return secret.stored()

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        allowed: dict[str, type[Lookup[Any]]] = {"isnull": IsNull, "exact": _EmptyOnly}
        if lookup_name not in allowed:
            raise FieldError(f"an encrypted field cannot be looked up by {lookup_name!r}")
        return allowed[lookup_name]

    def formfield(self, **kwargs: Any) -> Any:
        """No form field: forms that take a secret declare a write-only one of their own."""
        return None


class IdentifierField(models.CharField):  # type: ignore[type-arg]
    """An identifier of Google's: opaque, case-sensitive, compared byte for byte on every database.

    PostgreSQL and SQLite do that by themselves. MariaDB's collations fold case and ignore trailing blanks, and its
    index keys end at 3,072 bytes: there the column is ``varbinary`` of UTF-8, twice ``max_length`` (identifiers are
    ASCII in practice; beyond that the server refuses, it never truncates).
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        if connection.vendor == "mysql":
            return f"varbinary({(self.max_length or 1024) * 2 if (self.max_length or 0) > 255 else 1020})"
        return super().db_type(connection)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return value.decode() if isinstance(value, bytes) else value
