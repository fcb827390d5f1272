"""The story, each step verified.

Consent, grant, first pull, changes at Google, the pull that brings exactly these, a token refresh.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model

from django_goffline.models import Grant, OAuthClient, ScheduledPull

from . import judge
from .google import Google
from .person import Person

EMAIL = "ada@example.com"
ADMIN, PASSWORD = "admin", "goffline-demo"
#: An access token lives a little less than an hour (Google's ``expires_in``: 3599).
TOKEN_LIFE = 3600.0


class StoryFailedError(Exception):
    """Something that should have happened did not."""


@dataclass(slots=True, kw_only=True)
class Teller:
    """Says what happens, with the seconds since the start."""

    started: float = field(default_factory=time.monotonic)
    write: Callable[[str], object]

    def say(self, step: str, text: str) -> None:
        """One line of the story."""
        self.write(f"{time.monotonic() - self.started:5.1f} s  {step:<12} {text}")

    def wait_for(self, what: str, happened: Callable[[], Any], *, seconds: float = 30.0) -> Any:
        """Look until ``happened()`` is true, and return its value. Raises ``StoryFailedError``."""
        end = time.monotonic() + seconds
        while not (value := happened()):
            if time.monotonic() > end:
                raise StoryFailedError(f"{what}: not within {seconds:.0f} s")
            time.sleep(0.1)
        return value


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the last line sums up."""

    grants: int = 0
    calendars: int = 0
    events: int = 0
    changes: int = 0
    refreshes: int = 0

    def __str__(self) -> str:
        return (
            f"{_many(self.grants, 'grant')}, {_many(self.calendars, 'calendar')}, "
            f"{_many(self.events, 'event')}, "
            f"{_many(self.changes, 'change')} mirrored, {_many(self.refreshes, 'refresh')}"
        )


def make_admin() -> Any:
    """The person who runs this site."""
    users = get_user_model()._default_manager
    admin = users.filter(username=ADMIN).first()
    return admin or users.create_superuser(ADMIN, "admin@example.com", PASSWORD)


def wait_for_grant(
    teller: Teller, client: OAuthClient, *, since: datetime, seconds: float = 30.0
) -> Grant:
    """The grant that the consent made, once it is there and active."""

    def newest() -> Grant | None:
        return Grant.objects.active().filter(client=client, authorized_at__gte=since).first()

    grant: Grant = teller.wait_for("grant", newest, seconds=seconds)
    teller.say("grant", f"{grant.email}: refresh token stored, encrypted; state {grant.state}")
    return grant


def wait_for_first_pull(teller: Teller, grant: Grant, *, seconds: float = 40.0) -> None:
    """Wait until the list of calendars and every calendar's events have been pulled."""

    def pulled() -> bool:
        pulls = ScheduledPull.objects.filter(grant=grant)
        done = pulls.filter(last_success_at__gte=grant.authorized_at)
        listed = done.filter(resource="calendar_list").exists()
        wanted = grant.calendars.live().filter(pulled=True).count()
        return bool(listed and wanted and done.filter(resource="calendar_events").count() >= wanted)

    teller.wait_for("first pull", pulled, seconds=seconds)


def check_mirror(grant: Grant, google: Google, tally: Tally) -> None:
    """The mirror equals Google's state."""
    state = google.state(grant.email)
    tally.calendars = judge.check_calendars(grant, state)
    tally.events = judge.check_events(grant, state)


