"""What a person would want to read back: activity, hourly metrics, heartbeats. Never a secret."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from .clients import OAuthClient
from .consents import ConsentRequest
from .grants import Grant


class Activity(models.Model):
    """One line of the story of a grant or request: who asked, opened, agreed, refused; what died and why."""

    class Kind(models.TextChoices):
        CONSENT_ASKED = "consent_asked", _("consent asked")
        CONSENT_OPENED = "consent_opened", _("went on to Google")
        CONSENT_COMPLETED = "consent_completed", _("consent completed")
        CONSENT_REFUSED = "consent_refused", _("consent not completed")
        CONSENT_WITHDRAWN = "consent_withdrawn", _("consent link withdrawn")
        GRANT_APPROVED = "grant_approved", _("grant approved")
        GRANT_PAUSED = "grant_paused", _("grant paused")
        GRANT_RESUMED = "grant_resumed", _("grant resumed")
        GRANT_FAILING = "grant_failing", _("refresh failed")
        GRANT_RECOVERED = "grant_recovered", _("refreshed after failure")
        GRANT_LOST = "grant_lost", _("grant lost")
        GRANT_REVOKED = "grant_revoked", _("grant revoked")
        CLIENT_PAUSED = "client_paused", _("client paused")
        PULLED = "pulled", _("pulled with changes")
        PULL_FAILED = "pull_failed", _("pull failed")

    at = models.DateTimeField(_("at"), db_index=True)
    kind = models.CharField(_("kind"), max_length=32, choices=Kind.choices)
    client = models.ForeignKey(
        OAuthClient, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    grant = models.ForeignKey(
        Grant, null=True, blank=True, on_delete=models.SET_NULL, related_name="activity"
    )
    request = models.ForeignKey(
        ConsentRequest, null=True, blank=True, on_delete=models.SET_NULL, related_name="activity"
    )
    actor = models.CharField(_("by"), max_length=255, blank=True, default="")
    text = models.CharField(_("what happened"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activity")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


class Metric(models.Model):
    """Counts of one client, kind of work, outcome and hour."""

    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE, related_name="metrics")
    kind = models.CharField(_("kind"), max_length=64)
    outcome = models.CharField(_("outcome"), max_length=64)
    hour = models.DateTimeField(_("hour"))
    count = models.PositiveBigIntegerField(_("count"), default=0)
    calls = models.PositiveBigIntegerField(_("calls"), default=0)
    bytes = models.PositiveBigIntegerField(_("bytes"), default=0)
    rows = models.PositiveBigIntegerField(_("rows"), default=0)
    lag_seconds = models.PositiveBigIntegerField(_("lag, seconds"), default=0)

    class Meta:
        verbose_name = _("metric")
        verbose_name_plural = _("metrics")
        constraints = [
            models.UniqueConstraint(
                fields=["client", "kind", "outcome", "hour"], name="goffline_metric_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.outcome} {self.hour:%Y-%m-%d %H}"


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    """Heartbeats in business words."""

    def beat(self, *, kind: str, worker: str, now: datetime, rows: int = 0) -> None:
        """Say that ``worker`` is alive and has done ``rows`` more rows."""
        seen = self.filter(kind=kind, worker=worker).update(
            last_seen_at=now, rows_done=models.F("rows_done") + rows
        )
        if not seen:
            self.create(kind=kind, worker=worker, started_at=now, last_seen_at=now, rows_done=rows)


class Heartbeat(models.Model):
    """The tick, or a drain at work: its worker, when it started, when it was last seen, how many rows it did."""

    TICK = "tick"

    kind = models.CharField(_("kind"), max_length=32)
    worker = models.CharField(_("worker"), max_length=255)
    started_at = models.DateTimeField(_("started"))
    last_seen_at = models.DateTimeField(_("last seen"))
    rows_done = models.PositiveBigIntegerField(_("rows done"), default=0)

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "worker"], name="goffline_heartbeat_kind_worker"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.worker}"
