"""Scheduled pulls in the admin: how fresh each list is, and what a person can wish for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..models import Grant, ScheduledPull
from ..models.pulls import ScheduledPullQuerySet
from ..nudges import nudge
from .base import GofflineAdmin, badge, goes_with_its_owner, moment, wish_time, write_alias

STALE_AFTER = timedelta(minutes=15)


class PullTroubleFilter(admin.SimpleListFilter):
    """Pulls that somebody should look at."""

    title = _("trouble")
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Kinds of trouble."""
        return [
            ("held", _("removal waits for approval")),
            ("failing", _("fails")),
            ("late", _("due and not done")),
            ("paused", _("paused")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ScheduledPull]
    ) -> QuerySet[ScheduledPull]:
        """The pulls that have it."""
        kinds: dict[str, dict[str, Any]] = {
            "held": {"sweep_held_at__isnull": False},
            "failing": {"failure_streak__gt": 0},
            "late": {"due_at__lt": timezone.now() - STALE_AFTER},
            "paused": {"paused_at__isnull": False},
        }
        return queryset.filter(**kinds.get(self.value() or "", {}))


class ScheduledPullAdmin(GofflineAdmin):
    """Scheduled pulls."""

    list_display = (
        "list_name",
        "grant",
        "state_badge",
        "last_success_at",
        "last_outcome",
        "last_rows",
        "last_changes",
        "next_pull",
        "interval",
    )
    list_select_related = ("grant", "client")
    list_filter = (PullTroubleFilter, "resource", "client")
    search_fields = ("key", "grant__email")
    ordering = ("-pk",)
    actions = ("pull_now", "pull_full", "pause", "resume", "approve_sweep")
    fields = (
        "list_name",
        "grant",
        "client",
        "state_badge",
        "interval",
        "next_pull",
        "last_success_at",
        "last_full_at",
        "last_attempt_at",
        "last_outcome",
        "last_rows",
        "last_changes",
        "failure_streak",
        "phase",
        "run",
        "run_started_at",
        "run_rows",
        "sweep_held_at",
        "paused_at",
    )
    readonly_fields = tuple(name for name in fields if name != "interval")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Pulls follow grants and calendars by themselves."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ScheduledPull | None = None) -> bool:
        """Only along with the grant: a pull that is deleted alone would come back with the next tick."""
        return goes_with_its_owner(request, self.opts)

    def save_model(
        self,
        request: HttpRequest,
        obj: ScheduledPull,
        form: forms.ModelForm[ScheduledPull],
        change: bool,
    ) -> None:
        """A new interval counts from now: the pull is due at once."""
        super().save_model(request, obj, form, change)
        if "interval" in form.changed_data:
            using = write_alias(ScheduledPull)
            self._wakeable(ScheduledPull.objects.filter(pk=obj.pk), using).wake(wish_time(using))
            nudge("goffline.pull", using=using)

    @admin.display(description=_("list"), ordering="resource")
    def list_name(self, obj: ScheduledPull) -> str:
        """Resource and key."""
        return str(obj)

    @admin.display(description=_("state"))
    def state_badge(self, obj: ScheduledPull) -> str:
        """The state in words."""
        if obj.paused_at:
            return badge("off", _("paused"))
        if obj.grant.state != Grant.State.ACTIVE:
            return badge("off", _("parked: its grant is not active"))
        if obj.client.paused_at:
            return badge("wait", _("its client is paused"))
        if obj.sweep_held_at:
            return badge("wait", _("removal waits for approval"))
        if obj.failure_streak:
            return badge("wait", _("fails, %d times in a row") % obj.failure_streak)
        if obj.due_at is None:
            return badge("off", _("parked"))
        if obj.phase:
            return badge("good", obj.get_phase_display())
        return badge("good", _("in order"))

    @admin.display(description=_("next pull"), ordering="due_at")
    def next_pull(self, obj: ScheduledPull) -> str:
        """When it is pulled next."""
        return moment(obj.due_at)

    def has_pull_permission(self, request: HttpRequest) -> bool:
        """Whether the person may have lists pulled."""
        return self.may(request, "pull_now")

    def has_full_permission(self, request: HttpRequest) -> bool:
        """Whether the person may have whole lists read again, and removals done."""
        return self.may(request, "pull_full")

    @admin.action(description=_("Pull now"), permissions=["pull"])
    def pull_now(self, request: HttpRequest, queryset: QuerySet[ScheduledPull]) -> None:
        """Have these lists pulled at once."""
        using = write_alias(ScheduledPull)
        number = self._wakeable(queryset, using).wake(wish_time(using))
        nudge("goffline.pull", using=using)
        self.tell(request, number, _("%d lists are pulled by the next free worker."))

    @admin.action(description=_("Pull everything again (full run)"), permissions=["full"])
    def pull_full(self, request: HttpRequest, queryset: QuerySet[ScheduledPull]) -> None:
        """Have the whole lists read again; nothing is deleted for it."""
        using = write_alias(ScheduledPull)
        number = self._wakeable(queryset, using).request_full(wish_time(using))
        nudge("goffline.pull", using=using)
        self.tell(request, number, _("%d lists are read again from the start."))

    @admin.action(description=_("Pause"), permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[ScheduledPull]) -> None:
        """Stop pulling these lists."""
        using = write_alias(ScheduledPull)
        number = self._selected(queryset, using).pause(wish_time(using))
        self.tell(request, number, _("%d pulls are paused now."))

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[ScheduledPull]) -> None:
        """Pull these lists again; those of grants that are not active stay parked until they are."""
        using = write_alias(ScheduledPull)
        paused = self._selected(queryset, using).filter(paused_at__isnull=False)
        active = list(paused.filter(grant__state=Grant.State.ACTIVE).values_list("pk", flat=True))
        number = ScheduledPull.objects.using(using).filter(pk__in=active).resume(wish_time(using))
        number += paused.update(paused_at=None)
        nudge("goffline.pull", using=using)
        self.tell(request, number, _("%d pulls go on."))

    @admin.action(description=_("Approve the removal that waits"), permissions=["full"])
    def approve_sweep(self, request: HttpRequest, queryset: QuerySet[ScheduledPull]) -> None:
        """Let a full run remove what Google no longer lists, though it is an unusual share."""
        using = write_alias(ScheduledPull)
        held = self._selected(queryset, using).filter(sweep_held_at__isnull=False)
        pks = list(held.values_list("pk", flat=True))
        now = wish_time(using)
        pulls = ScheduledPull.objects.using(using).filter(pk__in=pks)
        pulls.update(sweep_approved_at=now)
        awake = pulls.filter(paused_at__isnull=True, grant__state=Grant.State.ACTIVE)
        number = awake.wake(now)
        nudge("goffline.pull", using=using)
        self.tell(request, number, _("%d lists may remove what Google no longer has."))

    def _selected(self, queryset: QuerySet[ScheduledPull], using: str) -> ScheduledPullQuerySet:
        return ScheduledPull.objects.using(using).filter(pk__in=queryset.order_by().values("pk"))

    def _wakeable(self, queryset: QuerySet[ScheduledPull], using: str) -> ScheduledPullQuerySet:
        # A parked pull stays parked: reconciliation wakes it when its grant comes back.
        return self._selected(queryset, using).filter(paused_at__isnull=True, due_at__isnull=False)
