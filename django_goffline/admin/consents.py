"""Consent requests in the admin: who was asked for what, and how far it went. Links are hashed and cannot be shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..flows import consent
from ..models import ConsentAttempt, ConsentOutcome, ConsentRequest
from .base import ReadOnlyAdmin, badge, short_scopes, user_search, wish_time, write_alias

GOOD = (ConsentOutcome.GRANTED,)
WAITING = (ConsentOutcome.PARTIAL, ConsentOutcome.AWAITING_APPROVAL)


class ConsentAttemptInline(admin.TabularInline):  # type: ignore[type-arg]
    """The journeys to Google and back of one request; nothing that is hashed or encrypted."""

    model = ConsentAttempt
    extra = 0
    can_delete = False
    fields = (
        "created_at",
        "expires_at",
        "consumed_at",
        "outcome",
        "missing",
        "bound_to_a_browser",
        "started_by",
        "answered_by",
        "redirect_uri",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConsentAttempt]:
        """Attempts with the people in them, without the secrets."""
        attempts = super().get_queryset(request).select_related("started_by", "answered_by")
        return attempts.defer("code_verifier", "state_hash", "nonce_hash")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the request sees its attempts."""
        user: Any = request.user
        return bool(user.has_perm("goffline.view_consentrequest"))

    @admin.display(description=_("missing scopes"))
    def missing(self, obj: ConsentAttempt) -> str:
        """Scopes that the person did not grant."""
        return short_scopes(obj.missing_scopes)

    @admin.display(description=_("bound to a browser"), boolean=True)
    def bound_to_a_browser(self, obj: ConsentAttempt) -> bool:
        """No: a direct Google URL."""
        return bool(obj.browser_hash)


class ConsentRequestAdmin(ReadOnlyAdmin):
    """Consent requests."""

    inlines = (ConsentAttemptInline,)
    list_display = (
        "addressee",
        "client",
        "state_badge",
        "asked_by",
        "created_at",
        "seen_at",
        "opened_at",
        "expires_at",
    )
    list_select_related = ("client", "user", "asked_by", "repairs", "grant")
    list_filter = ("outcome", "client", "direct")
    actions = ("withdraw",)
    fields = (
        "public_id",
        "addressee",
        "state_badge",
        "client",
        "user",
        "expected_email",
        "repairs",
        "asked_by",
        "purpose",
        "wanted",
        "direct",
        "created_at",
        "seen_at",
        "opened_at",
        "completed_at",
        "withdrawn_at",
        "expires_at",
        "grant",
    )

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """By account, purpose, or whatever the user model calls a user name."""
        return ("expected_email", "purpose", user_search("user"), user_search("asked_by"))

    @admin.display(description=_("asked for"))
    def addressee(self, obj: ConsentRequest) -> str:
        """Whose consent is asked for."""
        return str(obj.repairs or obj.expected_email or obj.user or _("whoever has the link"))

    @admin.display(description=_("scopes"))
    def wanted(self, obj: ConsentRequest) -> str:
        """What is asked for."""
        return short_scopes(obj.scopes)

    @admin.display(description=_("state"), ordering="outcome")
    def state_badge(self, obj: ConsentRequest) -> str:
        """How far it went, in words."""
        if obj.withdrawn_at:
            return badge("off", _("withdrawn"))
        if obj.outcome:
            kind = "good" if obj.outcome in GOOD else "wait" if obj.outcome in WAITING else "bad"
            return badge(kind, obj.get_outcome_display())
        if obj.is_open(timezone.now()):
            return badge("wait", _("gone on to Google") if obj.opened_at else _("open"))
        return badge("off", _("expired"))

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        """Who may make links may take them back."""
        return self.may(request, "make_consent_link")

    @admin.action(description=_("Withdraw the links"), permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[ConsentRequest]) -> None:
        """Make unanswered links worthless at once."""
        using = write_alias(ConsentRequest)
        number = consent.withdraw(
            ConsentRequest.objects.filter(pk__in=queryset.order_by().values("pk")),
            by=request.user,  # type: ignore[arg-type]
            now=wish_time(using),
            using=using,
        )
        self.tell(request, number, _("%d links are withdrawn."))
