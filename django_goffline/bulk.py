"""Set-wise writes: a thousand rows cost what one costs in statements.

Each function hands its rows to the database as one JSON parameter, which the database takes apart itself
(``json_to_recordset`` on PostgreSQL, ``json_each`` on SQLite, ``JSON_TABLE`` on MariaDB), and joins or inserts from
there. Values pass through the model's own fields, so what is stored is what the ORM would store. Text must be free of
NUL and lone surrogates (PostgreSQL refuses both); ``protocol.payloads`` sees to that.

Very large batches are cut by size, so that no statement outgrows a server's packet limit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

#: Characters of JSON in one statement (MariaDB's default packet limit is 16 MiB).
STATEMENT_CHARACTERS = 6_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RowUpdate:
    """New values of one row, written only where the columns of ``expected`` still have these values."""

    pk: int
    values: Mapping[str, Any]
    expected: Mapping[str, Any] = field(default_factory=dict)


def update_rows(
    model: type[models.Model],
    updates: Sequence[RowUpdate],
    *,
    using: str,
    raise_generation: bool = False,
    wishes_due_at: datetime | None = None,
) -> set[int]:
    """Write each row's values where its expectations hold; the primary keys of the rows written.

    All updates must name the same columns. ``raise_generation`` adds one to the row's generation. ``wishes_due_at``
    overrules a ``due_at`` among the values for rows whose ``wake_requested_at`` is newer than their claim: a person
    asked meanwhile. Must run inside a transaction on MariaDB (two statements; one elsewhere). Raises ``ValueError`` for
    an expectation of null.
    """
    written: set[int] = set()
    connection = connections[using]
    for chunk in _chunks([_update_document(model, update, connection) for update in updates]):
        written |= _update_chunk(
            model,
            chunk,
            columns=tuple(updates[0].values),
            expected=tuple(updates[0].expected),
            connection=connection,
            raise_generation=raise_generation,
            wishes_due_at=wishes_due_at,
        )
    return written


def upsert(
    model: type[models.Model],
    rows: Sequence[Mapping[str, Any]],
    *,
    unique: Sequence[str],
    update: Sequence[str] = (),
    add: Sequence[str] = (),
    using: str,
) -> None:
    """Insert rows, or where ``unique`` (field names) meets an existing row, overwrite ``update`` and add up ``add``.

    With neither, existing rows stay as they are. Fields that a row leaves out get the model's default. Rows are sorted
    by their key, so that two writers cannot lock each other out.
    """
    connection = connections[using]
    fields = [f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]
    keys = [_field(model, name) for name in unique]
    documents = []
    for row in sorted(rows, key=lambda row: [str(row[_given(row, f)]) for f in keys]):
        documents.append(_new_document(fields, row, connection))
    for chunk in _chunks(documents):
        _upsert_chunk(
            model, chunk, fields=fields, unique=keys, update=update, add=add, connection=connection
        )


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name)


def insert(model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, using: str) -> None:
    """Insert rows, in their order. Fields that a row leaves out get the model's default."""
    connection = connections[using]
    fields = [f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]
    for chunk in _chunks([_new_document(fields, row, connection) for row in rows]):
        _upsert_chunk(
            model, chunk, fields=fields, unique=(), update=(), add=(), connection=connection
        )


def _new_document(
    fields: Sequence[Any], row: Mapping[str, Any], connection: BaseDatabaseWrapper
) -> dict[str, Any]:
    values = {
        f.attname: row[_given(row, f)] if _given(row, f) in row else f.get_default() for f in fields
    }
    return _document(fields, values, connection)


def _given(row: Mapping[str, Any], f: Any) -> str:
    return str(f.name if f.name in row else f.attname)


def _update_document(
    model: type[models.Model], update: RowUpdate, connection: BaseDatabaseWrapper
) -> dict[str, Any]:
    fields = [_field(model, name) for name in update.values]
    document = _document(fields, {f.attname: update.values[f.name] for f in fields}, connection)
    for name, value in update.expected.items():
        if value is None:
            raise ValueError(f"{name}: nothing is equal to NULL, so the row would never be written")
        f = _field(model, name)
        document[f"if_{f.column}"] = _value(f, value, connection)
    return {"pk": update.pk, **document}


def _document(
    fields: Sequence[Any], values: Mapping[str, Any], connection: BaseDatabaseWrapper
) -> dict[str, Any]:
    return {f.column: _value(f, values[f.attname], connection) for f in fields}


def _value(f: Any, value: Any, connection: BaseDatabaseWrapper) -> Any:
    if value is None:
        return None
    if isinstance(f, models.JSONField):
        # As text: every database casts it to its own kind of JSON column.
        return json.dumps(value, cls=f.encoder)
    prepared = f.get_db_prep_save(value, connection)
    if isinstance(prepared, bool):
        return int(prepared) if connection.vendor == "mysql" else prepared
    return prepared if isinstance(prepared, (int, float, str)) else str(prepared)


def _chunks(documents: Sequence[dict[str, Any]]) -> Iterator[str]:
    texts: list[str] = []
    size = 0
    for document in documents:
        # Nulls are left out: an absent path is NULL on every database, a JSON null is not.
        text = json.dumps({key: value for key, value in document.items() if value is not None})
        if texts and size + len(text) > STATEMENT_CHARACTERS:
            yield f"[{','.join(texts)}]"
            texts, size = [], 0
        texts.append(text)
        size += len(text)
    if texts:
        yield f"[{','.join(texts)}]"


