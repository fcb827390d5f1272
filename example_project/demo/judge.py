"""Compares the mirror with Google's own state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django_goffline.models import Calendar, Event, Grant


class WrongMirrorError(AssertionError):
    """The tables don't say what Google says."""


def check_calendars(grant: Grant, state: Mapping[str, Any]) -> int:
    """Every calendar of the account is mirrored as Google has it, and no other; their number."""
    truth = {entry["id"]: entry for entry in state["calendars"]}
    mirror = {row.google_id: row.data for row in Calendar.objects.live().filter(grant=grant)}
    _compare("calendar", truth, mirror)
    return len(truth)


def check_events(grant: Grant, state: Mapping[str, Any]) -> int:
    """Every event of every calendar is mirrored as Google has it, and no other; their number."""
    for calendar_id, events in state["events"].items():
        truth = {event["id"]: event for event in events}
        rows = Event.objects.live().filter(calendar__grant=grant, calendar__google_id=calendar_id)
        _compare(f"event of {calendar_id}", truth, {row.google_id: row.data for row in rows})
    return sum(map(len, state["events"].values()))


def check_changes(grant: Grant, runs: Mapping[str, int], expected: Iterable[str]) -> int:
    """Exactly the ``expected`` events were written since ``runs`` (by calendar); their number."""
    written = sorted(
        google_id
        for calendar_id, run in runs.items()
        for google_id in Event.objects.filter(
            calendar__grant=grant, calendar__google_id=calendar_id, run__gt=run
        ).values_list("google_id", flat=True)
    )
    if written != sorted(expected):
        raise WrongMirrorError(f"changed at Google: {sorted(expected)}; written: {written}")
    return len(written)


def _compare(what: str, truth: Mapping[str, Any], mirror: Mapping[str, Any]) -> None:
    missing, surplus = sorted(truth.keys() - mirror.keys()), sorted(mirror.keys() - truth.keys())
    if missing or surplus:
        raise WrongMirrorError(f"{what}: missing {missing[:5]}, surplus {surplus[:5]}")
    for key, entry in truth.items():
        if mirror[key] != entry:
            raise WrongMirrorError(
                f"{what} {key}: Google has {entry}, the mirror has {mirror[key]}"
            )
