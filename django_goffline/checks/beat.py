"""W002: without the tick nothing is refreshed and nothing is pulled.

The tick may stand in Celery's configuration (which django-celery-beat copies into its tables when beat starts) or only
in the tables of django-celery-beat, where people add it by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from celery import current_app
from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Tags, register
from django.db import DatabaseError, router, transaction

from .settings import warning

TICK = "goffline.tick"


@register()
def tick_is_scheduled(**kwargs: Any) -> list[CheckMessage]:
    """W002 of the configuration; with django-celery-beat the tables have the last word."""
    if _is_configured() or apps.is_installed("django_celery_beat"):
        return []
    return [_no_tick("the beat schedule")]


@register(Tags.database)
def tick_is_in_the_tables(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """W002 of django-celery-beat's tables."""
    if not apps.is_installed("django_celery_beat") or _is_configured():
        return []
    task = apps.get_app_config("django_celery_beat").get_model("PeriodicTask")
    using = router.db_for_read(task)
    if using not in (databases or ()):
        return []
    try:
        with transaction.atomic(using=using):
            found = task._default_manager.using(using).filter(task=TICK, enabled=True).exists()
    except DatabaseError:
        # Not migrated yet.
        return []
    return [] if found else [_no_tick("the beat schedule and among the enabled periodic tasks")]


def _is_configured() -> bool:
    # A site whose __init__ doesn't import its Celery app has an unconfigured one here: look at Django's settings too.
    schedules = [current_app.conf.beat_schedule] + [
        getattr(django_settings, name)
        for name in dir(django_settings)
        if name.endswith("BEAT_SCHEDULE")
    ]
    entries = [
        entry
        for schedule in schedules
        if isinstance(schedule, Mapping)
        for entry in schedule.values()
    ]
    return any(isinstance(entry, Mapping) and entry.get("task") == TICK for entry in entries)


def _no_tick(where: str) -> CheckMessage:
    return warning(
        "W002",
        f"There is no {TICK} in {where}: nothing would be refreshed or pulled.",
        "Add CELERY_BEAT_SCHEDULE = {**beat_schedule()}, from django_goffline.schedules, and run a beat.",
    )
