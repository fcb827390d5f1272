"""What all admin classes share: rows that are only read, forms that write what changed, actions that write wishes.

An action never calls the network: it writes what a person wants and sends a nudge. Pages step out of
``ATOMIC_REQUESTS``, so that a nudge is sent when its wish is committed, and a link is shown when its request is.
Nothing here shows a secret: encrypted fields have no form field, and lists name their columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.db import connections, models, router, transaction
from django.db.models.options import Options
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..models import database_now

#: Rows that one transaction of an action touches.
CHUNK = 1000


class GofflineAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Base of our admin classes: forms save the columns that changed, and no others."""

    show_full_result_count = False
    list_per_page = 50

    class Media:
        css = {"all": ["goffline/admin.css"]}

    def get_urls(self) -> list[URLPattern]:
        """The pages, outside of ``ATOMIC_REQUESTS``."""
        return self.outside_of_requests_transaction(super().get_urls())

    def outside_of_requests_transaction(self, patterns: list[URLPattern]) -> list[URLPattern]:
        """These pages, without the transaction that ``ATOMIC_REQUESTS`` would put around each."""
        for pattern in patterns:
            for alias in connections:
                pattern.callback = transaction.non_atomic_requests(alias)(pattern.callback)
        return patterns

    def save_model(
        self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool
    ) -> None:
        """Write what the person changed: whatever a worker wrote since the form was opened stays."""
        if not change:
            super().save_model(request, obj, form, change)
        elif changed := self.changed_columns(form):
            obj.save(update_fields=changed)

    def changed_columns(self, form: ModelForm[Any]) -> list[str]:
        """Names of the model fields that a form changed."""
        names = {field.name for field in self.model._meta.concrete_fields}
        return [name for name in form.changed_data if name in names]

    def page_context(self, request: HttpRequest, title: Any) -> dict[str, Any]:
        """What a page of our own needs of the admin; its links stay on this site, whatever its name."""
        request.current_app = self.admin_site.name
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title}

    def may(self, request: HttpRequest, permission: str) -> bool:
        """Whether the person has one of this app's permissions."""
        user: Any = request.user
        return bool(user.has_perm(f"{self.opts.app_label}.{permission}"))

    def tell(self, request: HttpRequest, number: int, sentence: Any) -> None:
        """Say what an action did to ``number`` rows; or that there was nothing to do."""
        if number:
            self.message_user(request, sentence % number, messages.SUCCESS)
        else:
            nothing = _("There was nothing to do: none of the selected rows allows that.")
            self.message_user(request, nothing, messages.WARNING)


class ReadOnlyAdmin(GofflineAdmin):
    """Rows that nobody edits by hand: Google's truth, and records.

    They go when their owner goes: a deletion of a user or a grant asks this class too, and is not refused. On their own
    pages there is no deleting.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        """Only along with the row that this one belongs to."""
        return goes_with_its_owner(request, self.opts)


def goes_with_its_owner(request: HttpRequest, opts: Options[Any]) -> bool:
    """Whether a request deletes rows of another kind, along with which rows of this kind would go."""
    name = request.resolver_match.url_name or "" if request.resolver_match else ""
    if name.startswith(f"{opts.app_label}_{opts.model_name}_"):
        return False
    return name.endswith("_delete") or (
        name.endswith("_changelist") and request.POST.get("action") == "delete_selected"
    )


def write_alias(model: type[models.Model]) -> str:
    """The database that wishes are written to."""
    return router.db_for_write(model)


def wish_time(using: str) -> datetime:
    """The moment of a wish, on the clock that claims are made with: a worker must be able to tell which came first."""
    return database_now(using)


def chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Rows in groups, each small enough for one transaction."""
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def actor(request: HttpRequest) -> str:
    """The name under which a person's doings are recorded."""
    user: Any = request.user
    return str(user.get_username())


def user_search(path: str) -> str:
    """A search field for users, whatever their model calls a user name."""
    return f"{path}__{get_user_model().USERNAME_FIELD}"


def badge(kind: str, words: Any) -> SafeString:
    """A state in words, with a colour: ``good``, ``wait``, ``bad`` or ``off``."""
    return format_html('<span class="goffline-badge goffline-{}">{}</span>', kind, words)


def moment(value: datetime | None) -> str:
    """A time as this site writes it, or a dash."""
    if value is None:
        return "–"
    return date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")


def short_scopes(scopes: Sequence[str]) -> str:
    """Scopes without what all of Google's begin with."""
    return ", ".join(scope.rpartition("/auth/")[2] for scope in scopes) or "–"
