"""Partial responses: the ``fields`` parameter.

``a,b`` selects several, ``a/b`` goes into a, ``a(b,c)`` selects in a, ``*`` is everything at its place.
Lists are looked through. Source: Google, "Performance tips", partial response syntax.
"""

from __future__ import annotations

import re
from typing import Any

from .wire import ApiError, Json

# A selected name and what of it is wanted; an empty tree means all of it.
Tree = dict[str, Any]

_TOKEN = re.compile(r"\s*([A-Za-z0-9_.\-@$:]+|\*|[,/()])\s*")


def selected(document: Json, fields: str) -> Json:
    """The wanted part of a document. Raises ``ApiError`` (400) for text that is no selection."""
    tokens = _tokens(fields)
    tree = _list(tokens, fields)
    if tokens:
        raise _invalid(fields)
    picked = _pick(document, tree)
    assert isinstance(picked, dict)
    return picked


def _tokens(fields: str) -> list[str]:
    tokens, position = [], 0
    while position < len(fields):
        match = _TOKEN.match(fields, position)
        if match is None:
            raise _invalid(fields)
        tokens.append(match.group(1))
        position = match.end()
    return tokens


def _list(tokens: list[str], fields: str) -> Tree:
    tree: Tree = {}
    while True:
        _item(tokens, fields, tree)
        if not tokens or tokens[0] != ",":
            return tree
        tokens.pop(0)


def _item(tokens: list[str], fields: str, tree: Tree) -> None:
    if not tokens or tokens[0] in ",/()":
        raise _invalid(fields)
    name = tokens.pop(0)
    inner: Tree = {}
    if tokens and tokens[0] == "/":
        tokens.pop(0)
        _item(tokens, fields, inner)
    elif tokens and tokens[0] == "(":
        tokens.pop(0)
        inner = _list(tokens, fields)
        if not tokens or tokens.pop(0) != ")":
            raise _invalid(fields)
    if name in tree and (not tree[name] or not inner):
        tree[name] = {}
    else:
        tree.setdefault(name, {}).update(inner)


def _pick(value: Any, tree: Tree) -> Any:
    if not tree or tree.get("*") == {}:
        return value
    if isinstance(value, list):
        return [_pick(item, tree) for item in value]
    if not isinstance(value, dict):
        return value
    if "*" in tree:
        return {name: _pick(inner, tree["*"]) for name, inner in value.items()}
    return {name: _pick(inner, tree[name]) for name, inner in value.items() if name in tree}


def _invalid(fields: str) -> ApiError:
    return ApiError(400, "invalidParameter", f"Invalid field selection {fields}", location="fields")
