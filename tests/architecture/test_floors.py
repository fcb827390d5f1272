"""Imports run downward, never in a circle, never hidden without a reason."""

from __future__ import annotations

import re
import sys
from collections import defaultdict

from .floors import (
    CALENDAR_ROOMS,
    EXCEPTIONS,
    FLOORS,
    NEIGHBOURS,
    TOKEN_ROOMS,
    is_in,
    room,
)
from .imports import PACKAGE, comments, cycles, graph, home, imports, is_ours, modules

FAKE = f"{PACKAGE}.testing.fake_google"
#: The only users of requests on the ground floor: sending, and reading bodies against a deadline.
TRANSPORT = {f"{PACKAGE}.protocol.transport", f"{PACKAGE}.protocol.bodies"}


def test_every_module_has_a_floor():
    unknown = {name for name in modules() if name != PACKAGE and room(name) not in FLOORS}
    assert unknown == set()


def test_imports_run_downward():
    wrong = []
    for found in imports():
        here, there = room(found.module), room(found.target)
        if not is_ours(found.target) or here == there or not here or not there:
            continue
        if (found.module, f"{PACKAGE}.{there}") in EXCEPTIONS or (here, there) in NEIGHBOURS:
            continue
        if not FLOORS[there] < FLOORS[here]:
            wrong.append(f"{found.module}:{found.line} imports {found.target}")
    assert wrong == []


def test_nobody_above_imports_the_testing_package():
    wrong = [
        f"{found.module}:{found.line}"
        for found in imports()
        if room(found.target) == "testing" and is_ours(found.target)
        if room(found.module) != "testing"
        if (found.module, f"{PACKAGE}.testing") not in EXCEPTIONS
    ]
    assert wrong == []


def test_no_cycles():
    assert cycles(graph()) == []


def test_the_cycle_finder_finds_cycles():
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": {"e"}}
    assert cycles(edges) == [["a", "b", "c"], ["e"]]


def test_hidden_imports_have_a_written_reason():
    unexplained = []
    for found in imports():
        if found.hidden:
            comment = comments(modules()[found.module]).get(found.line, "")
            reason = re.sub(r"#\s*(noqa|type):?\s*[A-Z0-9, ]*", "", comment)
            if len(re.findall(r"[a-z]{2,}", reason)) < 3:
                unexplained.append(f"{found.module}:{found.line} {found.target}")
    assert unexplained == []


def test_tokens_know_nothing_of_calendars():
    """Not directly, and not through others: names are followed to the modules that define them."""
    edges = defaultdict(set)
    for found in imports():
        if is_ours(found.target):
            edges[found.module].add(home(found.target, found.name))
    wrong = []
    for start in filter(lambda name: is_in(name, TOKEN_ROOMS), modules()):
        reached, waiting = set(), [start]
        while waiting:
            here = waiting.pop()
            # What a package collects for others to import is not what the importer of one name uses.
            if here in reached or (here != start and modules()[here].is_package):
                continue
            reached.add(here)
            waiting += edges[here]
        wrong += [(start, name) for name in sorted(reached) if is_in(name, CALENDAR_ROOMS)]
    assert wrong == []


def test_the_fake_imports_nothing_of_ours_nor_of_django():
    allowed = sys.stdlib_module_names | {"cryptography"}
    wrong = [
        f"{found.module}:{found.line} {found.target}"
        for found in imports()
        if found.module.startswith(FAKE) and not found.target.startswith(FAKE)
        if found.target.partition(".")[0] not in allowed
    ]
    assert wrong == []


def test_the_ground_floor_is_pure():
    allowed = sys.stdlib_module_names | {"dateutil", "cryptography", PACKAGE}
    wrong = []
    for found in imports():
        top = found.target.partition(".")[0]
        if FLOORS.get(room(found.module)) != 0 or top in allowed:
            continue
        if top in {"requests", "urllib3"} and found.module in TRANSPORT:
            continue
        wrong.append(f"{found.module}:{found.line} {found.target}")
    assert wrong == []


def test_rows_know_no_network_and_no_tasks():
    wrong = [
        f"{found.module}:{found.line} {found.target}"
        for found in imports()
        if FLOORS.get(room(found.module)) == 2
        if found.target.partition(".")[0] in {"requests", "celery", "urllib3", "socket"}
    ]
    assert wrong == []
