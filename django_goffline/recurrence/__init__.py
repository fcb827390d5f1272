"""Masters and exceptions → occurrences inside a window. Pure, and bounded whatever an event says.

Rules: RFC 5545 §3.8.5 (recurrence set) and §3.3.5 (a local time in a gap takes the offset before it, in an overlap
the first one); Calendar API, "Recurring events" (exceptions stand in for the instance of their original start).
Anyone can invite anyone, so ``expand`` stops at a number of rows and after a time, and says so.
"""

from .expansion import Expansion, Instance, Item, Limits, Window, expand
from .lines import RecurrenceError
from .zones import series_zone, zone_named

__all__ = [
    "Expansion",
    "Instance",
    "Item",
    "Limits",
    "RecurrenceError",
    "Window",
    "expand",
    "series_zone",
    "zone_named",
]
