"""The fake without a socket fails and succeeds as the one with it."""

from __future__ import annotations

import pytest
import requests

from django_goffline.testing.adapter import InProcessAdapter, UnexpectedHostError
from django_goffline.testing.fake_google import FakeGoogle, Fault

CERTS = "https://www.googleapis.com/oauth2/v3/certs"


@pytest.fixture
def fake():
    return FakeGoogle()


@pytest.fixture
def session(fake):
    with requests.Session() as session:
        yield InProcessAdapter(fake).mount_on(session)


def test_google_and_loopback_are_the_fake(session):
    for url in (CERTS, "http://127.0.0.1:1/oauth2/v3/certs", "http://localhost/oauth2/v3/certs"):
        answer = session.get(url)
        assert (answer.status_code, list(answer.json())) == (200, ["keys"])


@pytest.mark.parametrize("url", ["https://example.com/", "https://www.googleapis.com.evil.test/"])
def test_any_other_host_raises(session, url):
    with pytest.raises(UnexpectedHostError):
        session.get(url)


def test_gzip_is_unpacked(session, fake):
    answer = session.get(CERTS, headers={"User-Agent": "test (gzip)"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.json()["keys"]
    assert fake.journal.entries[-1].size < len(answer.content)


def test_queries_bodies_and_raw_paths_arrive(session, fake):
    session.get("https://www.googleapis.com/calendar/v3/calendars/a%40b/events?q=%C3%A9&q=x")
    entry = fake.journal.entries[-1]
    assert entry.path == "/calendar/v3/calendars/a%40b/events"
    assert entry.query == (("q", "é"), ("q", "x"))
    answer = session.post("https://oauth2.googleapis.com/token", data={"grant_type": "é"})
    assert answer.json()["error_description"] == "Invalid grant_type: é"


@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_cut_in_the_middle(session, fake, stream):
    fake.faults.add(Fault(cut="middle"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _ = session.get(CERTS, stream=stream).content


def test_a_connection_cut_before_the_answer(session, fake):
    fake.faults.add(Fault(cut="before"))
    with pytest.raises(requests.ConnectionError):
        session.get(CERTS)


@pytest.mark.parametrize("timeout", [1, (9, 1)])
def test_a_delay_beyond_the_time_out(session, fake, timeout):
    fake.faults.add(Fault(delay=2), Fault(delay=2))
    with pytest.raises(requests.ReadTimeout):
        session.get(CERTS, timeout=timeout)
    assert session.get(CERTS, timeout=(1, 3)).status_code == 200
