"""Scopes: names, aliases, what implies what.

Google answers with canonical URIs in any order, and may add ``openid`` uninvited; everything here compares normalised
sets. One scope implies another if every method that the other opens, the one opens too. Sources: Google's "Choose
Google Calendar API scopes", and the scopes that the Calendar v3 discovery document lists for each method.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_PREFIX = "https://www.googleapis.com/auth/"

OPENID = "openid"
EMAIL = f"{_PREFIX}userinfo.email"
PROFILE = f"{_PREFIX}userinfo.profile"
CALENDAR = f"{_PREFIX}calendar"
CALENDAR_READONLY = f"{_PREFIX}calendar.readonly"
CALENDAR_EVENTS = f"{_PREFIX}calendar.events"
CALENDAR_EVENTS_READONLY = f"{_PREFIX}calendar.events.readonly"
CALENDAR_LIST = f"{_PREFIX}calendar.calendarlist"
CALENDAR_LIST_READONLY = f"{_PREFIX}calendar.calendarlist.readonly"

_ALIASES = {"email": EMAIL, "profile": PROFILE}

_CALENDAR_PARTS = (
    "calendar.events",
    "calendar.events.owned",
    "calendar.calendarlist",
    "calendar.calendars",
    "calendar.acls",
    "calendar.settings",
)

#: Scopes whose spelling we can vouch for.
KNOWN_SCOPES: frozenset[str] = frozenset(
    {OPENID, EMAIL, PROFILE, CALENDAR, CALENDAR_READONLY}
    | {f"{_PREFIX}{part}" for part in _CALENDAR_PARTS}
    | {f"{_PREFIX}{part}.readonly" for part in _CALENDAR_PARTS}
    | {
        f"{_PREFIX}{part}"
        for part in (
            "calendar.events.freebusy",
            "calendar.events.public.readonly",
            "calendar.freebusy",
            "calendar.app.created",
        )
    }
)

# What ``calendar.readonly`` can do, in narrower scopes: all reading except of sharing (acls).
_READING = frozenset(
    f"{_PREFIX}{part}"
    for part in (
        "calendar.events.readonly",
        "calendar.events.owned.readonly",
        "calendar.events.public.readonly",
        "calendar.events.freebusy",
        "calendar.freebusy",
        "calendar.calendarlist.readonly",
        "calendar.calendars.readonly",
        "calendar.settings.readonly",
    )
)

_IMPLIES: dict[str, frozenset[str]] = {
    CALENDAR: frozenset(scope for scope in KNOWN_SCOPES if scope.startswith(CALENDAR)),
    CALENDAR_READONLY: _READING,
    # Not freebusy: calendar.events does not open freebusy.query.
    CALENDAR_EVENTS: frozenset(
        f"{_PREFIX}{part}"
        for part in (
            "calendar.events.readonly",
            "calendar.events.owned",
            "calendar.events.owned.readonly",
        )
    ),
    CALENDAR_EVENTS_READONLY: frozenset({f"{_PREFIX}calendar.events.owned.readonly"}),
    f"{_PREFIX}calendar.events.freebusy": frozenset({f"{_PREFIX}calendar.freebusy"}),
}
for _part in _CALENDAR_PARTS:
    _full, _reading = f"{_PREFIX}{_part}", f"{_PREFIX}{_part}.readonly"
    _IMPLIES[_full] = _IMPLIES.get(_full, frozenset()) | {_reading}

_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_GOOGLE_URL = re.compile(r"https://(?:[a-z0-9-]+\.)+(?:google|googleapis)\.com/[A-Za-z0-9._~/-]*")

# Likeness (difflib's ratio) from which an unlisted name counts as a misspelling of a listed one.
_NEAR = 0.87
_SUGGEST = 0.6


def normalise_scopes(scopes: str | Iterable[str]) -> tuple[str, ...]:
    """Canonical, distinct, sorted. Takes a space-separated string or any iterable of such strings."""
    words = (
        scopes.split()
        if isinstance(scopes, str)
        else [word for scope in scopes for word in scope.split()]
    )
    return tuple(sorted({_ALIASES.get(word, word) for word in words}))


def implied(granted: str | Iterable[str]) -> frozenset[str]:
    """The granted scopes and all that they include (``calendar`` ⊇ ``calendar.readonly`` ⊇ …)."""
    have = normalise_scopes(granted)
    return frozenset(have).union(*(_IMPLIES.get(scope, frozenset()) for scope in have))


def missing(wanted: str | Iterable[str], granted: str | Iterable[str]) -> tuple[str, ...]:
    """Wanted scopes that the granted ones do not include, sorted."""
    have = implied(granted)
    return tuple(scope for scope in normalise_scopes(wanted) if scope not in have)


def unknown_scopes(scopes: str | Iterable[str]) -> dict[str, str | None]:
    """Scopes that must be a mistake, each with the known scope that was probably meant.

    Google has many more scopes than we list: another well-formed one of Google's passes, unless it is a near miss of
    one that we know.
    """
    return {
        scope: _nearest(scope, likeness=_SUGGEST)
        for scope in normalise_scopes(scopes)
        if scope not in KNOWN_SCOPES and not _is_plausible(scope)
    }


def _is_plausible(scope: str) -> bool:
    if not scope.startswith(_PREFIX):
        return bool(_GOOGLE_URL.fullmatch(scope))
    return bool(_NAME.fullmatch(scope.removeprefix(_PREFIX))) and not _nearest(
        scope, likeness=_NEAR
    )


def _nearest(scope: str, *, likeness: float) -> str | None:
    # Names are compared without the prefix, whose forty equal characters would make everything alike.
    name = scope.rsplit("/", 1)[-1].lower()
    names = {known.removeprefix(_PREFIX): known for known in KNOWN_SCOPES} | _ALIASES
    near = difflib.get_close_matches(name, sorted(names), n=1, cutoff=likeness)
    return names[near[0]] if near else None
