"""``goffline_authorize``: a real browser's part over real HTTP, answered on loopback."""

from __future__ import annotations

import threading
import webbrowser

import pytest
import requests
from django.core.management import call_command
from django.core.management.base import CommandError

from django_goffline.management.loopback import LoopbackListener, read_answer
from django_goffline.models import Grant, OAuthClient
from django_goffline.testing.browser import agree, refuse
from django_goffline.testing.factories import make_client

ADA = "ada@example.com"


@pytest.fixture
def desktop(fake_google_server):
    """A desktop client that the fake knows, and Ada's account."""
    fake = fake_google_server.fake
    fake.add_account(ADA)
    return make_client(fake, kind=OAuthClient.Kind.INSTALLED)


@pytest.fixture
def browser(monkeypatch):
    """Opens what the command opens, as Ada, in a thread of its own; joined at the end."""
    opened = []

    def person(url, answer):
        location = answer(url, email=ADA)
        requests.get(location, timeout=10)

    def using(answer):
        def open_page(url):
            thread = threading.Thread(target=person, args=(url, answer))
            thread.start()
            opened.append(thread)
            return True

        monkeypatch.setattr(webbrowser, "open", open_page)

    yield using
    for thread in opened:
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_the_person_at_the_terminal_agrees(desktop, browser, capsys):
    browser(agree)
    call_command("goffline_authorize", email=ADA, seconds=20)
    grant = Grant.objects.get()
    assert (grant.state, grant.email) == (Grant.State.ACTIVE, ADA)
    assert grant.refresh_token.reveal()
    said = capsys.readouterr().out
    assert f"Stored: grant {grant.pk}" in said
    assert grant.refresh_token.reveal() not in said


@pytest.mark.django_db(transaction=True)
def test_an_account_that_nobody_named_is_confirmed_at_the_terminal(desktop, browser, monkeypatch):
    browser(agree)
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or "y")
    call_command("goffline_authorize", seconds=20)
    assert ADA in asked[0]
    assert Grant.objects.get().state == Grant.State.ACTIVE


@pytest.mark.django_db(transaction=True)
def test_the_wrong_account_waits_paused(desktop, browser, monkeypatch):
    browser(agree)
    monkeypatch.setattr("builtins.input", lambda text: "n")
    with pytest.raises(CommandError, match="approve or discard"):
        call_command("goffline_authorize", seconds=20)
    assert Grant.objects.get().state == Grant.State.PAUSED


@pytest.mark.django_db(transaction=True)
def test_a_refusal_stores_nothing(desktop, browser):
    browser(refuse)
    with pytest.raises(CommandError, match="No grant"):
        call_command("goffline_authorize", email=ADA, seconds=20)
    assert not Grant.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_final_address_may_be_pasted(desktop, monkeypatch, capsys):
    def paste(text):
        url = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("http"))
        return agree(url, email=ADA)

    monkeypatch.setattr("builtins.input", paste)
    call_command("goffline_authorize", email=ADA, paste=True)
    assert Grant.objects.get().state == Grant.State.ACTIVE


@pytest.mark.django_db(transaction=True)
def test_no_answer_says_so(desktop, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda url: True)
    with pytest.raises(CommandError, match="No answer came"):
        call_command("goffline_authorize", seconds=0.05)
    assert not Grant.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_web_client_is_refused(fake_google_server):
    make_client(fake_google_server.fake)
    with pytest.raises(CommandError, match="desktop"):
        call_command("goffline_authorize")


def test_a_doubled_parameter_is_no_answer():
    assert read_answer("http://127.0.0.1/?state=a&state=b&code=c") is None
    assert read_answer("http://127.0.0.1/?code=c") is None
    assert read_answer("http://127.0.0.1/?state=a&code=4%2Fc").code == "4/c"


def test_other_requests_are_not_the_answer():
    with LoopbackListener() as listener:
        statuses = []
        thread = threading.Thread(
            target=lambda: [
                statuses.append(requests.get(listener.redirect_uri + path, timeout=5).status_code)
                for path in ("favicon.ico", "?state=s&code=c")
            ]
        )
        thread.start()
        answer = listener.wait(seconds=5)
        thread.join()
    assert statuses == [404, 200]
    assert (answer.state, answer.code) == ("s", "c")
