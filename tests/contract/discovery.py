"""Validates answers against the discovery document that google-api-python-client ships.

A property that the schema does not name, or a value of another type, is a mistake of the fake.
Required properties are not a matter of discovery schemas (all are optional when reading).
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from googleapiclient import discovery_cache

TYPES = {"string": str, "boolean": bool, "object": dict, "array": list}
FORMATS = {
    "date": date.fromisoformat,
    "date-time": datetime.fromisoformat,
    "int32": int,
    "int64": int,
}
# JSON Schema's date-time is RFC 3339: the offset is mandatory.
OFFSET = re.compile(r"(Z|[+-]\d\d:\d\d)$")


@cache
def document() -> dict[str, Any]:
    """Calendar v3, as shipped."""
    folder = Path(discovery_cache.__file__).parent / "documents"
    loaded: dict[str, Any] = json.loads((folder / "calendar.v3.json").read_text())
    return loaded


def problems(schema_name: str, value: Any) -> list[str]:
    """What is wrong with an answer, one line each; an empty list is a valid answer."""
    return list(_problems({"$ref": schema_name}, value, schema_name))


def response_schema(method_id: str) -> str | None:
    """The schema of a method's answer (`calendar.events.list`); None for an empty answer."""
    _, resource, method = method_id.split(".")
    methods = document()["resources"][resource]["methods"]
    reference: str | None = methods[method].get("response", {}).get("$ref")
    return reference


def _problems(schema: dict[str, Any], value: Any, where: str) -> Any:
    if "$ref" in schema:
        schema = document()["schemas"][schema["$ref"]]
    kind = schema.get("type", "any")
    if kind in ("integer", "number"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{where}: {value!r} is no {kind}"
        return
    if kind == "any":
        return
    if not isinstance(value, TYPES[kind]):
        yield f"{where}: {value!r} is no {kind}"
        return
    if kind == "string" and "format" in schema:
        try:
            FORMATS.get(schema["format"], str)(value)
        except ValueError:
            yield f"{where}: {value!r} is no {schema['format']}"
        if schema["format"] == "date-time" and not OFFSET.search(value):
            yield f"{where}: {value!r} has no offset"
    if kind == "array":
        for index, item in enumerate(value):
            yield from _problems(schema["items"], item, f"{where}[{index}]")
    if kind == "object":
        known = schema.get("properties", {})
        for name, item in value.items():
            inner = known.get(name, schema.get("additionalProperties"))
            if inner is None:
                yield f"{where}: unknown property {name!r}"
            else:
                yield from _problems(inner, item, f"{where}.{name}")
