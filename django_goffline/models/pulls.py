"""Scheduled pulls: one list at Google for one grant, with its cursor, checkpoint, schedule and last outcome;
and what a running full run has seen.
"""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..fields import IdentifierField
from .clients import OAuthClient
from .grants import Grant
from .leases import Leased, LeasedQuerySet


class ScheduledPullQuerySet(LeasedQuerySet["ScheduledPull"]):
    """Pulls in business words."""

    def wakeable(self) -> ScheduledPullQuerySet:
        """Pulls that a person's wish may wake. Parked ones rest until reconciliation finds them wanted again."""
        return self.filter(
            due_at__isnull=False, paused_at__isnull=True, grant__state=Grant.State.ACTIVE
        )

    def request_full(self, now: datetime) -> int:
        """A person's wish: read the whole list again. Nothing is deleted for it."""
        self.update(full_requested_at=now)
        return self.wake(now)

    def pause(self, now: datetime) -> int:
        """Stop pulling these lists; a run under way ends at its next page."""
        return self.filter(paused_at__isnull=True).update(
            paused_at=now, due_at=None, generation=models.F("generation") + 1
        )

    def resume(self, now: datetime) -> int:
        """Pull these lists again, due now."""
        return self.filter(paused_at__isnull=False).update(paused_at=None, due_at=now)


class ScheduledPull(Leased):
    """One list that is pulled: its key at Google, how far we are, when next.

    A *run* is one pass: full (no cursor) or incremental (from the cursor). A run in progress has a ``phase`` and a
    checkpoint, written with each page; ``cursor`` changes only when a run is through.
    """

    class Phase(models.TextChoices):
        IDLE = "", _("idle")
        FULL = "full", _("full run")
        CATCH_UP = "catch_up", _("full run, catching up")
        SWEEP = "sweep", _("full run, sweeping")
        INCREMENTAL = "incremental", _("incremental run")

    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE, related_name="+")
    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="pulls")
    resource = models.CharField(_("resource"), max_length=100)
    key = IdentifierField(_("key"), max_length=1024, blank=True, default="")
    interval = models.PositiveIntegerField(
        _("interval"), null=True, blank=True, help_text=_("Seconds; empty: GOFFLINE['PULL_EVERY'].")
    )
    paused_at = models.DateTimeField(_("paused since"), null=True, blank=True, editable=False)

    cursor = models.TextField(blank=True, default="", editable=False)
    fingerprint = models.CharField(max_length=64, blank=True, default="", editable=False)
    run = models.PositiveBigIntegerField(_("run"), default=0, editable=False)
    phase = models.CharField(
        _("phase"), max_length=16, choices=Phase.choices, blank=True, default="", editable=False
    )
    page_token = models.TextField(blank=True, default="", editable=False)
    next_cursor = models.TextField(
        blank=True,
        default="",
        editable=False,
        help_text="A full run's new cursor, kept until its sweep is through.",
    )
    run_started_at = models.DateTimeField(null=True, blank=True, editable=False)
    run_rows = models.PositiveIntegerField(default=0, editable=False)
    run_changes = models.PositiveIntegerField(default=0, editable=False)
    restarts = models.PositiveSmallIntegerField(default=0, editable=False)
    # Fresh sync tokens that died one after the other: some generated calendars refuse them all.
    cursor_deaths = models.PositiveSmallIntegerField(default=0, editable=False)

    full_requested_at = models.DateTimeField(null=True, blank=True, editable=False)
    sweep_held_at = models.DateTimeField(
        _("sweep held since"), null=True, blank=True, editable=False
    )
    sweep_approved_at = models.DateTimeField(null=True, blank=True, editable=False)

    last_full_at = models.DateTimeField(_("last full run"), null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField(_("fresh as of"), null=True, blank=True, editable=False)
    last_attempt_at = models.DateTimeField(_("last attempt"), null=True, blank=True, editable=False)
    last_outcome = models.CharField(
        _("last outcome"), max_length=64, blank=True, default="", editable=False
    )
    last_rows = models.PositiveIntegerField(_("rows"), default=0, editable=False)
    last_changes = models.PositiveIntegerField(_("changes"), default=0, editable=False)
    failure_streak = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)

    objects = ScheduledPullQuerySet.as_manager()

    class Meta:
        verbose_name = _("scheduled pull")
        verbose_name_plural = _("scheduled pulls")
        constraints = [
            models.UniqueConstraint(
                fields=["grant", "resource", "key"], name="goffline_pull_grant_resource_key"
            )
        ]
        indexes = [models.Index(fields=["client", "due_at"], name="goffline_pull_due")]
        permissions = [("pull_now", _("Can pull now")), ("pull_full", _("Can ask for a full pull"))]

    def __str__(self) -> str:
        return f"{self.resource} {self.key}".strip()


class SeenItem(models.Model):
    """A Google id that a running full run over rows has met; emptied by its sweep."""

    pull = models.ForeignKey(ScheduledPull, on_delete=models.CASCADE, related_name="+")
    run = models.PositiveBigIntegerField()
    google_id = IdentifierField(max_length=1024)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pull", "run", "google_id"], name="goffline_seen_pull_run_google_id"
            )
        ]

    def __str__(self) -> str:
        return str(self.google_id)
