from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from django_goffline.flows import prune as module
from django_goffline.flows.prune import prune
from django_goffline.models import (
    Activity,
    Calendar,
    ConsentAttempt,
    ConsentRequest,
    Event,
    Heartbeat,
    Metric,
)
from django_goffline.testing.factories import make_calendar, make_client, make_event, make_grant

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DEFAULT = "default"


def days(number):
    return NOW - timedelta(days=number)


def test_only_what_is_old_goes(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 2)
    calendar = make_calendar(make_grant())
    for age in (91, 92, 93, 89):
        make_event(calendar, removed_at=days(age))
    make_event(calendar)
    gone = make_calendar(calendar.grant, removed_at=days(91))
    make_event(gone)
    for age in (364, 366):
        Activity.objects.create(at=days(age), kind="pulled")
    for age in (89, 91):
        Metric.objects.create(
            client=calendar.grant.client, kind="pull", outcome="ok", hour=days(age)
        )
    Heartbeat.objects.beat(kind="pull", worker="dead", now=days(2))
    Heartbeat.objects.beat(kind="tick", worker="alive", now=NOW)

    assert prune(now=NOW, using=DEFAULT) == 8
    assert Event.objects.filter(calendar=calendar).count() == 2
    assert list(Calendar.objects.all()) == [calendar]
    assert Activity.objects.get().at == days(364)
    assert Metric.objects.get().hour == days(89)
    assert Heartbeat.objects.get().worker == "alive"
    assert prune(now=NOW, using=DEFAULT) == 0


def test_verifiers_of_expired_attempts_are_wiped():
    request = ConsentRequest.objects.create(
        client=make_client(), created_at=days(1), expires_at=NOW + timedelta(days=1)
    )
    for state, expires in (("old", days(1)), ("open", NOW + timedelta(minutes=1))):
        ConsentAttempt.objects.create(
            request=request,
            state_hash=state,
            nonce_hash="n",
            code_verifier="a-verifier",
            redirect_uri="http://localhost/",
            issuer="i",
            token_endpoint="t",
            created_at=days(2),
            expires_at=expires,
        )
    prune(now=NOW, using=DEFAULT)
    assert not ConsentAttempt.objects.get(state_hash="old").code_verifier
    assert ConsentAttempt.objects.get(state_hash="open").code_verifier.reveal() == "a-verifier"
