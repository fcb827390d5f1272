"""Grants in the admin: how each is. What a person can wish for them is in ``grant_actions``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from ..models import Calendar, Event, Grant
from .base import badge, moment, short_scopes, user_search
from .fields import ScopesField
from .grant_actions import LISTED, GrantActions

STALE_AFTER = timedelta(minutes=15)


class GrantForm(forms.ModelForm):  # type: ignore[type-arg]
    """What this site wants of a grant; all else is what Google said."""

    wanted_scopes = ScopesField(
        label=_("Wanted scopes"),
        help_text=_("Missing ones are asked for by the next repairing consent link."),
    )

    class Meta:
        model = Grant
        fields = ("wanted_scopes",)


class TroubleFilter(admin.SimpleListFilter):
    """Grants that somebody should look at."""

    title = _("trouble")
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Kinds of trouble."""
        return [
            ("approval", _("waits for approval")),
            ("consent", _("needs consent")),
            ("failing", _("fails")),
            ("late", _("due and not done")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Grant]) -> QuerySet[Grant]:
        """The grants that have it."""
        late = timezone.now() - STALE_AFTER
        kinds: dict[str, dict[str, Any]] = {
            "approval": {"state": Grant.State.PAUSED, "reason": Grant.AWAITING_APPROVAL},
            "consent": {"state": Grant.State.NEEDS_CONSENT},
            "failing": {"state": Grant.State.ACTIVE, "failure_streak__gt": 0},
            "late": {"due_at__lt": late},
        }
        return queryset.filter(**kinds.get(self.value() or "", {}))


class GrantAdmin(GrantActions):
    """Grants."""

    form = GrantForm
    list_display = (
        "account",
        "state_badge",
        "short_diagnosis",
        "user",
        "client",
        "missing",
        "freshness",
        "next_work",
    )
    list_display_links = ("account",)
    list_select_related = ("client", "user")
    list_filter = (TroubleFilter, "state", "client")
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("email", "user", "client", "sub", "hosted_domain")}),
        (_("State"), {"fields": ("state_badge", "diagnosis", "error_kind", "failure_streak")}),
        (_("Scopes"), {"fields": ("wanted_scopes", "granted", "missing")}),
        (
            _("Times"),
            {
                "fields": (
                    "authorized_at",
                    "refreshed_at",
                    "used_at",
                    "freshness",
                    "refresh_expires_at",
                    "held_until",
                    "next_work",
                )
            },
        ),
    )
    readonly_fields = (
        "email",
        "user",
        "client",
        "sub",
        "hosted_domain",
        "state_badge",
        "diagnosis",
        "error_kind",
        "failure_streak",
        "granted",
        "missing",
        "authorized_at",
        "refreshed_at",
        "used_at",
        "freshness",
        "refresh_expires_at",
        "held_until",
        "next_work",
    )

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """By account, and by whatever the user model calls a user name."""
        return ("email", "sub", user_search("user"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Grant]:
        """Grants without the columns that no page needs."""
        return super().get_queryset(request).defer("refresh_token")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only a consent makes a grant."""
        return False

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[Any, int], set[Any], list[str]]:
        """What a deletion takes along, counted in the database: a grant may have a hundred thousand events."""
        grants = [grant.pk for grant in objs]
        counts = {
            Grant._meta.verbose_name_plural: len(grants),
            Calendar._meta.verbose_name_plural: Calendar.objects.filter(grant__in=grants).count(),
            Event._meta.verbose_name_plural: Event.objects.filter(
                calendar__grant__in=grants
            ).count(),
        }
        allowed = self.has_delete_permission(request)
        names = [str(grant) for grant in objs[:LISTED]]
        return names, counts, set() if allowed else {self.opts.verbose_name}, []

    @admin.display(description=_("Google account"), ordering="email")
    def account(self, obj: Grant) -> str:
        """The account's address, or its id."""
        return str(obj)

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, obj: Grant) -> str:
        """The state in words."""
        if obj.state == Grant.State.REVOKED:
            return badge("off", _("revoked"))
        if obj.state == Grant.State.NEEDS_CONSENT:
            return badge("bad", _("needs consent"))
        if obj.state == Grant.State.PAUSED:
            if obj.reason == Grant.AWAITING_APPROVAL:
                return badge("wait", _("waits for approval"))
            return badge("off", _("paused"))
        if obj.client.paused_at:
            return badge("wait", _("its client is paused"))
        if obj.failure_streak:
            return badge("wait", _("fails, %d times in a row") % obj.failure_streak)
        return badge("good", _("active"))

    @admin.display(description=_("access token"), ordering="access_expires_at")
    def freshness(self, obj: Grant) -> str:
        """Whether there is a token that lives, computed now."""
        if not obj.access_token:
            return str(_("none"))
        if obj.has_fresh_token(timezone.now(), margin=timedelta(0)):
            return str(_("fresh until %s") % moment(obj.access_expires_at))
        # Nothing is wrong with that: the next use gets a new one.
        return str(_("ended %s") % moment(obj.access_expires_at))

    @admin.display(description=_("missing scopes"))
    def missing(self, obj: Grant) -> str:
        """Wanted scopes that were not granted."""
        return short_scopes(obj.missing_scopes)

    @admin.display(description=_("granted scopes"))
    def granted(self, obj: Grant) -> str:
        """What the person agreed to."""
        return short_scopes(obj.granted_scopes)

    @admin.display(description=_("diagnosis"))
    def short_diagnosis(self, obj: Grant) -> str:
        """Why it died or fails, in short."""
        return Truncator(obj.diagnosis or obj.error_kind or "–").chars(90)

    @admin.display(description=_("next refresh"), ordering="due_at")
    def next_work(self, obj: Grant) -> str:
        """When it is refreshed next."""
        return moment(obj.due_at)
