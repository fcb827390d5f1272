"""How many calls the scheduled pulls need, against what Google allows."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Count

from ..conf import settings
from ..models import ScheduledPull
from ..resources import get


def calls_per_minute(*, using: str) -> dict[int, float]:
    """Calls a minute that each client's scheduled pulls need at least, by the client's primary key.

    At least: a pull that finds nothing new is one call, and most find nothing new.
    """
    scheduled = (
        ScheduledPull.objects.using(using)
        .filter(due_at__isnull=False)
        .order_by()
        .values_list("client_id", "resource", "interval")
        .annotate(number=Count("pk"))
    )
    rates: dict[int, float] = defaultdict(float)
    for client_id, resource, interval, number in scheduled:
        rates[client_id] += number * 60 / float(interval or pull_interval(resource))
    return dict(rates)


def pull_interval(resource: str) -> float:
    """Seconds between pulls of a resource that has no interval of its own in its row."""
    known = get(resource)
    return settings.pull_every(resource, known.interval if known else None)
