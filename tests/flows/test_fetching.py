from __future__ import annotations

import threading

from django.test import override_settings

from django_goffline.flows import fetching
from django_goffline.flows.fetching import Job, fetch
from django_goffline.protocol.errors import GoogleError, TransientError

WIDTH = 4


def limited(width=WIDTH):
    return override_settings(GOFFLINE={"CONCURRENCY": width})


def raising(error):
    def call():
        raise error

    return call


def test_every_job_gets_its_own_answer():
    with limited():
        answers = {
            f.key: f.value for f in fetch(Job(key=n, call=lambda n=n: n * n) for n in range(50))
        }
    assert answers == {n: n * n for n in range(50)}


def test_nothing_to_do():
    assert list(fetch([])) == []


def test_errors_are_answers():
    error = TransientError(status=503)
    with limited():
        found = {
            f.key: f.error for f in fetch([Job(key=1, call=raising(error)), Job(key=2, call=str)])
        }
    assert found == {1: error, 2: None}


def test_an_error_of_our_own_is_logged_without_its_message(caplog):
    with limited():
        (found,) = fetch([Job(key=1, call=raising(KeyError("ya29.secret")))])
    assert isinstance(found.error, GoogleError)
    assert (found.error.kind, found.error.code) == ("bug", "KeyError")
    assert "KeyError" in caplog.text
    assert "raising" in caplog.text or "call" in caplog.text
    assert "ya29.secret" not in caplog.text


def test_jobs_are_taken_as_slots_get_free():
    taken = []

    def jobs():
        for number in range(1000):
            taken.append(number)
            yield Job(key=number, call=lambda: None)

    with limited():
        stream = fetch(jobs())
        next(stream)
        assert len(taken) <= 2 * WIDTH
        stream.close()
    assert len(taken) <= 2 * WIDTH


def test_as_many_run_at_once_as_the_setting_says():
    together = threading.Barrier(WIDTH, timeout=10)
    with limited():
        found = list(fetch(Job(key=n, call=together.wait) for n in range(WIDTH)))
    assert all(f.error is None for f in found)
    assert len(found) == WIDTH


def test_a_forked_process_makes_its_own_pool(monkeypatch):
    with limited():
        mine = fetching._pool(WIDTH)
        assert fetching._pool(WIDTH) is mine
        monkeypatch.setattr(fetching.os, "getpid", lambda: -1)
        assert fetching._pool(WIDTH) is not mine
