"""In which zone a series repeats its wall clock time."""

from __future__ import annotations

from datetime import UTC, datetime, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo | None:
    """The IANA zone of that name; None if our time zone data does not know it."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


def series_zone(name: str, *, calendar_zone: str, sent: object = None) -> tzinfo:
    """The zone of a series whose start names ``name``.

    No name means the calendar's zone. A name unknown to our data leaves the offset that ``sent`` (the start's
    ``dateTime`` as received) carries; what cannot be had from there either is UTC.
    """
    known = zone_named(name)
    if known is not None:
        return known
    if name and isinstance(sent, str):
        try:
            offset = datetime.fromisoformat(sent).utcoffset()
        except ValueError:
            offset = None
        if offset is not None:
            return timezone(offset)
    return zone_named(calendar_zone) or UTC