def _source(columns: Mapping[str, Any], connection: BaseDatabaseWrapper) -> str:
    """A table expression named ``r`` over one JSON parameter: column name to model field."""
    quote = connection.ops.quote_name
    if connection.vendor == "postgresql":
        # JSON columns travel as text, and are cast where they are used.
        typed = ", ".join(f"{quote(name)} {_type(f, connection)}" for name, f in columns.items())
        return f"json_to_recordset(%s::json) AS r({typed})"
    if connection.vendor == "sqlite":
        taken = ", ".join(f"json_extract(value, '$.{name}') AS {quote(name)}" for name in columns)
        return f"(SELECT {taken} FROM json_each(%s)) AS r"  # noqa: S608 - columns of our models
    typed = ", ".join(
        f"{quote(name)} {_type(f, connection)} PATH '$.{name}'" for name, f in columns.items()
    )
    return f"JSON_TABLE(%s, '$[*]' COLUMNS ({typed})) AS r"


def _type(f: Any, connection: BaseDatabaseWrapper) -> str:
    if isinstance(f, models.JSONField):
        return "text" if connection.vendor == "postgresql" else "longtext"
    kind = str(
        f.rel_db_type(connection) if isinstance(f, models.AutoField) else f.db_type(connection)
    )
    if connection.vendor != "mysql":
        return kind
    if length := re.fullmatch(r"var(?:binary|char)\((\d+)\)", kind):
        # JSON_TABLE cuts what is too long without a word: with room for one more the column itself refuses it.
        return f"varchar({int(length[1]) + 1})"
    return kind.removesuffix(" UNSIGNED")


def _read(f: Any, connection: BaseDatabaseWrapper) -> str:
    column = f"r.{connection.ops.quote_name(f.column)}"
    if isinstance(f, models.JSONField) and connection.vendor == "postgresql":
        return f"{column}::jsonb"
    return column


def _update_chunk(
    model: type[models.Model],
    document: str,
    *,
    columns: Sequence[str],
    expected: Sequence[str],
    connection: BaseDatabaseWrapper,
    raise_generation: bool,
    wishes_due_at: datetime | None,
) -> set[int]:
    quote = connection.ops.quote_name
    key: Any = model._meta.pk
    table, pk = quote(model._meta.db_table), quote(key.column)
    fields = [_field(model, name) for name in columns]
    fences = [_field(model, name) for name in expected]
    source_columns: dict[str, Any] = {"pk": key}
    source_columns |= {f.column: f for f in fields}
    source_columns |= {f"if_{f.column}": f for f in fences}
    source = _source(source_columns, connection)

    target = f"{table}." if connection.vendor == "mysql" else ""
    sets: list[str] = []
    parameters: list[Any] = []
    for f in fields:
        new = _read(f, connection)
        if f.name == "due_at" and wishes_due_at is not None:
            wish = f"{table}.{quote('wake_requested_at')} > {table}.{quote('claimed_at')}"
            new = f"CASE WHEN {wish} THEN %s ELSE {new} END"
            parameters.append(f.get_db_prep_save(wishes_due_at, connection))
        sets.append(f"{target}{quote(f.column)} = {new}")
    if raise_generation:
        generation = quote("generation")
        sets.append(f"{target}{generation} = {table}.{generation} + 1")
    joined = " AND ".join(
        [f"{table}.{pk} = r.pk"]
        + [f"{table}.{quote(f.column)} = r.{quote(f'if_{f.column}')}" for f in fences]
    )
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            # No UPDATE … RETURNING: lock and read which rows still fit, then write these.
            cursor.execute(
                f"SELECT {table}.{pk} FROM {table} JOIN {source} ON {joined} FOR UPDATE",  # noqa: S608
                [document],
            )
            fitting = {row[0] for row in cursor.fetchall()}
            if fitting:
                cursor.execute(
                    f"UPDATE {table} JOIN {source} ON {joined} SET {', '.join(sets)}",  # noqa: S608
                    [document, *parameters],
                )
            return fitting
        cursor.execute(
            f"UPDATE {table} SET {', '.join(sets)} FROM {source} "  # noqa: S608
            f"WHERE {joined} RETURNING {table}.{pk}",
            [*parameters, document],
        )
        return {row[0] for row in cursor.fetchall()}


def _upsert_chunk(
    model: type[models.Model],
    document: str,
    *,
    fields: Sequence[Any],
    unique: Sequence[Any],
    update: Sequence[str],
    add: Sequence[str],
    connection: BaseDatabaseWrapper,
) -> None:
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    columns = ", ".join(quote(f.column) for f in fields)
    values = ", ".join(_read(f, connection) for f in fields)
    source = _source({f.column: f for f in fields}, connection)
    overwrite = [quote(_field(model, name).column) for name in update]
    increase = [quote(_field(model, name).column) for name in add]
    if not unique:
        conflict = ""
    elif connection.vendor == "mysql":
        first = quote(unique[0].column)
        sets = [f"{c} = VALUES({c})" for c in overwrite] + [
            f"{c} = {table}.{c} + VALUES({c})" for c in increase
        ]
        # A key that meets itself is the form of "do nothing" that hides no other error, unlike INSERT IGNORE.
        conflict = f"ON DUPLICATE KEY UPDATE {', '.join(sets) or f'{first} = {table}.{first}'}"
    else:
        sets = [f"{c} = EXCLUDED.{c}" for c in overwrite] + [
            f"{c} = {table}.{c} + EXCLUDED.{c}" for c in increase
        ]
        keys = ", ".join(quote(f.column) for f in unique)
        conflict = f"ON CONFLICT ({keys}) DO " + (
            f"UPDATE SET {', '.join(sets)}" if sets else "NOTHING"
        )
    with connection.cursor() as cursor:
        # "WHERE true" keeps SQLite from reading ON CONFLICT as the join's ON.
        cursor.execute(
            f"INSERT INTO {table} ({columns}) "  # noqa: S608
            f"SELECT {values} FROM {source} WHERE true {conflict}",
            [document],
        )
