from __future__ import annotations

import io

import pytest
import requests
from requests.adapters import BaseAdapter

from django_goffline.flows.sessions import ForeignHostError, GoogleSession
from django_goffline.protocol.endpoints import Endpoints

API = "https://www.googleapis.com/drive/v3/files"


class Scripted(BaseAdapter):
    """Answers from a list, and remembers what was asked."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = list(answers)
        self.asked = []

    def send(self, request, **kwargs):
        body = request.body
        self.asked.append(
            {
                "url": request.url,
                "authorization": request.headers.get("Authorization"),
                "body": body.read() if hasattr(body, "read") else body,
                "timeout": kwargs["timeout"],
            }
        )
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        response = requests.Response()
        response.status_code, response.request, response.url = status, request, request.url
        response.headers.update(headers)
        response.raw = io.BytesIO(b"")
        return response

    def close(self):
        pass


@pytest.fixture
def waits():
    return []


@pytest.fixture
def make(waits):
    def build(*answers):
        tokens = iter(["ya29.one", "ya29.two", "ya29.three"])
        adapter = Scripted(*answers)
        session = GoogleSession(
            token=lambda rejected: next(tokens),
            endpoints=Endpoints.at("http://localhost:8800"),
            timeout=(5.0, 30.0),
            adapter=adapter,
            sleep=waits.append,
        )
        session.script = adapter
        return session

    return build


def test_it_brings_its_token_and_a_time_out(make):
    session = make()
    assert session.get(API).status_code == 200
    session.get(API, timeout=1)
    first, second = session.script.asked
    assert (first["authorization"], first["timeout"]) == ("Bearer ya29.one", (5.0, 30.0))
    assert (second["authorization"], second["timeout"]) == ("Bearer ya29.two", 1)


def test_a_401_is_repeated_once_with_another_token(make):
    session = make((401, {}), (200, {}))
    assert session.post(API, data={"a": "b"}).status_code == 200
    assert [a["authorization"] for a in session.script.asked] == [
        "Bearer ya29.one",
        "Bearer ya29.two",
    ]
    assert [a["body"] for a in session.script.asked] == ["a=b", "a=b"]
    session = make((401, {}), (401, {}), (200, {}))
    assert session.get(API).status_code == 401
    assert len(session.script.asked) == 2


def test_a_stream_is_wound_back_and_a_generator_is_not_repeated(make):
    session = make((401, {}))
    assert session.put(API, data=io.BytesIO(b"content")).status_code == 200
    assert [a["body"] for a in session.script.asked] == [b"content", b"content"]
    session = make((401, {}))
    assert session.put(API, data=(part for part in [b"content"])).status_code == 401
    assert len(session.script.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_google_is_asked_again_after_a_while(make, waits, status):
    session = make((status, {"Retry-After": "7"}), (status, {}), (200, {}))
    assert session.get(API).status_code == 200
    assert waits[0] == 7
    assert 1 <= waits[1] <= 2


def test_but_not_for_ever(make, waits):
    session = make(*[(503, {})] * 10)
    assert session.get(API).status_code == 503
    assert len(waits) == 3
    session = make((429, {"Retry-After": "3600"}))
    assert session.get(API).status_code == 429
    assert len(waits) == 3


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "http://www.googleapis.com/drive/v3/files",
        "https://googleapis.com.example.com/",
        "https://evilgoogleapis.com/",
        "http://localhost:8801/",
    ],
)
def test_the_token_goes_to_google_alone(make, url):
    session = make()
    with pytest.raises(ForeignHostError):
        session.get(url)
    assert session.script.asked == []


@pytest.mark.parametrize(
    "url", ["https://people.googleapis.com/v1/x", "http://localhost:8800/calendar/v3/x"]
)
def test_any_api_of_google_and_the_configured_endpoints_are_fine(make, url):
    assert make().get(url).status_code == 200


@pytest.mark.parametrize("target", ["https://example.com/file", "https://www.googleapis.com/other"])
def test_a_redirect_gets_no_token(make, target):
    session = make((302, {"Location": target}), (200, {}))
    assert session.get(API).status_code == 200
    assert [a["authorization"] for a in session.script.asked] == ["Bearer ya29.one", None]


def test_a_401_behind_a_redirect_gets_none_either(make):
    session = make((302, {"Location": "https://example.com/file"}), (401, {}))
    assert session.get(API).status_code == 401
    assert [a["authorization"] for a in session.script.asked] == ["Bearer ya29.one", None]


def test_it_shows_nothing(make):
    session = make()
    session.get(API)
    assert "ya29" not in repr(session) + repr(session.auth)
