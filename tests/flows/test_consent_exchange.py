"""The exchange, and what the answer to it must prove before it becomes a grant."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_goffline.flows import consent
from django_goffline.models import (
    Activity,
    ConsentAttempt,
    ConsentOutcome,
    Grant,
    OAuthClient,
)
from django_goffline.protocol.scopes import CALENDAR_READONLY
from django_goffline.testing.factories import make_client, make_grant
from django_goffline.testing.fake_google import Fault
from tests.consenting import ADA, BOB, Consents, answer_exchange, later, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(fake_google):
    return Consents(fake_google)


def assert_refused(completed, outcome):
    """The attempt says why, the request is open still, and no grant came of it."""
    assert completed.outcome == outcome
    assert completed.grant is None
    attempt = ConsentAttempt.objects.get(pk=completed.attempt.pk)
    assert (attempt.outcome, attempt.request.outcome) == (outcome, outcome)
    assert attempt.consumed_at is not None
    assert attempt.request.completed_at is None
    assert not Grant.objects.exists()
    assert Activity.objects.filter(kind="consent_refused", request=attempt.request).count() == 1


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"status": 503}, ConsentOutcome.INTERRUPTED),
        ({"cut": "before"}, ConsentOutcome.INTERRUPTED),
        ({"status": 400, "reason": "invalid_grant"}, ConsentOutcome.GOOGLE_ERROR),
        ({"status": 400, "reason": "admin_policy_enforced"}, ConsentOutcome.ADMIN_POLICY),
        ({"status": 418, "body": "<html>"}, ConsentOutcome.GOOGLE_ERROR),
        ({"status": 200, "body": "<html>"}, ConsentOutcome.INTERRUPTED),
        ({"status": 200, "body": {"token_type": "Bearer"}}, ConsentOutcome.INTERRUPTED),
    ],
)
def test_an_exchange_that_fails(site, fault, outcome):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    site.fake.faults.add(Fault(path=r"/token$", **fault))
    assert_refused(site.come_back(back), outcome)
    assert not OAuthClient.objects.filter(paused_at__isnull=False).exists()


def test_a_client_that_google_refuses_is_paused(site):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    site.fake.oauth.delete_client(site.client.client_id)
    assert_refused(site.come_back(back), ConsentOutcome.GOOGLE_ERROR)
    assert OAuthClient.objects.get().paused_at == site.now


def test_secrets_that_cannot_be_opened_end_in_a_plain_page(site):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    OAuthClient.objects.update(client_secret="gof1.gone.AAAA")
    assert_refused(site.come_back(back), ConsentOutcome.INTERRUPTED)


def test_a_site_that_lost_its_keys_ends_in_a_plain_page(site, settings):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    settings.GOFFLINE = {**settings.GOFFLINE, "ENCRYPTION_KEYS": []}
    assert_refused(site.come_back(back), ConsentOutcome.INTERRUPTED)
    assert site.exchanges == 0


@pytest.mark.parametrize(
    ("claims", "outcome"),
    [
        ({"iss": "https://evil.example"}, ConsentOutcome.ANSWER_INVALID),
        ({"aud": "another-client"}, ConsentOutcome.ANSWER_INVALID),
        ({"azp": "another-client"}, ConsentOutcome.ANSWER_INVALID),
        ({"nonce": "another-nonce"}, ConsentOutcome.ANSWER_INVALID),
        ({"nonce": "\ud800"}, ConsentOutcome.ANSWER_INVALID),
        ({"nonce": None}, ConsentOutcome.ANSWER_INVALID),
        ({"exp": 1_000_000_000}, ConsentOutcome.ANSWER_INVALID),
        ({"iat": 9_000_000_000}, ConsentOutcome.ANSWER_INVALID),
        ({"sub": None}, ConsentOutcome.ANSWER_INVALID),
        ({"sub": "12\x0034"}, ConsentOutcome.ANSWER_INVALID),
        ({"email": BOB}, ConsentOutcome.WRONG_ACCOUNT),
        ({"email": None}, ConsentOutcome.WRONG_ACCOUNT),
        ({"email_verified": False}, ConsentOutcome.WRONG_ACCOUNT),
        ({"email_verified": None}, ConsentOutcome.WRONG_ACCOUNT),
    ],
)
def test_an_id_token_that_proves_something_else(site, claims, outcome):
    url = site.set_out(site.ask(expected_email=ADA).request)
    back = site.agree(url)
    answer_exchange(site, url, **claims)
    assert_refused(site.come_back(back), outcome)


@pytest.mark.parametrize("token", [None, "", "no-token", "a.b.c"])
def test_an_answer_without_an_id_token_is_refused(site, token):
    url = site.set_out(site.ask(expected_email=ADA).request)
    back = site.agree(url)
    answer_exchange(site, url, answer={"id_token": token})
    assert_refused(site.come_back(back), ConsentOutcome.ANSWER_INVALID)


@pytest.mark.parametrize(
    ("expected", "answered"),
    [
        ("Ada@Example.com", "ada@example.COM"),
        ("ada@gmail.com", "ada@googlemail.com"),
        ("ada@googlemail.com", "Ada@gmail.com"),
    ],
)
def test_addresses_that_name_one_google_account(site, expected, answered):
    url = site.set_out(site.ask(expected_email=expected).request)
    back = site.agree(url)
    answer_exchange(site, url, email=answered, email_verified="true")
    assert site.come_back(back).outcome == ConsentOutcome.GRANTED


def test_another_google_account_is_refused_and_its_tokens_are_dropped(site):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request), email=BOB)
    assert_refused(site.come_back(back), ConsentOutcome.WRONG_ACCOUNT)
    assert site.fake.journal.count(path=r"/revoke$") == 0


def test_a_repair_takes_the_same_account_only(site):
    grant = make_grant(site.fake, email=ADA, client=site.client, state="needs_consent")
    request = site.ask(repairs=grant).request
    refused = site.come_back(site.agree(site.set_out(request), email=BOB))
    assert refused.outcome == ConsentOutcome.WRONG_ACCOUNT
    assert Grant.objects.get().state == "needs_consent"
    repaired = site.come_back(site.agree(site.set_out(request), email=ADA))
    assert (repaired.outcome, repaired.grant) == (ConsentOutcome.GRANTED, grant)
    assert repaired.grant.state == "active"


def test_the_domain_counts_by_the_claim_and_not_by_the_query(fake_google):
    site = Consents(fake_google, client=make_client(fake_google, hosted_domain="example.com"))
    url = site.set_out(site.ask(expected_email=ADA).request)
    back = site.agree(url)
    answer_exchange(site, url, hd="evil.example")
    assert_refused(site.come_back(back + "&hd=example.com"), ConsentOutcome.WRONG_DOMAIN)


def test_no_lasting_access_is_said_and_stores_nothing(site):
    url = site.set_out(site.ask(expected_email=ADA).request)
    back = site.agree(url)
    answer_exchange(site, url, answer={"refresh_token": None})
    assert_refused(site.come_back(back), ConsentOutcome.NO_REFRESH_TOKEN)


def test_no_repr_and_no_log_shows_what_the_answer_carries(site, caplog):
    caplog.set_level("DEBUG")
    url = site.set_out(site.ask(expected_email=ADA).request)
    back = site.agree(url)
    answer = read(back)
    site.come_back(back)
    for secret in (answer.state, answer.code):
        assert secret not in caplog.text
        assert secret not in repr(answer)


def test_extra_parameters_change_nothing(site):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    assert site.come_back(back + "&x=y").outcome == ConsentOutcome.GRANTED


def test_a_short_lived_direct_url(site):
    started = site.ask(direct=True, lifetime=timedelta(minutes=1), expected_email=ADA)
    back = site.agree(started.url)
    with pytest.raises(consent.AttemptClosedError):
        site.come_back(back, now=later(site.now, minutes=1))
    assert CALENDAR_READONLY in started.request.scopes
