"""Google's answer: consumed once, after the browser is checked; every way in which it does not become a grant."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import override_settings

from django_goffline.conf import settings
from django_goffline.exceptions import ConsentRefusedError, OpenTransactionError
from django_goffline.flows import consent
from django_goffline.flows.consent import completing
from django_goffline.models import (
    Activity,
    ConsentAttempt,
    ConsentOutcome,
    ConsentRequest,
    Grant,
    OAuthClient,
)
from django_goffline.testing.factories import make_user
from tests.consenting import ADA, Consents, later, only_attempt, read

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


# Before the code is used.


@pytest.mark.parametrize("state", ["", "unknown", "\x00", "é", "\ud800", "s" * 100_000])
def test_an_unknown_state_is_refused_without_an_exchange(site, state):
    site.set_out(site.ask().request)
    answer = consent.CallbackAnswer(state=state, code="4/code")
    with pytest.raises(ConsentRefusedError) as refused:
        consent.complete(answer, browser_id="b", user=None, now=site.now, using="default")
    assert refused.value.code == "unknown_state"
    assert site.exchanges == 0
    assert only_attempt().consumed_at is None


@pytest.mark.parametrize("agrees", [True, False])
@pytest.mark.parametrize("browser_id", ["", "another-browser"])
def test_a_wrong_browser_consumes_nothing(site, agrees, browser_id):
    url = site.set_out(site.ask(expected_email=ADA).request)
    back = site.agree(url) if agrees else site.refuse(url)
    with pytest.raises(ConsentRefusedError) as refused:
        site.come_back(back, browser_id=browser_id)
    assert refused.value.code == "wrong_browser"
    assert (only_attempt().consumed_at, only_attempt().outcome) == (None, "")
    assert site.exchanges == 0
    # The right one can still use it.
    expected = ConsentOutcome.GRANTED if agrees else ConsentOutcome.REFUSED
    assert site.come_back(back).outcome == expected


def test_an_answer_is_used_once(site):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    site.come_back(back)
    with pytest.raises(consent.AttemptClosedError) as closed:
        site.come_back(back)
    assert closed.value.code == "used"
    assert closed.value.attempt == only_attempt()
    assert site.exchanges == 1
    assert Grant.objects.get().generation == 1


def test_of_two_answers_in_the_same_moment_one_counts(site, monkeypatch):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    # Both have found the attempt before either consumed it.
    found = [completing._find(read(back).state, using="default") for _ in range(2)]
    monkeypatch.setattr(completing, "_find", lambda state, *, using: found.pop())
    assert site.come_back(back).outcome == ConsentOutcome.GRANTED
    with pytest.raises(consent.AttemptClosedError) as closed:
        site.come_back(back)
    assert closed.value.code == "used"
    assert site.exchanges == 1


def test_the_attempt_is_consumed_before_the_exchange(site, monkeypatch):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    seen = []

    def exchange(*args, **kwargs):
        attempt = only_attempt()
        seen.append((attempt.consumed_at, attempt.outcome, bool(attempt.code_verifier)))
        raise SystemExit

    monkeypatch.setattr(completing, "exchange_code", exchange)
    with pytest.raises(SystemExit):
        site.come_back(back)
    assert seen == [(site.now, "interrupted", False)]


def test_a_crash_after_the_exchange_reads_interrupted_and_the_link_stays_usable(site, monkeypatch):
    request = site.ask(expected_email=ADA).request
    back = site.agree(site.set_out(request))

    def crash(*args, **kwargs):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(completing, "record", crash)
        with pytest.raises(SystemExit):
            site.come_back(back)
    attempt = only_attempt()
    assert attempt.outcome == ConsentOutcome.INTERRUPTED
    assert attempt.request.completed_at is None
    assert site.come_back(site.agree(site.set_out(request))).outcome == ConsentOutcome.GRANTED


def test_an_expired_attempt_is_not_consumed(site):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    with pytest.raises(consent.AttemptClosedError) as closed:
        site.come_back(back, now=later(site.now, seconds=settings.ATTEMPT_LIFETIME))
    assert closed.value.code == "expired"
    assert only_attempt().consumed_at is None
    assert site.exchanges == 0


def test_a_withdrawn_request_takes_no_answer(site):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    consent.withdraw(ConsentRequest.objects.all(), now=site.now, using="default")
    with pytest.raises(consent.AttemptClosedError) as closed:
        site.come_back(back)
    assert closed.value.code == "withdrawn"
    assert (site.exchanges, Grant.objects.count()) == (0, 0)


def test_two_tabs_work_side_by_side_and_one_answer_counts(site):
    request = site.ask(expected_email=ADA).request
    first, second = (site.agree(site.set_out(request)) for _ in range(2))
    assert site.come_back(second).outcome == ConsentOutcome.GRANTED
    with pytest.raises(consent.AttemptClosedError) as closed:
        site.come_back(first)
    assert closed.value.code == "completed"
    assert site.exchanges == 1


@pytest.mark.parametrize("closing", ["completed", "withdrawn"])
def test_a_request_closed_during_the_exchange_records_nothing(site, monkeypatch, closing):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    real = completing.exchange_code

    def exchange(*args, **kwargs):
        ConsentRequest.objects.update(**{f"{closing}_at": site.now})
        return real(*args, **kwargs)

    monkeypatch.setattr(completing, "exchange_code", exchange)
    with pytest.raises(consent.AttemptClosedError) as closed:
        site.come_back(back)
    assert closed.value.code == closing
    assert not Grant.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_open_transaction_is_refused_before_anything(site):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    with transaction.atomic(), pytest.raises(OpenTransactionError):
        site.come_back(back)
    assert only_attempt().consumed_at is None


# What Google's answer says.


def test_a_refusal_leaves_the_request_open(site):
    request = site.ask().request
    assert_refused(site.come_back(site.refuse(site.set_out(request))), ConsentOutcome.REFUSED)
    assert site.exchanges == 0


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"error": "admin_policy_enforced", "code": ""}, ConsentOutcome.ADMIN_POLICY),
        (
            {"error": "access_denied", "error_subtype": "admin_policy_enforced", "code": ""},
            ConsentOutcome.ADMIN_POLICY,
        ),
        ({"error": "server_error", "code": ""}, ConsentOutcome.GOOGLE_ERROR),
        # An error counts, whatever else came.
        ({"error": "access_denied"}, ConsentOutcome.REFUSED),
        ({"code": ""}, ConsentOutcome.ANSWER_INVALID),
        ({"code": "4/" + "x" * 5000}, ConsentOutcome.ANSWER_INVALID),
        ({"code": "4/\x00"}, ConsentOutcome.ANSWER_INVALID),
        ({"iss": "https://evil.example"}, ConsentOutcome.ANSWER_INVALID),
        ({"iss": "https://evil.example", "error": "access_denied"}, ConsentOutcome.ANSWER_INVALID),
    ],
)
def test_an_answer_that_must_not_be_exchanged(site, changed, outcome):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    assert_refused(site.come_back(back, **changed), outcome)
    assert site.exchanges == 0


def test_an_answer_without_an_issuer_is_accepted(site):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    assert site.come_back(back, iss="").outcome == ConsentOutcome.GRANTED


def test_what_an_error_says_is_kept_only_if_it_is_a_plain_word(site):
    request = site.ask().request
    for error in ("server_error", "<script>alert(1)</script>"):
        site.come_back(site.refuse(site.set_out(request)), error=error)
    texts = set(Activity.objects.filter(kind="consent_refused").values_list("text", flat=True))
    assert texts == {"Google reported an error: server_error", "Google reported an error"}


@pytest.mark.parametrize("changed", [{"issuer": "https://else.example"}, {"token_endpoint": "x"}])
def test_endpoints_that_changed_meanwhile_refuse_the_answer(site, changed):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    ConsentAttempt.objects.update(**changed)
    assert_refused(site.come_back(back), ConsentOutcome.ENDPOINTS_CHANGED)
    assert site.exchanges == 0


def test_a_code_is_never_sent_in_clear_text_over_a_network(site):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    ConsentAttempt.objects.update(token_endpoint="http://google.example/token")
    elsewhere = {**settings_now(), "ENDPOINTS": "http://google.example"}
    with override_settings(GOFFLINE=elsewhere):
        assert_refused(site.come_back(back), ConsentOutcome.ANSWER_INVALID)
    assert site.exchanges == 0


def settings_now():
    return {"BASE_URL": settings.BASE_URL, "ENCRYPTION_KEYS": settings.ENCRYPTION_KEYS}


def test_a_client_paused_meanwhile_is_not_used(site):
    back = site.agree(site.set_out(site.ask(expected_email=ADA).request))
    OAuthClient.objects.all().pause(now=site.now, reason="by hand")
    assert_refused(site.come_back(back), ConsentOutcome.INTERRUPTED)
    assert site.exchanges == 0


@pytest.mark.parametrize("here", ["nobody", "other"])
def test_the_user_who_set_out_must_come_back(site, here):
    user = make_user()
    back = site.agree(site.set_out(site.ask(user=user).request, user=user))
    came = None if here == "nobody" else make_user()
    assert_refused(site.come_back(back, user=came), ConsentOutcome.WRONG_USER)
    assert site.exchanges == 0


def test_a_user_who_was_made_inactive_meanwhile_is_refused(site):
    user = make_user()
    back = site.agree(site.set_out(site.ask(user=user, expected_email=ADA).request, user=user))
    type(user).objects.update(is_active=False)
    with pytest.raises(consent.AttemptClosedError):
        site.come_back(back, user=user)
    assert not Grant.objects.exists()
