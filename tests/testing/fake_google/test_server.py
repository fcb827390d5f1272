"""The fake behind a socket."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
import requests

from django_goffline.testing import browser
from django_goffline.testing.fake_google import FakeGoogleServer, Fault

from .application import ADA, CALLBACK


@pytest.fixture
def server(fake):
    with FakeGoogleServer(fake) as server:
        yield server


@pytest.fixture
def http_session():
    with requests.Session() as session:
        yield session


def test_a_connection_serves_many_requests(server):
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        connection.connect()
        port = connection.sock.getsockname()[1]
        for _ in range(3):
            connection.request("GET", "/oauth2/v3/certs")
            answer = connection.getresponse()
            assert (answer.status, answer.version) == (200, 11)
            assert b'"keys"' in answer.read()
            assert connection.sock.getsockname()[1] == port
    finally:
        connection.close()


def test_paths_arrive_raw_and_queries_decoded(server, http_session):
    http_session.get(f"{server.url}/calendar/v3/calendars/a%2Fb%40c/events?q=%C3%A9+x&q=&code=s")
    entry = server.fake.journal.entries[-1]
    assert entry.path == "/calendar/v3/calendars/a%2Fb%40c/events"
    assert entry.query == (("q", "é x"), ("q", ""), ("code", "***"))


def test_a_delay_takes_time_and_holds_no_lock(server, http_session):
    server.fake.faults.add(Fault(path="v3/certs$", delay=60))
    with pytest.raises(requests.ReadTimeout):
        http_session.get(f"{server.url}/oauth2/v3/certs", timeout=0.2)
    # The delayed answer is still waiting; nobody else is.
    assert http_session.get(f"{server.url}/oauth2/v1/certs", timeout=10).status_code == 200


@pytest.mark.parametrize("cut", ["before", "middle"])
def test_cut_connections(server, http_session, cut):
    server.fake.faults.add(Fault(cut=cut))
    expected = {
        "before": requests.ConnectionError,
        "middle": requests.exceptions.ChunkedEncodingError,
    }
    with pytest.raises(expected[cut]):
        http_session.get(f"{server.url}/oauth2/v3/certs", timeout=10)
    assert http_session.get(f"{server.url}/oauth2/v3/certs", timeout=10).status_code == 200


def test_it_ends_quickly_with_connections_open_and_answers_delayed(fake):
    fake.faults.add(Fault(delay=60))
    server = FakeGoogleServer(fake).start()
    idle = socket.create_connection((urlsplit(server.url).hostname, urlsplit(server.url).port))
    outcome = []

    def ask():
        try:
            requests.get(f"{server.url}/oauth2/v3/certs", timeout=30)
        except requests.RequestException as error:
            outcome.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while fake.journal.count() == 0:
        time.sleep(0.01)
    started = time.monotonic()
    server.stop()
    asking.join(timeout=20)
    idle.close()
    assert time.monotonic() - started < 15
    assert not asking.is_alive()
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=5)


def test_many_threads_get_consistent_answers(server):
    client = server.fake.add_client()
    token = server.fake.issue_grant(ADA, client.client_id, ["openid"])["refresh_token"]
    form = {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
    }
    answers = []

    def refresh():
        with requests.Session() as session:
            answers.extend(
                session.post(f"{server.url}/token", data=form, timeout=20).json()["access_token"]
                for _ in range(5)
            )

    threads = [threading.Thread(target=refresh) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 40
    assert server.fake.oauth.refreshes[ADA] == 40


def test_nothing_is_logged(server, capfd):
    client = server.fake.add_client(redirect_uris=[CALLBACK])
    query = f"client_id={client.client_id}&redirect_uri={CALLBACK}&response_type=code"
    url = f"{server.url}/o/oauth2/v2/auth?{query}&scope=openid&state=planted-state"
    assert browser.agree(url, email=ADA).startswith(CALLBACK)
    with socket.create_connection(
        (urlsplit(server.url).hostname, urlsplit(server.url).port)
    ) as raw:
        raw.sendall(b"nonsense planted-state\r\n\r\n")
        assert raw.recv(100)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
