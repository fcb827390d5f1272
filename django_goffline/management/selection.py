"""What the commands' arguments mean: a client, a grant, a user, a calendar. Each miss says what there is."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.db.models import Q

from ..models import Calendar, Grant, OAuthClient


def choose_client(text: str, *, using: str) -> OAuthClient:
    """The client with that name, client id or primary key; without a text the only one there is."""
    clients = OAuthClient.objects.using(using).order_by("pk")
    if text:
        named = Q(name=text) | Q(client_id=text)
        clients = clients.filter(named | Q(pk=int(text)) if text.isdecimal() else named)
    found = list(clients[:2])
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(name) for name in _names(using)) or "none"
    if not found and not text:
        raise CommandError("There is no OAuth client: import one with goffline_import_client FILE.")
    if not found:
        raise CommandError(f"There is no OAuth client {text!r}. Clients: {names}.")
    raise CommandError(f"Several OAuth clients fit: say which with --client. Clients: {names}.")


def choose_grants(text: str, *, using: str) -> list[Grant]:
    """The grants with that primary key, Google account id or e-mail address; at least one."""
    named = Q(email__iexact=text) | Q(sub=text)
    # A Google account id is all digits too, but far longer than a primary key.
    if text.isdecimal() and len(text) < 19:
        named |= Q(pk=int(text))
    found = list(Grant.objects.using(using).filter(named).select_related("client").order_by("pk"))
    if not found:
        raise CommandError(f"There is no grant {text!r}. `goffline_status` lists them.")
    return found


def choose_user(text: str) -> Any:
    """The user of that name, whatever the user model calls a user name."""
    model = get_user_model()
    user = model._default_manager.filter(**{model.USERNAME_FIELD: text}).first()
    if user is None:
        raise CommandError(f"There is no user whose {model.USERNAME_FIELD} is {text!r}.")
    return user


def choose_calendar(text: str, *, using: str) -> Calendar:
    """The calendar with that primary key, or Google id if only one account has it."""
    calendars = Calendar.objects.using(using).live().select_related("grant").order_by("pk")
    named = Q(google_id=text)
    found = list(calendars.filter(named | Q(pk=int(text)) if text.isdecimal() else named)[:2])
    if not found:
        raise CommandError(f"There is no calendar {text!r}.")
    if len(found) > 1:
        raise CommandError(f"Several accounts have the calendar {text!r}: use its primary key.")
    return found[0]


def _names(using: str) -> list[str]:
    return list(OAuthClient.objects.using(using).values_list("name", flat=True)[:20])
