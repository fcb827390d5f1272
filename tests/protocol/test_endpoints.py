from __future__ import annotations

from dataclasses import replace

import pytest

from django_goffline.protocol.endpoints import GOOGLE, Endpoints, host_of, is_loopback


def test_google_is_google():
    assert GOOGLE.is_google()
    assert GOOGLE.insecure_urls() == ()
    assert GOOGLE.hosts() == {
        "accounts.google.com",
        "oauth2.googleapis.com",
        "openidconnect.googleapis.com",
        "www.googleapis.com",
    }
    assert GOOGLE.issuers == ("https://accounts.google.com", "accounts.google.com")


def test_everything_behind_one_base_url():
    fake = Endpoints.at("http://127.0.0.1:8800/")
    assert fake.urls() == (
        "http://127.0.0.1:8800/o/oauth2/v2/auth",
        "http://127.0.0.1:8800/o/oauth2/auth",
        "http://127.0.0.1:8800/token",
        "http://127.0.0.1:8800/revoke",
        "http://127.0.0.1:8800/v1/userinfo",
        "http://127.0.0.1:8800/oauth2/v3/certs",
        "http://127.0.0.1:8800/calendar/v3/",
    )
    assert fake.hosts() == {"127.0.0.1:8800"}
    assert fake.issuer == GOOGLE.issuer
    assert not fake.is_google()


def test_plain_http_is_insecure_outside_of_loopback():
    assert Endpoints.at("http://localhost:1").insecure_urls() == ()
    away = replace(GOOGLE, token="http://fake.example/token")
    assert away.insecure_urls() == ("http://fake.example/token",)
    assert not away.is_google()


def test_google_over_plain_http_is_not_google():
    assert not replace(GOOGLE, token="http://oauth2.googleapis.com/token").is_google()


def test_authorization_origin():
    split = replace(GOOGLE, authorization_legacy="http://localhost:99/o/oauth2/auth")
    assert split.authorization_origin(legacy=False) == "https://accounts.google.com"
    assert split.authorization_origin(legacy=True) == "http://localhost:99"


def test_calendar_base_needs_its_slash():
    with pytest.raises(ValueError, match="slash"):
        replace(GOOGLE, calendar="https://www.googleapis.com/calendar/v3")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.COM/x", "example.com"),
        ("https://example.com:443/x", "example.com"),
        ("http://example.com:443/x", "example.com:443"),
        ("http://[::1]:8000/x", "[::1]:8000"),
        ("https://user:pass@example.com/", "example.com"),
        ("not a url", ""),
    ],
)
def test_host_of(url, host):
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:8000", True),
        ("http://127.8.0.1/", True),
        ("http://[::1]/", True),
        ("http://localhost.example.com", False),
        ("http://10.0.0.1", False),
        ("http://[broken", False),
        ("", False),
    ],
)
def test_is_loopback(url, loopback):
    assert is_loopback(url) is loopback
