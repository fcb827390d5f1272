"""Sizes, names, clocks, docstrings."""

from __future__ import annotations

import ast

import pytest

from .floors import FLOORS, room
from .imports import PACKAGE, ROOT, modules

LONGEST = 400
TREES = (PACKAGE, "tests", "example_project")
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc"}
VAGUE = ("Manager", "Helper", "Service", "Handler")
#: Rooms that get ``now`` from their caller.
CLOCKLESS = {"protocol", "lifecycle", "recurrence", "models", "flows"}
CLOCKS = {"now", "utcnow", "today", "time", "localdate", "localtime"}


@pytest.mark.parametrize("tree", TREES)
def test_no_file_is_longer_than_the_plan_allows(tree):
    files = [p for p in (ROOT / tree).rglob("*.py") if not {"migrations", "var"} & set(p.parts)]
    sizes = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert files
    assert {path: size for path, size in sizes.items() if size > LONGEST} == {}


def test_no_drawers():
    assert {name for name in modules() if name.rpartition(".")[2] in DRAWERS} == set()


def test_no_vague_classes():
    classes = [
        f"{module.name}.{node.name}"
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith(VAGUE)
    ]
    assert classes == []


def test_no_clock_is_read_below_the_edges():
    reads = []
    for module in modules().values():
        if room(module.name) not in CLOCKLESS:
            continue
        for node in ast.walk(module.tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in CLOCKS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in {"datetime", "date", "timezone", "time", "dt"}
            ):
                reads.append(f"{module.name}:{node.lineno}")
    assert reads == []


def test_what_is_public_says_what_it_is_for():
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    silent = []
    for module in modules().values():
        if module.source.strip() and not ast.get_docstring(module.tree):
            silent.append(module.name)
        silent += [
            f"{module.name}.{node.name}"
            for node in module.tree.body
            if isinstance(node, kinds) and not node.name.startswith("_")
            if not ast.get_docstring(node)
        ]
    assert silent == []


def test_every_floor_of_the_plan_is_built():
    built = {room(module) for module in modules()}
    assert FLOORS.keys() - built == set()