def change_things(teller: Teller, google: Google) -> list[str]:
    """Five changes by hand at Google, on the primary calendar; the ids of the events they touch."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    events = [event for event in google.state(EMAIL)["events"][EMAIL] if _is_plain(event)]
    singles = [event for event in events if "recurrence" not in event]
    master = next(event for event in events if "recurrence" in event)
    instances = google.calendar(
        "instances_between",
        {
            "email": EMAIL,
            "calendar_id": EMAIL,
            "start": start.isoformat(),
            "end": (start + timedelta(days=120)).isoformat(),
        },
    )
    mine = [
        instance["originalStartTime"]
        for instance in instances
        if instance.get("recurringEventId") == master["id"] and _is_untouched(instance, master)
    ]
    cancelled, changed = (slot.get("dateTime") or slot["date"] for slot in mine[:2])

    def edit(method: str, arguments: dict[str, Any]) -> Any:
        return google.calendar(method, {"calendar_id": EMAIL, **arguments})

    edit("patch_event", {"event_id": singles[0]["id"], "body": {"summary": "Edited at Google"}})
    teller.say("google", "an edit: a title")
    gone = edit("cancel_instance", {"master_id": master["id"], "original_start": cancelled})
    teller.say("google", "a cancelled instance of a series")
    edit("delete_event", {"event_id": singles[1]["id"]})
    teller.say("google", "a deletion")
    moved = edit(
        "change_instance",
        {"master_id": master["id"], "original_start": changed, "body": {"location": "Room 7"}},
    )
    teller.say("google", "another room for one instance of a series")
    new = edit(
        "insert_event",
        {
            "body": {
                "summary": "New at Google",
                "start": {"dateTime": start.isoformat()},
                "end": {"dateTime": (start + timedelta(hours=1)).isoformat()},
            }
        },
    )
    teller.say("google", "a new event")
    return [singles[0]["id"], gone["id"], singles[1]["id"], moved["id"], new["id"]]


def mirror_changes(teller: Teller, grant: Grant, google: Google, tally: Tally) -> None:
    """Change things at Google; the next incremental pull brings exactly these."""
    runs = {pull.key: pull.run for pull in grant.pulls.filter(resource="calendar_events")}
    expected = change_things(teller, google)

    def arrived() -> bool:
        try:
            return judge.check_changes(grant, runs, expected) == len(expected)
        except judge.WrongMirrorError:
            return False

    try:
        teller.wait_for("incremental pull", arrived)
    except StoryFailedError as error:
        # What is wrong says more than how long it was waited for.
        judge.check_changes(grant, runs, expected)
        raise error
    tally.changes = judge.check_changes(grant, runs, expected)
    check_mirror(grant, google, tally)
    teller.say("pull", f"incremental: exactly these {tally.changes} events were written")


def refresh_token(teller: Teller, grant: Grant, google: Google, tally: Tally) -> None:
    """An hour passes at Google: its access token ends, and the next pull gets a new one."""
    before, then = google.refreshes(grant.email), datetime.now(UTC)
    last = grant.refreshed_at or grant.authorized_at
    google.let_pass(TOKEN_LIFE)
    teller.say("google", "an hour passes; the access token ends")
    teller.wait_for("refresh", lambda: google.refreshes(grant.email) > before)

    def pulled_again() -> bool:
        pulls = grant.pulls.filter(resource="calendar_events")
        return not pulls.exclude(last_success_at__gt=then).exists()

    teller.wait_for("pull after the refresh", pulled_again)
    grant.refresh_from_db()
    tally.refreshes = google.refreshes(grant.email) - before
    if tally.refreshes != 1 or grant.refreshed_at is None or grant.refreshed_at <= last:
        raise StoryFailedError(
            f"one refresh was due; Google counted {tally.refreshes}, ours is of {grant.refreshed_at}"
        )
    check_mirror(grant, google, tally)
    teller.say("refresh", "a new access token; pulls go on")


def agree(teller: Teller, link: str) -> Person:
    """Play the person."""
    person = Person()
    person.consent(link, email=EMAIL)
    teller.say("consent", f"{EMAIL} opened the link, agreed at Google and came back")
    return person


def _is_plain(event: dict[str, Any]) -> bool:
    kind = event.get("eventType", "default")
    return (
        event.get("status") != "cancelled" and "recurringEventId" not in event and kind == "default"
    )


def _is_untouched(instance: dict[str, Any], master: dict[str, Any]) -> bool:
    """Whether an instance is as its series has it: no exception that exists already."""
    return bool(
        instance.get("start") == instance.get("originalStartTime")
        and instance.get("summary") == master.get("summary")
        and instance.get("updated") == master.get("updated")
    )


def _many(number: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("sh") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
