"""What follows from errors: for the list, the grant, the client, and for nobody else."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from django_goffline import resources
from django_goffline.flows.pull import due_pulls
from django_goffline.models import (
    Activity,
    Grant,
    OAuthClient,
    ScheduledPull,
)
from django_goffline.testing.fake_google import Fault
from tests.pulling import ADA, DEFAULT, START, body, small

pytestmark = pytest.mark.django_db

EVENTS = r"/events$"
LIST = "calendarList"


@pytest.mark.parametrize(
    ("status", "reason", "outcome"),
    [
        (503, "backendError", "transient"),
        (403, "forbidden", "list_unavailable"),
        (404, "notFound", "list_unavailable"),
        (403, "domainPolicy", "policy"),
        (403, "insufficientPermissions", "scope_missing"),
    ],
)
def test_trouble_with_one_list_is_of_that_list_only(pulled, status, reason, outcome):
    other = pulled.fake.calendar.create_calendar(ADA, summary="Other")
    pulled.later()
    pulled.fake.calendar.insert_event(other, body(id="tea00"))
    pulled.fake.calendar.delete_event(ADA, "lunch0")
    pulled.fake.faults.add(Fault(path=r"ada.*/events$", status=status, reason=reason))
    pulled.later()
    pull = pulled.pull(ADA)
    assert (pull.last_outcome, pull.failure_streak) == (outcome, 1)
    assert set(pulled.mirrored()) == {"lunch0"}
    assert set(pulled.mirrored(other)) == {"tea00"}
    assert Grant.objects.get().state == Grant.State.ACTIVE


def test_a_list_that_is_refused_is_asked_for_ever_more_slowly_and_recovers(pulled):
    waits = []
    for _ in range(4):
        ScheduledPull.objects.filter(key=ADA).update(due_at=pulled.now)
        pulled.fake.faults.add(Fault(path=EVENTS, status=404, reason="notFound"))
        pulled.settle()
        waits.append(pulled.pull(ADA).due_at - pulled.now)
    assert timedelta(minutes=15) <= waits[0] <= timedelta(minutes=30)
    assert waits[3] >= timedelta(hours=2)
    pulled.later(timedelta(days=1))
    assert pulled.pull(ADA).failure_streak == 0
    assert Activity.objects.filter(kind=Activity.Kind.PULL_FAILED).count() == 1


def test_a_missing_scope_parks_until_a_newer_consent(ada):
    Grant.objects.update(granted_scopes=["openid"])
    ada.settle()
    assert ada.pull().due_at is None
    assert ada.pull().last_outcome == "scope_missing"
    ada.fake.journal.clear()
    ada.later()
    assert ada.fake.journal.count() == 0
    Grant.objects.update(
        granted_scopes=ada.grant.wanted_scopes, authorized_at=ada.now + timedelta(seconds=1)
    )
    ada.later()
    assert ada.pull().last_outcome == "changed"


def test_a_rejected_token_is_replaced_once(pulled):
    pulled.fake.oauth.expire_access_tokens(ADA)
    pulled.fake.journal.clear()
    pulled.fake.clock.advance(1200)
    pulled.settle()
    assert pulled.fake.journal.count(path="/token$") == 1
    assert pulled.fake.journal.count(path=EVENTS, status=401) == 1
    assert pulled.pull(ADA).last_outcome == "unchanged"
    assert pulled.pull(ADA).last_success_at == pulled.now


def test_a_token_rejected_twice_backs_off(pulled):
    pulled.fake.faults.add(Fault(path=EVENTS, status=401, reason="authError", times=2))
    pulled.fake.clock.advance(1200)
    pulled.settle()
    assert pulled.pull(ADA).last_outcome == "token_rejected"
    assert pulled.pull(ADA).due_at > pulled.now
    assert pulled.pull().last_outcome == "unchanged"


def the_list_comes_first():
    """Events become due after the calendar list, whatever its jitter was, and within the next 1200 seconds."""
    ScheduledPull.objects.filter(key=ADA).update(due_at=START + timedelta(seconds=1199))


def test_a_throttled_user_is_held_as_a_whole(pulled):
    pulled.fake.faults.add(Fault(path=LIST, status=403, reason="userRateLimitExceeded"))
    the_list_comes_first()
    with small(CONCURRENCY=1):
        pulled.fake.clock.advance(1200)
        pulled.settle()
    held = Grant.objects.get().held_until
    assert held > pulled.now
    assert pulled.pull().last_outcome == "throttled"
    assert not due_pulls(now=pulled.now, using=DEFAULT).exists()
    pulled.fake.clock.set(held)
    assert pulled.chunk() == 2


def test_a_throttled_client_is_held_as_a_whole(pulled):
    error = {
        "error": {
            "code": 429,
            "errors": [{"reason": "rateLimitExceeded"}],
            "details": [
                {
                    "reason": "RATE_LIMIT_EXCEEDED",
                    "metadata": {"quota_limit": "defaultPerMinutePerProject"},
                }
            ],
        }
    }
    pulled.fake.faults.add(Fault(path=LIST, status=429, body=error))
    the_list_comes_first()
    with small(CONCURRENCY=1):
        pulled.fake.clock.advance(1200)
        pulled.chunk()
    assert OAuthClient.objects.get().held_until > pulled.now
    assert Grant.objects.get().held_until is None
    assert pulled.chunk() == 0


def test_a_broken_client_is_paused_and_nobody_blamed(pulled):
    pulled.fake.faults.add(Fault(path=LIST, status=403, reason="accessNotConfigured"))
    pulled.fake.clock.advance(1200)
    pulled.chunk()
    assert OAuthClient.objects.get().paused_at == pulled.now
    assert Grant.objects.get().state == Grant.State.ACTIVE
    assert pulled.chunk() == 0


def test_a_grant_without_a_token_waits(pulled):
    pulled.fake.clock.advance(7200)
    pulled.fake.faults.add(Fault(path="/token$", status=503, times=None))
    pulled.fake.journal.clear()
    pulled.chunk()
    assert pulled.fake.journal.count(path=EVENTS) == 0
    assert pulled.pull(ADA).due_at > pulled.now
    pulled.fake.faults.clear()
    Grant.objects.update(due_at=None, held_until=None)
    pulled.later()
    assert pulled.pull(ADA).last_success_at == pulled.now


def test_a_grant_that_another_worker_holds_hands_its_pulls_back(pulled):
    pulled.fake.clock.advance(7200)
    Grant.objects.update(lease_id="x", lease_until=pulled.now + timedelta(minutes=1))
    pulled.chunk()
    assert pulled.pull(ADA).due_at == pulled.now + timedelta(seconds=5)


def test_our_own_errors_end_one_pull_and_not_the_chunk(pulled, monkeypatch, caplog):
    events = resources.get("calendar_events")
    monkeypatch.setattr(type(events), "rows", lambda *args, **kwargs: 1 / 0)
    pulled.fake.calendar.insert_event(ADA, body("secret words", id="tea00"))
    pulled.fake.clock.advance(1200)
    with caplog.at_level(logging.ERROR, "django_goffline"):
        pulled.chunk()
    assert pulled.pull(ADA).last_outcome == "bug"
    assert pulled.pull().last_outcome == "unchanged"
    assert "ZeroDivisionError" in caplog.text
    assert "secret words" not in caplog.text
