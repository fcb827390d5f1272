"""Records in the admin: activity, hourly counts, heartbeats, tokens on their way to be revoked. To read."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..conf import settings
from ..models import Heartbeat, Metric, PendingRevocation
from .base import ReadOnlyAdmin, badge


class ActivityAdmin(ReadOnlyAdmin):
    """What happened, newest first."""

    list_display = ("at", "kind", "text", "grant", "client", "actor")
    list_select_related = ("grant", "client")
    list_filter = ("kind", "client", "at")
    search_fields = ("text", "actor", "grant__email")
    fields = ("at", "kind", "text", "grant", "client", "request", "actor")


class MetricAdmin(ReadOnlyAdmin):
    """Counts an hour."""

    list_display = ("hour", "client", "kind", "outcome", "count", "calls", "rows", "bytes", "lag")
    list_select_related = ("client",)
    list_filter = ("kind", "outcome", "client")
    ordering = ("-hour", "kind", "outcome")
    fields = ("hour", "client", "kind", "outcome", "count", "calls", "rows", "bytes", "lag")

    @admin.display(description=_("mean lag, seconds"))
    def lag(self, obj: Metric) -> int:
        """How late each was begun, on average."""
        return obj.lag_seconds // obj.count if obj.count else 0


class HeartbeatAdmin(ReadOnlyAdmin):
    """The tick, and drains at work."""

    list_display = ("kind", "worker", "alive", "started_at", "last_seen_at", "rows_done")
    list_filter = ("kind",)
    ordering = ("-last_seen_at",)
    fields = ("kind", "worker", "alive", "started_at", "last_seen_at", "rows_done")

    @admin.display(description=_("alive"))
    def alive(self, obj: Heartbeat) -> str:
        """Whether it was seen within the last three ticks."""
        seen = timezone.now() - obj.last_seen_at
        if seen <= timedelta(seconds=3 * max(settings.TICK_EVERY, settings.DRAIN_SECONDS)):
            return badge("good", _("alive"))
        # A drain ends when its work is done; the tick never should.
        return badge("bad" if obj.kind == Heartbeat.TICK else "off", _("not seen lately"))


class PendingRevocationAdmin(ReadOnlyAdmin):
    """Tokens that Google has not yet been told about; the token itself is not shown."""

    list_display = ("sub", "client_name", "created_at", "due_at", "attempts", "error_kind")
    search_fields = ("sub", "client_name")
    ordering = ("due_at",)
    fields = ("sub", "client_name", "project", "created_at", "due_at", "attempts", "error_kind")

    def has_delete_permission(
        self, request: HttpRequest, obj: PendingRevocation | None = None
    ) -> bool:
        """Never: a token that is forgotten can no longer be revoked."""
        return False
