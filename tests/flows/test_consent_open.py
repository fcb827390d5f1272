"""Links: seen, opened, closed, taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings

from django_goffline.conf import settings
from django_goffline.exceptions import ConsentRefusedError, ConsentRequestError
from django_goffline.flows import consent
from django_goffline.models import Activity, ConsentAttempt, ConsentRequest, OAuthClient, token_hash
from django_goffline.testing.factories import make_user
from tests.consenting import BROWSER, Consents, later, only_attempt, parameters

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(fake_google):
    return Consents(fake_google)


def token_of(started):
    return started.url.rstrip("/").rpartition("/")[2]


def login_rule(rule):
    return override_settings(
        GOFFLINE={
            "BASE_URL": settings.BASE_URL,
            "ENCRYPTION_KEYS": settings.ENCRYPTION_KEYS,
            "ENDPOINTS": settings.ENDPOINTS,
            "CONSENT_LOGIN": rule,
        }
    )


def test_seeing_a_link_notes_the_first_time_and_nothing_else(site):
    started = site.ask()
    assert consent.see(token_of(started), now=site.now, using="default") == started.request
    consent.see(token_of(started), now=later(site.now, hours=1), using="default")
    row = ConsentRequest.objects.get()
    assert (row.seen_at, row.opened_at, row.outcome) == (site.now, None, "")
    assert not ConsentAttempt.objects.exists()


@pytest.mark.parametrize("token", ["", "x" * 43, "\x00", "é", "\ud800", "y" * 100_000])
def test_a_token_of_no_link_finds_nothing(site, token):
    site.ask()
    assert consent.see(token, now=site.now, using="default") is None


def test_opening_binds_a_fresh_attempt_to_the_browser_and_to_the_servers(site):
    request = site.ask().request
    url = site.set_out(request)
    attempt = only_attempt()
    assert attempt.browser_hash == token_hash(BROWSER)
    assert attempt.state_hash == token_hash(parameters(url)["state"])
    assert attempt.nonce_hash == token_hash(parameters(url)["nonce"])
    assert (attempt.issuer, attempt.token_endpoint) == (
        "https://accounts.google.com",
        "http://localhost:8800/token",
    )
    assert attempt.expires_at == site.now + timedelta(seconds=settings.ATTEMPT_LIFETIME)
    assert Activity.objects.filter(kind="consent_opened", request=request).count() == 1


def test_opening_again_makes_another_attempt_and_keeps_the_first_time(site):
    request = site.ask().request
    site.set_out(request)
    site.set_out(request, now=later(site.now, minutes=5))
    assert request.attempts.count() == 2
    assert ConsentRequest.objects.get().opened_at == site.now


def test_no_attempt_outlives_its_request(site):
    request = site.ask(lifetime=timedelta(minutes=10)).request
    site.set_out(request)
    assert only_attempt().expires_at == request.expires_at


def close_by_completion(site, request):
    ConsentRequest.objects.update(completed_at=site.now)


def close_by_withdrawal(site, request):
    assert consent.withdraw(ConsentRequest.objects.all(), now=site.now, using="default") == 1


def close_by_time(site, request):
    ConsentRequest.objects.update(expires_at=site.now)


def close_by_pause(site, request):
    OAuthClient.objects.all().pause(now=site.now, reason="by hand")


CLOSERS = {
    "completed": close_by_completion,
    "withdrawn": close_by_withdrawal,
    "expired": close_by_time,
    "paused": close_by_pause,
}


@pytest.mark.parametrize("code", CLOSERS)
def test_a_closed_request_opens_no_attempt(site, code):
    request = site.ask().request
    CLOSERS[code](site, request)
    request = ConsentRequest.objects.get()
    with pytest.raises(ConsentRefusedError) as refused:
        site.set_out(request)
    assert refused.value.code == code == consent.link_state(request, site.now)
    assert not ConsentAttempt.objects.exists()


@pytest.mark.parametrize("code", ["completed", "withdrawn", "expired"])
def test_a_request_closed_in_the_same_moment_opens_no_attempt(site, code):
    request = site.ask().request
    CLOSERS[code](site, request)
    # The row in hand is older than what the database says.
    with pytest.raises(ConsentRefusedError) as refused:
        site.set_out(request)
    assert refused.value.code == code
    assert not ConsentAttempt.objects.exists()


def test_a_request_deleted_in_the_same_moment_opens_no_attempt(site):
    request = site.ask().request
    ConsentRequest.objects.filter(pk=request.pk).delete()
    with pytest.raises(ConsentRefusedError):
        site.set_out(request)


def test_a_direct_request_has_no_second_attempt(site):
    with pytest.raises(ConsentRefusedError) as refused:
        site.set_out(site.ask(direct=True).request)
    assert refused.value.code == "direct"


def test_an_attempt_needs_a_browser(site):
    with pytest.raises(ValueError, match="browser"):
        site.set_out(site.ask().request, browser_id="")


def test_a_site_that_lost_its_address_says_so(site):
    request = site.ask().request
    with (
        override_settings(GOFFLINE={"ENCRYPTION_KEYS": settings.ENCRYPTION_KEYS}),
        pytest.raises(ConsentRequestError, match="BASE_URL"),
    ):
        site.set_out(request)


@pytest.mark.parametrize(
    ("rule", "named", "visitor", "problem"),
    [
        ("addressed", True, "nobody", "login_needed"),
        ("addressed", True, "other", "wrong_user"),
        ("addressed", True, "named", ""),
        ("addressed", False, "nobody", ""),
        ("any", False, "nobody", "login_needed"),
        ("any", True, "other", ""),
        ("off", True, "nobody", ""),
        ("off", True, "other", ""),
    ],
)
def test_who_must_be_logged_in_is_a_setting(site, rule, named, visitor, problem):
    user = make_user()
    request = site.ask(user=user if named else None).request
    here = {"nobody": None, "other": make_user(), "named": user}[visitor]
    with login_rule(rule):
        assert consent.login_problem(request, here) == problem
        if problem:
            with pytest.raises(ConsentRefusedError) as refused:
                site.set_out(request, user=here)
            assert refused.value.code == problem
        else:
            site.set_out(request, user=here)
            assert only_attempt().started_by == here


def test_an_inactive_addressee_can_not_open(site):
    user = make_user()
    request = site.ask(user=user).request
    user.is_active = False
    user.save()
    request = ConsentRequest.objects.get()
    with pytest.raises(ConsentRefusedError):
        site.set_out(request, user=user)


def test_withdrawing_counts_the_unanswered_and_names_who_did_it(site):
    boss = make_user("boss@example.com")
    for _ in range(3):
        site.ask()
    ConsentRequest.objects.filter(pk=ConsentRequest.objects.first().pk).update(
        completed_at=site.now
    )
    everything = ConsentRequest.objects.all()
    assert consent.withdraw(everything, by=boss, now=site.now, using="default") == 2
    assert consent.withdraw(everything, by=boss, now=site.now, using="default") == 0
    lines = Activity.objects.filter(kind="consent_withdrawn")
    assert [line.actor for line in lines] == ["boss@example.com"] * 2
