from __future__ import annotations

import threading
import time

import pytest
from celery import Celery, current_app
from django.db import transaction
from django.test import override_settings

from django_goffline import nudges
from django_goffline.nudges import nudge

DEFAULT = "default"


@pytest.fixture
def broker(monkeypatch):
    """Lets a test say what sending does; the list is what was sent, with its options."""

    class Broker:
        sent = []

        def act(self, name, options):
            self.sent.append((name, options))

    found = Broker()
    found.sent = []
    monkeypatch.setattr(
        Celery, "send_task", lambda app, name, *args, **options: found.act(name, options)
    )
    return found


@pytest.fixture
def eager():
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.mark.django_db(transaction=True)
def test_a_nudge_waits_for_the_commit(broker):
    with transaction.atomic():
        nudge("goffline.refresh", using=DEFAULT, copies=3)
        assert broker.sent == []
    assert [name for name, _ in broker.sent] == ["goffline.refresh"] * 3


@pytest.mark.django_db(transaction=True)
def test_a_rollback_takes_it_back(broker):
    with pytest.raises(LookupError), transaction.atomic():
        nudge("goffline.refresh", using=DEFAULT)
        raise LookupError
    assert broker.sent == []


@pytest.mark.django_db(transaction=True)
def test_what_goes_with_a_message(broker):
    with override_settings(GOFFLINE={"TICK_EVERY": 12, "QUEUE": "google"}):
        nudge("goffline.pull", using=DEFAULT)
    nudge("goffline.pull", using=DEFAULT, copies=0)
    ((name, options),) = broker.sent
    assert name == "goffline.pull"
    assert options == {"expires": 12, "ignore_result": True, "queue": "google", "retry": False}


@pytest.mark.django_db(transaction=True)
def test_a_dead_broker_is_logged_and_left_alone_for_a_while(broker, caplog, monkeypatch):
    calls = []

    def refuse(name, options):
        calls.append(name)
        raise ConnectionError("amqp://user:password@broker")

    broker.act = refuse
    for _ in range(3):
        nudge("goffline.pull", using=DEFAULT)
    assert calls == ["goffline.pull"]
    assert "ConnectionError" in caplog.text
    assert "password" not in caplog.text
    later = time.monotonic() + nudges.QUIET + 1
    monkeypatch.setattr(nudges.time, "monotonic", lambda: later)
    nudge("goffline.pull", using=DEFAULT)
    assert len(calls) == 2


@pytest.mark.django_db(transaction=True)
def test_a_frozen_broker_costs_no_more_than_our_patience(broker, caplog, monkeypatch):
    monkeypatch.setattr(nudges, "PATIENCE", 0.05)
    thawed = threading.Event()
    broker.act = lambda name, options: thawed.wait(30)
    nudge("goffline.pull", using=DEFAULT)
    assert "no answer from the broker" in caplog.text
    sender = nudges._Broker.sender
    assert sender.is_alive()
    # As long as it hangs no further thread is risked, even when the quiet time is over.
    monkeypatch.setattr(nudges._Broker, "quiet_until", 0.0)
    nudge("goffline.pull", using=DEFAULT)
    assert nudges._Broker.sender is sender
    thawed.set()
    sender.join(10)
    assert not sender.is_alive()


@pytest.mark.django_db(transaction=True)
def test_eager_mode_runs_the_task_once_after_the_commit(broker, eager, monkeypatch):
    runs = []
    task = current_app.tasks["goffline.refresh"]
    monkeypatch.setattr(
        task, "run", lambda: runs.append(transaction.get_connection().in_atomic_block)
    )
    with transaction.atomic():
        nudge("goffline.refresh", using=DEFAULT, copies=5)
        assert runs == []
    assert runs == [False]
    assert broker.sent == []


@pytest.mark.django_db(transaction=True)
def test_an_eager_task_that_nudges_itself_comes_to_an_end(eager, monkeypatch):
    runs = []

    def run():
        runs.append(1)
        nudge("goffline.pull", using=DEFAULT)

    monkeypatch.setattr(current_app.tasks["goffline.pull"], "run", run)
    nudge("goffline.pull", using=DEFAULT)
    assert runs == [1]


@pytest.mark.django_db(transaction=True)
def test_an_eager_task_that_fails_hurts_nobody(eager, monkeypatch):
    def run():
        raise LookupError("a bug")

    monkeypatch.setattr(current_app.tasks["goffline.pull"], "run", run)
    nudge("goffline.pull", using=DEFAULT)
    assert nudges.is_eager()
