"""Beat entries as data, for the default scheduler and for django-celery-beat alike::

    CELERY_BEAT_SCHEDULE = {**beat_schedule(), ...}

A settings module may import this one: it needs no app registry, and reads the settings that are there by then.
"""

from __future__ import annotations

from typing import Any, TypedDict

PRUNE_EVERY = 6 * 3600.0
DEFAULT_TICK_EVERY = 30.0


class BeatEntry(TypedDict):
    """One entry of Celery's ``beat_schedule``."""

    task: str
    schedule: float
    options: dict[str, Any]


def beat_schedule(
    *, tick_every: float = DEFAULT_TICK_EVERY, queue: str = ""
) -> dict[str, BeatEntry]:
    """The entries that keep grants and mirrors alive.

    ``tick_every`` (seconds) and ``queue`` are ``GOFFLINE["TICK_EVERY"]`` and ``["QUEUE"]``: pass them if yours differ
    from the defaults, since a settings module cannot be read while it is being made.
    """
    routing = {"queue": queue} if queue else {}
    return {
        "goffline.tick": {
            "task": "goffline.tick",
            "schedule": tick_every,
            "options": {"expires": tick_every, **routing},
        },
        "goffline.prune": {
            "task": "goffline.prune",
            "schedule": PRUNE_EVERY,
            "options": {"expires": PRUNE_EVERY, **routing},
        },
    }
