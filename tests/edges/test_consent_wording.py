"""What the pages say, in whose template, under which address."""

from __future__ import annotations

import pytest
from django.test import Client
from django.test.utils import override_script_prefix
from django.utils import translation
from django.utils.html import escape

from django_goffline.flows import consent
from django_goffline.models import (
    ConsentAttempt,
    ConsentOutcome,
    OAuthClient,
)
from django_goffline.testing.factories import make_client
from django_goffline.views.wording import MESSAGES, OUTCOMES, in_words
from tests.consenting import ADA, Consents, parameters
from tests.edges.pages import come_back, open_link, path_of, set_out, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(fake_google):
    return Consents(fake_google)


@pytest.fixture
def person():
    """A browser that checks CSRF, on the host of the redirect URI."""
    return Client(enforce_csrf_checks=True, headers={"host": "localhost:8000"})


@pytest.fixture
def stranger():
    return Client(headers={"host": "localhost:8000"})


def test_every_outcome_has_a_page_and_every_link_state_a_message():
    assert set(OUTCOMES) == set(ConsentOutcome.values)
    assert set(consent.LinkState.values) - {"open"} <= set(MESSAGES)


@pytest.mark.parametrize("outcome", ConsentOutcome.values)
def test_every_outcome_can_be_shown(site, person, outcome):
    set_out(person, site.ask())
    ConsentAttempt.objects.update(outcome=outcome, consumed_at=site.now)
    answer = person.get(f"/goffline/result/{ConsentAttempt.objects.get().public_id}/")
    assert answer.status_code == OUTCOMES[outcome].status
    assert escape(str(OUTCOMES[outcome].heading)) in text_of(answer)


def test_an_unknown_scope_is_shown_as_it_is(site, person):
    scope = "https://www.googleapis.com/auth/drive.metadata"
    assert in_words([scope])[0].words == ""
    page = person.get(open_link(person, site.ask(scopes=[scope])))
    assert f"use <code>{scope}</code>" in text_of(page)


def test_templates_can_be_overridden(site, person, tmp_path, settings):
    (tmp_path / "goffline").mkdir()
    (tmp_path / "goffline" / "connect.html").write_text("Our own: {{ site }} {% csrf_token %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [str(tmp_path)]}]
    assert "Our own: localhost:8000" in text_of(person.get(open_link(person, site.ask())))


def test_urls_below_a_script_name(site, stranger):
    started = site.ask()
    with override_script_prefix("/sub/"):
        # What is told to Google, and sent to people, is the same in every context.
        assert path_of(site.ask().url).startswith("/goffline/connect/")
        answer = stranger.get(path_of(started.url))
        assert answer.headers["Location"].startswith("/sub/goffline/connect/")


@pytest.mark.urls("tests.edges.urls_by_language")
def test_urls_that_begin_with_the_language(fake_google, person, settings):
    settings.LANGUAGE_CODE = "en"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    redirect_uri = "http://localhost:8000/en/goffline/callback/"
    site = Consents(fake_google, client=make_client(fake_google, redirect_uri=redirect_uri))
    OAuthClient.objects.update(redirect_uri="")
    site.client.refresh_from_db()
    with translation.override("de"):
        started = site.ask(expected_email=ADA)
    url = set_out(person, started)
    assert parameters(url)["redirect_uri"] == redirect_uri
    assert "is connected" in text_of(come_back(site, person, url))
