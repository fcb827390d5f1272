"""The state of everything in numbers, for ``goffline_status`` and for monitoring."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, QuerySet

from ..flows.rates import calls_per_minute
from ..models import (
    Calendar,
    Event,
    Grant,
    Heartbeat,
    OAuthClient,
    PendingRevocation,
    ScheduledPull,
)

#: Grants that are listed one by one: those in trouble first.
LISTED = 20


def state(*, now: datetime, using: str) -> dict[str, Any]:
    """Everything, as plain values: instants in ISO 8601, durations in seconds."""
    return {
        "at": now.isoformat(),
        "tick_seen_at": _instant(_last_tick(using)),
        "due": _due(now, using),
        "clients": _clients(now, using),
        "calendars": Calendar.objects.using(using).live().count(),
        "events": Event.objects.using(using).live().count(),
        "grants": _grants(using),
    }


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _last_tick(using: str) -> datetime | None:
    ticks = Heartbeat.objects.using(using).filter(kind=Heartbeat.TICK)
    last: datetime | None = ticks.aggregate(last=Max("last_seen_at"))["last"]
    return last


def _due(now: datetime, using: str) -> dict[str, Any]:
    kinds: dict[str, QuerySet[Any]] = {
        "refresh": Grant.objects.using(using).active().due(now),
        "pull": ScheduledPull.objects.using(using).due(now),
        "revoke": PendingRevocation.objects.using(using).filter(due_at__lte=now),
    }
    found: dict[str, Any] = {}
    for kind, rows in kinds.items():
        numbers = rows.aggregate(number=Count("pk"), oldest=Min("due_at"))
        oldest = numbers["oldest"]
        late = (now - oldest).total_seconds() if oldest else 0.0
        found[kind] = {"number": numbers["number"], "late_seconds": round(late)}
    return found


def _clients(now: datetime, using: str) -> list[dict[str, Any]]:
    rates = calls_per_minute(using=using)
    states: dict[int, dict[str, int]] = {}
    counted = Grant.objects.using(using).order_by().values_list("client_id", "state")
    for client_id, name, number in counted.annotate(number=Count("pk")):
        states.setdefault(client_id, {})[name] = number
    failing = dict(
        Grant.objects.using(using)
        .active()
        .filter(failure_streak__gt=0)
        .order_by()
        .values_list("client_id")
        .annotate(number=Count("pk"))
    )
    return [
        {
            "name": client.name,
            "client_id": client.client_id,
            "usable": client.is_usable(now),
            "paused_reason": client.paused_reason,
            "grants": states.get(client.pk, {}),
            "failing": failing.get(client.pk, 0),
            "calls_per_minute": round(rates.get(client.pk, 0.0), 1),
            "quota_per_minute": client.quota_per_minute,
        }
        for client in OAuthClient.objects.using(using)
    ]


def _grants(using: str) -> list[dict[str, Any]]:
    rows = (
        Grant.objects.using(using)
        .exclude(state=Grant.State.REVOKED)
        .select_related("client")
        .defer("refresh_token", "access_token")
        # "active" comes first in the alphabet of states, and is the one without trouble.
        .order_by("-state", "-failure_streak", "-pk")[:LISTED]
    )
    return [
        {
            "pk": grant.pk,
            "account": str(grant),
            "client": grant.client.name,
            "state": grant.state,
            "reason": grant.reason,
            "diagnosis": grant.diagnosis,
            "failures": grant.failure_streak,
            "missing_scopes": list(grant.missing_scopes),
            "refreshed_at": _instant(grant.refreshed_at),
        }
        for grant in rows
    ]
