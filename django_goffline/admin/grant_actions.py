"""What a person can wish for grants: refresh, pull, pause, approve, revoke.

Each action has a permission of its own, writes a wish and sends a nudge. What cannot be taken back asks first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ..flows import consent
from ..flows.records import note
from ..flows.revoke import revoke
from ..models import Activity, Grant, ScheduledPull
from ..models.grants import GrantQuerySet
from ..nudges import nudge
from .base import GofflineAdmin, actor, chunks, wish_time, write_alias

#: Names that a confirmation page lists; a selection may be a million rows.
LISTED = 20


class GrantActions(GofflineAdmin):
    """The actions, and who may use each."""

    actions = (
        "refresh_now",
        "pull_now",
        "make_repairing_link",
        "pause",
        "resume",
        "approve",
        "discard",
        "revoke",
    )

    def has_refresh_permission(self, request: HttpRequest) -> bool:
        """Whether the person may have grants refreshed."""
        return self.may(request, "refresh_grant")

    def has_pull_permission(self, request: HttpRequest) -> bool:
        """Whether the person may have lists pulled."""
        return self.may(request, "pull_now")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """Whether the person may pause and resume."""
        return self.may(request, "pause_grant")

    def has_approve_permission(self, request: HttpRequest) -> bool:
        """Whether the person may approve and discard."""
        return self.may(request, "approve_grant")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether the person may revoke."""
        return self.may(request, "revoke_grant")

    def has_consent_link_permission(self, request: HttpRequest) -> bool:
        """Whether the person may make consent links."""
        return self.may(request, "make_consent_link")

    @admin.action(description=_("Refresh now"), permissions=["refresh"])
    def refresh_now(self, request: HttpRequest, queryset: QuerySet[Grant]) -> None:
        """Have the active ones refreshed at once."""
        using = write_alias(Grant)
        grants = self._selected(queryset, using).active()
        number = grants.wake(wish_time(using))
        nudge("goffline.refresh", using=using)
        self.tell(request, number, _("%d grants are refreshed by the next free worker."))

    @admin.action(description=_("Pull now"), permissions=["pull"])
    def pull_now(self, request: HttpRequest, queryset: QuerySet[Grant]) -> None:
        """Have all lists of the active ones pulled at once."""
        using = write_alias(ScheduledPull)
        pulls = ScheduledPull.objects.using(using).filter(
            grant__in=self._selected(queryset, using).active().values("pk"),
            paused_at__isnull=True,
            due_at__isnull=False,
        )
        number = pulls.wake(wish_time(using))
        nudge("goffline.pull", using=using)
        self.tell(request, number, _("%d lists are pulled by the next free worker."))

    @admin.action(description=_("Make a repairing consent link…"), permissions=["consent_link"])
    def make_repairing_link(
        self, request: HttpRequest, queryset: QuerySet[Grant]
    ) -> HttpResponse | None:
        """Go on to the form, for one grant."""
        grants = list(queryset[:2])
        if len(grants) != 1:
            self.message_user(request, _("Select exactly one grant."), messages.WARNING)
            return None
        page = reverse(
            "admin:goffline_oauthclient_consent_link",
            args=[grants[0].client_id],
            current_app=self.admin_site.name,
        )
        return HttpResponseRedirect(f"{page}?repairs={grants[0].pk}")

    @admin.action(description=_("Pause"), permissions=["pause"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Grant]) -> None:
        """Stop refreshing and pulling."""
        number = self._change(
            request,
            queryset.filter(state=Grant.State.ACTIVE),
            Activity.Kind.GRANT_PAUSED,
            lambda grants: grants.pause(reason="by_hand"),
        )
        self.tell(request, number, _("%d grants are paused now."))

    @admin.action(description=_("Resume"), permissions=["pause"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Grant]) -> None:
        """Go on after a pause."""
        now = wish_time(write_alias(Grant))
        number = self._change(
            request,
            queryset.filter(state=Grant.State.PAUSED).exclude(reason=Grant.AWAITING_APPROVAL),
            Activity.Kind.GRANT_RESUMED,
            lambda grants: grants.resume(now=now),
        )
        nudge("goffline.refresh", using=write_alias(Grant))
        self.tell(request, number, _("%d grants are active again."))

    @admin.action(description=_("Approve the account"), permissions=["approve"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Grant]) -> None:
        """Accept accounts that the consent did not prove."""
        using = write_alias(Grant)
        number = consent.approve(
            self._selected(queryset, using),
            by=request.user,  # type: ignore[arg-type]
            now=wish_time(using),
            using=using,
        )
        self.tell(request, number, _("%d grants are approved and active."))

    @admin.action(description=_("Discard: not the right account…"), permissions=["approve"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Grant]) -> HttpResponse | None:
        """Reject accounts that wait for approval; asks first."""
        waiting = queryset.filter(state=Grant.State.PAUSED, reason=Grant.AWAITING_APPROVAL)
        if "confirmed" not in request.POST:
            return self._confirm(request, waiting, "discard", _("Discard grants"))
        using = write_alias(Grant)
        number = consent.discard(
            self._selected(waiting, using),
            by=request.user,  # type: ignore[arg-type]
            now=wish_time(using),
            using=using,
        )
        self.tell(request, number, _("%d grants are discarded; their tokens are being revoked."))
        return None

    @admin.action(description=_("Revoke…"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Grant]) -> HttpResponse | None:
        """End grants here and at Google; asks first."""
        live = queryset.exclude(state=Grant.State.REVOKED)
        if "confirmed" not in request.POST:
            return self._confirm(request, live, "revoke", _("Revoke grants"))
        using = write_alias(Grant)
        person: Any = request.user
        pks = list(self._selected(live, using).values_list("pk", flat=True))
        number, now = 0, wish_time(using)
        for chunk in chunks(pks):
            grants = Grant.objects.using(using).filter(pk__in=chunk)
            number += revoke(grants, by=person, now=now, using=using)
            LogEntry.objects.log_actions(
                person.pk, grants, CHANGE, change_message=str(_("Revoked."))
            )
        self.tell(request, number, _("%d grants are revoked; Google is told in the background."))
        return None

    def _selected(self, queryset: QuerySet[Grant], using: str) -> GrantQuerySet:
        return Grant.objects.using(using).filter(pk__in=queryset.order_by().values("pk"))

    def _change(
        self,
        request: HttpRequest,
        queryset: QuerySet[Grant],
        kind: Activity.Kind,
        work: Callable[[GrantQuerySet], int],
    ) -> int:
        using = write_alias(Grant)
        rows = list(queryset.using(using).order_by("pk").values_list("pk", "client_id"))
        number, now = 0, wish_time(using)
        for chunk in chunks(rows):
            with transaction.atomic(using=using):
                number += work(Grant.objects.using(using).filter(pk__in=[pk for pk, _c in chunk]))
                note(
                    *(
                        Activity(
                            at=now, kind=kind, grant_id=pk, client_id=client, actor=actor(request)
                        )
                        for pk, client in chunk
                    ),
                    using=using,
                )
        return number

    def _confirm(
        self, request: HttpRequest, queryset: QuerySet[Grant], action: str, title: Any
    ) -> HttpResponse | None:
        total = queryset.count()
        if not total:
            self.tell(request, 0, "")
            return None
        context = {
            **self.page_context(request, title),
            "action": action,
            "total": total,
            "grants": queryset.select_related("client", "user")[:LISTED],
            "more": max(0, total - LISTED),
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "checkbox": ACTION_CHECKBOX_NAME,
            "select_across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "admin/goffline/confirm.html", context)
