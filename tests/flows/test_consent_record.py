"""The grant that a consent leaves, who must approve it, and what is told to whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from django_goffline.exceptions import ConsentRefusedError
from django_goffline.flows import consent
from django_goffline.flows.consent import record as recording
from django_goffline.models import Activity, ConsentOutcome, ConsentRequest, Grant
from django_goffline.protocol.scopes import CALENDAR, CALENDAR_READONLY, EMAIL, OPENID
from django_goffline.signals import consent_completed, grant_activated
from django_goffline.testing.factories import make_grant, make_user
from tests.consenting import ADA, BOB, Consents, answer_exchange, only_attempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(fake_google):
    return Consents(fake_google)


@pytest.fixture
def heard():
    """Signals in order: name and payload."""
    calls = []

    def completed(sender, **payload):
        calls.append(("consent_completed", payload))

    def activated(sender, **payload):
        calls.append(("grant_activated", payload))

    consent_completed.connect(completed)
    grant_activated.connect(activated)
    yield calls
    consent_completed.disconnect(completed)
    grant_activated.disconnect(activated)


def test_a_whole_consent(site, heard, nudges_sent, django_capture_on_commit_callbacks):
    user = make_user()
    request = site.ask(user=user).request
    back = site.agree(site.set_out(request, user=user))
    with django_capture_on_commit_callbacks(execute=True):
        completed = site.come_back(back, user=user)
        assert (heard, nudges_sent) == ([], [])
    grant = Grant.objects.get()
    assert (completed.outcome, completed.grant, completed.missing) == ("granted", grant, ())
    assert (grant.state, grant.user, grant.owner_key) == ("active", user, str(user.pk))
    assert (grant.email, grant.sub) == (ADA, site.fake.oauth.accounts[ADA].sub)
    assert set(grant.granted_scopes) == set(grant.wanted_scopes) == set(request.scopes)
    assert (grant.generation, grant.authorized_at) == (1, site.now)
    assert grant.access_expires_at == site.now + timedelta(seconds=3599)
    assert site.now + timedelta(days=20) < grant.due_at < site.now + timedelta(days=40)
    assert grant.refresh_token.reveal().startswith("1//")
    assert grant.access_token.reveal().startswith("ya29.")
    row = ConsentRequest.objects.get()
    assert (row.outcome, row.completed_at, row.grant) == ("granted", site.now, grant)
    assert [name for name, _ in heard] == ["consent_completed", "grant_activated"]
    assert heard[0][1]["request"] == row
    assert heard[0][1]["granted"] == tuple(grant.granted_scopes)
    assert heard[0][1]["missing"] == ()
    assert nudges_sent == ["goffline.tick"]
    assert Activity.objects.filter(kind="consent_completed", grant=grant).count() == 1


def test_the_refresh_token_works_at_google(site):
    grant = site.whole(expected_email=ADA).grant
    assert site.fake.oauth.refresh_tokens[grant.refresh_token.reveal()]


def test_unticked_boxes_make_a_partial_grant(site):
    completed = site.whole(expected_email=BOB, email=BOB, ticked=[])
    assert (completed.outcome, completed.missing) == ("partial", (CALENDAR_READONLY,))
    assert completed.grant.state == "active"
    assert set(completed.grant.granted_scopes) == {OPENID, EMAIL}
    assert completed.attempt.missing_scopes == [CALENDAR_READONLY]


def test_a_wider_scope_covers_a_narrower_one(site):
    url = site.set_out(site.ask(expected_email=ADA).request)
    back = site.agree(url)
    answer_exchange(site, url, answer={"scope": f"openid email {CALENDAR}"})
    completed = site.come_back(back)
    assert (completed.outcome, completed.missing) == ("granted", ())


def test_an_answer_that_names_no_scope_grants_what_was_asked(site):
    url = site.set_out(site.ask(expected_email=ADA).request)
    back = site.agree(url)
    answer_exchange(site, url, answer={"scope": None})
    assert site.come_back(back).grant.granted_scopes == [CALENDAR_READONLY, EMAIL, OPENID]


# Once more, for a grant that is there.


def test_a_second_consent_renews_the_grant_and_voids_what_is_under_way(site):
    grant = site.whole(expected_email=ADA).grant
    Grant.objects.update(
        lease_id="held", lease_until=site.now, failure_streak=3, error_kind="transient"
    )
    first = grant.refresh_token.reveal()
    site.whole(expected_email=ADA)
    again = Grant.objects.get()
    assert again.pk == grant.pk
    assert again.generation == grant.generation + 1
    assert (again.lease_id, again.lease_until, again.failure_streak) == ("", None, 0)
    assert again.refresh_token.reveal() != first


def test_a_missing_refresh_token_never_overwrites_a_stored_one(site):
    stored = site.whole(expected_email=ADA).grant.refresh_token.reveal()
    url = site.set_out(site.ask(expected_email=ADA).request)
    back = site.agree(url)
    sub = site.fake.oauth.accounts[ADA].sub
    answer_exchange(site, url, answer={"refresh_token": None}, sub=sub)
    completed = site.come_back(back)
    assert completed.outcome == ConsentOutcome.GRANTED
    grant = Grant.objects.get()
    assert grant.refresh_token.reveal() == stored
    assert grant.access_token.reveal() == "ya29.planted-access-token"


@pytest.mark.parametrize("state", ["needs_consent", "revoked"])
def test_a_dead_refresh_token_is_no_lasting_access(site, state):
    site.whole(expected_email=ADA)
    Grant.objects.update(state=state)
    url = site.set_out(site.ask(expected_email=ADA).request)
    back = site.agree(url)
    sub = site.fake.oauth.accounts[ADA].sub
    answer_exchange(site, url, answer={"refresh_token": None}, sub=sub)
    assert site.come_back(back).outcome == ConsentOutcome.NO_REFRESH_TOKEN
    assert Grant.objects.get().state == state


def test_one_account_under_two_users_is_two_grants(site):
    for _ in range(2):
        user = make_user()
        site.whole(user=user)
    assert Grant.objects.count() == 2


def test_what_was_wanted_before_stays_wanted(site):
    site.whole(expected_email=ADA)
    grant = make_grant_wanted_more()
    site.whole(expected_email=ADA)
    grant.refresh_from_db()
    assert CALENDAR in grant.wanted_scopes


def make_grant_wanted_more():
    grant = Grant.objects.get()
    grant.wanted_scopes = [*grant.wanted_scopes, CALENDAR]
    grant.save(update_fields=["wanted_scopes"])
    return grant


def test_what_an_operator_paused_stays_paused(site):
    site.whole(expected_email=ADA)
    Grant.objects.all().pause(reason="holiday")
    completed = site.whole(expected_email=ADA)
    assert (completed.grant.state, completed.grant.reason) == ("paused", "holiday")
    assert completed.grant.due_at is None


def test_the_signal_of_activation_is_for_grants_that_were_not_active(
    site, heard, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        site.whole(expected_email=ADA)
        site.whole(expected_email=ADA)
    Grant.objects.update(state="needs_consent")
    with django_capture_on_commit_callbacks(execute=True):
        site.whole(expected_email=ADA)
    assert [name for name, _ in heard].count("grant_activated") == 2


def test_a_grant_made_in_the_same_moment_is_taken_over(site, monkeypatch):
    user = make_user()
    back = site.agree(site.set_out(site.ask(user=user).request, user=user))
    real, looks = recording._stored, []

    def late(consented, *, using):
        looks.append(1)
        if len(looks) == 1:
            make_grant(
                site.fake, email=ADA, client=site.client, user=user, generation=5, lease_id="held"
            )
            return None
        return real(consented, using=using)

    monkeypatch.setattr(recording, "_stored", late)
    site.come_back(back, user=user)
    grant = Grant.objects.get()
    assert (grant.generation, grant.lease_id, grant.authorized_at) == (6, "", site.now)


# Whose account is it?


def test_an_answer_that_proves_nothing_awaits_approval(
    site, heard, nudges_sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        completed = site.whole()
    grant = completed.grant
    assert completed.outcome == ConsentOutcome.AWAITING_APPROVAL
    assert (grant.state, grant.reason, grant.due_at) == ("paused", "awaiting_approval", None)
    assert only_attempt().outcome == ConsentRequest.objects.get().outcome == "awaiting_approval"
    assert [name for name, _ in heard] == ["consent_completed"]
    assert nudges_sent == []


def test_a_request_for_a_user_that_nobody_logged_in_for_awaits_approval(site, settings):
    settings.GOFFLINE = {**settings.GOFFLINE, "CONSENT_LOGIN": "off"}
    request = site.ask(user=make_user()).request
    assert site.come_back(site.agree(site.set_out(request))).outcome == "awaiting_approval"


@pytest.mark.parametrize(
    ("who", "outcome"),
    [
        ("nobody", "awaiting_approval"),
        ("somebody", "awaiting_approval"),
        ("addressed", "granted"),
        ("asker", "granted"),
    ],
)
def test_a_direct_url_is_proved_by_who_brings_the_answer(site, who, outcome):
    addressed, asker = make_user(), make_user()
    started = site.ask(user=addressed, asked_by=asker, direct=True)
    user = {"nobody": None, "somebody": make_user(), "addressed": addressed, "asker": asker}[who]
    completed = site.come_back(site.agree(started.url), user=user)
    assert completed.outcome == outcome
    assert completed.grant.user == addressed


def test_a_direct_url_with_an_expected_account_is_proved_by_it(site):
    started = site.ask(direct=True, expected_email=ADA)
    assert site.come_back(site.agree(started.url)).outcome == "granted"


def test_a_direct_url_is_bound_to_the_browser_that_answers(site):
    back = site.agree(site.ask(direct=True, expected_email=ADA).url)
    site.come_back(back, browser_id="the-first-browser")
    with pytest.raises(ConsentRefusedError) as refused:
        site.come_back(back, browser_id="another-browser")
    assert refused.value.code == "wrong_browser"


def test_the_asker_of_a_link_does_not_prove_it(site, settings):
    settings.GOFFLINE = {**settings.GOFFLINE, "CONSENT_LOGIN": "off"}
    asker = make_user()
    request = site.ask(user=make_user(), asked_by=asker).request
    back = site.agree(site.set_out(request, user=asker))
    assert site.come_back(back, user=asker).outcome == "awaiting_approval"


def test_an_accepted_grant_needs_no_second_approval(site):
    grant = site.whole().grant
    consent.approve(Grant.objects.all(), by=None, now=site.now, using="default")
    completed = site.whole()
    assert (completed.outcome, completed.grant) == ("granted", grant)


@pytest.mark.parametrize("gone", ["revoked", "waiting"])
def test_a_discarded_or_waiting_grant_is_not_accepted(site, gone):
    site.whole()
    if gone == "revoked":
        consent.discard(Grant.objects.all(), by=None, now=site.now, using="default")
    assert site.whole().outcome == "awaiting_approval"


def test_approval_makes_the_grant_usable(
    site, heard, nudges_sent, django_capture_on_commit_callbacks
):
    boss = make_user("boss@example.com")
    grant = site.whole(ticked=[]).grant
    with django_capture_on_commit_callbacks(execute=True):
        assert consent.approve(Grant.objects.all(), by=boss, now=site.now, using="default") == 1
        assert consent.approve(Grant.objects.all(), by=boss, now=site.now, using="default") == 0
    again = Grant.objects.get()
    assert (again.state, again.due_at) == ("active", site.now)
    assert again.generation == grant.generation + 1
    assert ConsentRequest.objects.get().outcome == "partial"
    assert [name for name, _ in heard] == ["grant_activated"]
    assert nudges_sent == ["goffline.tick"]
    assert Activity.objects.get(kind="grant_approved").actor == "boss@example.com"


def test_discarding_forgets_the_tokens_and_says_so(site):
    site.whole()
    boss = make_user("boss@example.com")
    assert consent.discard(Grant.objects.all(), by=boss, now=site.now, using="default") == 1
    assert consent.discard(Grant.objects.all(), by=boss, now=site.now, using="default") == 0
    grant = Grant.objects.get()
    assert (grant.state, bool(grant.refresh_token), bool(grant.access_token)) == (
        "revoked",
        False,
        False,
    )
    assert ConsentRequest.objects.get().outcome == "wrong_account"
    assert Activity.objects.filter(kind="grant_revoked", actor="boss@example.com").count() == 1


def test_active_grants_are_neither_approved_nor_discarded(site):
    site.whole(expected_email=ADA)
    everything = Grant.objects.all()
    assert consent.approve(everything, by=None, now=site.now, using="default") == 0
    assert consent.discard(everything, by=None, now=site.now, using="default") == 0
    assert Grant.objects.get().state == "active"


@pytest.mark.parametrize(
    ("asks", "permitted", "may"),
    [("other", False, False), ("other", True, True), ("self", False, False), ("self", True, True)],
)
def test_who_may_approve(site, settings, asks, permitted, may):
    settings.GOFFLINE = {**settings.GOFFLINE, "CONSENT_LOGIN": "off"}
    me, somebody = make_user(), make_user()
    if permitted:
        me.user_permissions.add(Permission.objects.get(codename="approve_grant"))
    asker = me if asks == "self" else somebody
    request = site.ask(user=asker, asked_by=asker).request
    grant = site.come_back(site.agree(site.set_out(request))).grant
    assert grant.reason == "awaiting_approval"
    assert consent.may_approve(me, grant) is may


def test_the_asker_of_somebody_elses_consent_may_approve(site, settings):
    settings.GOFFLINE = {**settings.GOFFLINE, "CONSENT_LOGIN": "off"}
    boss = make_user()
    request = site.ask(user=make_user(), asked_by=boss).request
    grant = site.come_back(site.agree(site.set_out(request))).grant
    assert consent.may_approve(boss, grant)
    boss.is_active = False
    assert not consent.may_approve(boss, grant)
