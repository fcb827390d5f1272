"""The command that starts the fake guards production."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from django_goffline.testing.fake_google import command_line


@pytest.fixture
def served(monkeypatch):
    """The options of each start; nothing listens."""
    starts = []
    monkeypatch.setattr(command_line, "serve", lambda wanted, *, say: starts.append(wanted))
    return starts


def test_it_refuses_without_debug(settings, served):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="--allow-production"):
        call_command("goffline_fake_google")
    assert served == []
    call_command("goffline_fake_google", "--allow-production")
    assert [start.host for start in served] == ["127.0.0.1"]


def test_it_hands_its_arguments_on(settings, served):
    settings.DEBUG = True
    call_command(
        *("goffline_fake_google", "--demo", "--port", "9", "--host", "::1", "--seed", "3"),
        *("--redirect-uri", "http://localhost/a", "--redirect-uri", "http://localhost/b"),
    )
    uris = ("http://localhost/a", "http://localhost/b")
    assert served == [
        command_line.Options(host="::1", port=9, demo=True, redirect_uris=uris, seed=3)
    ]


def test_a_taken_port_is_a_clear_error(settings, monkeypatch):
    settings.DEBUG = True

    def taken(wanted, *, say):
        raise OSError("in use")

    monkeypatch.setattr(command_line, "serve", taken)
    with pytest.raises(CommandError, match=r"127\.0\.0\.1:8800: in use"):
        call_command("goffline_fake_google")
