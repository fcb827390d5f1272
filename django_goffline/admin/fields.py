"""Form fields and widgets that several pages use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..protocol.scopes import (
    CALENDAR,
    CALENDAR_EVENTS,
    CALENDAR_EVENTS_READONLY,
    CALENDAR_LIST_READONLY,
    CALENDAR_READONLY,
    EMAIL,
    OPENID,
    PROFILE,
    normalise_scopes,
    unknown_scopes,
)

OFFERED = (
    (OPENID, _("openid: who the account is")),
    (EMAIL, _("userinfo.email: the account's address")),
    (PROFILE, _("userinfo.profile: name and picture")),
    (CALENDAR_READONLY, _("calendar.readonly: read calendars and events")),
    (CALENDAR_LIST_READONLY, _("calendar.calendarlist.readonly: read the list of calendars")),
    (CALENDAR_EVENTS_READONLY, _("calendar.events.readonly: read events")),
    (CALENDAR_EVENTS, _("calendar.events: read and write events")),
    (CALENDAR, _("calendar: read and write everything in calendars")),
)
"""Scopes with a check box of their own."""


class ScopesWidget(forms.MultiWidget):
    """Check boxes for usual scopes, and a text area for any other."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        boxes = forms.CheckboxSelectMultiple(choices=OFFERED)
        super().__init__([boxes, forms.Textarea(attrs={"rows": 2, "cols": 80})], attrs)

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Both in one element, which the admin's layout leaves together."""
        parts = super().render(name, value, attrs, renderer)
        return format_html('<div class="goffline-scopes">{}</div>', parts)

    def decompress(self, value: Any) -> list[Any]:
        """Scopes as stored, taken apart for the two widgets."""
        scopes = normalise_scopes(value or ())
        offered = {scope for scope, _label in OFFERED}
        return [
            [scope for scope in scopes if scope in offered],
            "\n".join(scope for scope in scopes if scope not in offered),
        ]


class ScopesField(forms.MultiValueField):
    """Scopes, as a sorted list of canonical URIs; a misspelt one is named with the nearest that exists."""

    widget = ScopesWidget

    def __init__(self, *, label: Any, required: bool = True, help_text: Any = "") -> None:
        parts = (
            forms.MultipleChoiceField(choices=OFFERED, required=False),
            forms.CharField(required=False),
        )
        super().__init__(
            fields=parts,
            label=label,
            help_text=help_text,
            required=required,
            require_all_fields=False,
        )

    def prepare_value(self, value: Any) -> Any:
        """Stored scopes as text: a multi-widget takes any list for what its parts already hold."""
        sent = isinstance(value, list) and len(value) == 2 and isinstance(value[0], list)
        return value if sent else " ".join(normalise_scopes(value or ()))

    def compress(self, data_list: Sequence[Any]) -> list[str]:
        """Both widgets' scopes, put together."""
        boxes, text = data_list or ([], "")
        scopes = normalise_scopes([*(boxes or []), text or ""])
        wrong = [
            _("“%(scope)s” is no scope of Google's; did you mean “%(near)s”?")
            % {"scope": scope, "near": near}
            if near
            else _("“%(scope)s” is no scope of Google's.") % {"scope": scope}
            for scope, near in unknown_scopes(scopes).items()
        ]
        if wrong:
            raise forms.ValidationError(wrong)
        return list(scopes)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other scopes were chosen; their order and spelling don't count."""
        boxes, text = data or ([], "")
        return normalise_scopes(initial or ()) != normalise_scopes([*(boxes or []), text or ""])
