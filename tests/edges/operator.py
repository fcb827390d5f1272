"""An operator at the admin: what edge tests say in one line."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from django_goffline.testing.factories import make_user


class _Form(HTMLParser):
    """What a browser would send back of the forms on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, Any] = {}
        self._area = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "input" and name and given.get("type") not in ("submit", "file"):
            if given.get("type") == "checkbox":
                if "checked" in given:
                    self.data.setdefault(name, []).append(value or "on")
            elif given.get("type") != "radio" or "checked" in given:
                self.data[name] = value
        elif tag == "textarea":
            self._area = name
            self.data[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self.data[self._select] = value

    def handle_data(self, data: str) -> None:
        if self._area:
            self.data[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # A browser drops the line break that follows the opening tag.
            self.data[self._area] = self.data[self._area].removeprefix("\n").strip("\r")
            self._area = ""


def filled(page: Any) -> dict[str, Any]:
    """The fields of a page's forms as they are shown."""
    form = _Form()
    form.feed(page.content.decode())
    return form.data


class Operator:
    """A logged-in member of staff: a superuser, or one with the permissions named."""

    def __init__(self, *permissions: str) -> None:
        self.user = make_user(is_staff=True, is_superuser=not permissions)
        for codename in permissions:
            self.user.user_permissions.add(
                Permission.objects.get(content_type__app_label="goffline", codename=codename)
            )
        self.browser = Client()
        self.browser.force_login(self.user)
        self.last: Any = None

    def listing(self, model: str, **query: str) -> Any:
        """The list page of a model."""
        return self.browser.get(reverse(f"admin:goffline_{model}_changelist"), query)

    def page(self, row: Any) -> Any:
        """A row's own page."""
        return self.browser.get(self.address(row))

    def address(self, row: Any) -> str:
        """The address of a row's own page."""
        return reverse(f"admin:goffline_{row._meta.model_name}_change", args=[row.pk])

    def act(self, action: str, *rows: Any, **data: str) -> list[str]:
        """Run an action on rows; the messages that it left."""
        self.last = self.browser.post(
            reverse(f"admin:goffline_{rows[0]._meta.model_name}_changelist"),
            {"action": action, ACTION_CHECKBOX_NAME: [row.pk for row in rows], **data},
        )
        # Queued: what earlier requests left is shown with these, and was not left by this action.
        return [str(message) for message in get_messages(self.last.wsgi_request)._queued_messages]

    def actions(self, model: str) -> set[str]:
        """The actions that the list page of a model offers."""
        form = self.listing(model).context["cl"].model_admin
        request = self.listing(model).wsgi_request
        return set(form.get_actions(request))
