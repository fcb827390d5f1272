"""The life of a grant, without a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_goffline.lifecycle import (
    ACTIVE,
    BACKOFF_CAP,
    CAUSES,
    CONFIRMING,
    NEEDS_CONSENT,
    NEXT_STEPS,
    GrantFacts,
    backoff,
    decide_refresh,
    diagnose,
    next_pull,
    next_refresh,
)
from django_goffline.protocol.errors import (
    AnswerError,
    ClientBrokenError,
    DeadlineExceeded,
    GrantDeadError,
    PolicyError,
    RequestRejectedError,
    ThrottledError,
    TransientError,
)
from django_goffline.protocol.oauth import TokenReply
from django_goffline.protocol.scopes import CALENDAR_READONLY, EMAIL, OPENID

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
KEEP_ALIVE = timedelta(days=30)
AHEAD = timedelta(minutes=5)
UNIFORM = st.floats(0, 1, exclude_max=True)


def decide(outcome, *, uniform=0.5, **facts):
    return decide_refresh(
        GrantFacts(**facts),
        outcome,
        now=NOW,
        keep_alive=KEEP_ALIVE,
        refresh_ahead=AHEAD,
        uniform=uniform,
    )


def reply(lifetime=HOUR):
    return TokenReply(access_token="a", expires_at=lifetime and NOW + lifetime)


class TestSuccess:
    def test_a_used_grant_is_refreshed_ahead_of_expiry(self):
        decision = decide(reply(), used_at=NOW - 30 * MINUTE)
        assert decision.due_at == NOW + HOUR - AHEAD

    @pytest.mark.parametrize("used_at", [None, NOW - HOUR, NOW - timedelta(days=9)])
    def test_an_idle_grant_is_kept_alive(self, used_at):
        assert decide(reply(), used_at=used_at).due_at == NOW + KEEP_ALIVE

    @given(UNIFORM)
    def test_keep_alive_is_spread(self, uniform):
        due = decide(reply(), uniform=uniform).due_at
        assert KEEP_ALIVE * 0.75 <= due - NOW <= KEEP_ALIVE * 1.25

    def test_the_record_is_wiped(self):
        decision = decide(reply(), reason=CONFIRMING, failure_streak=7)
        assert (decision.state, decision.reason, decision.failure_streak) == (ACTIVE, "", 0)
        assert (decision.error_kind, decision.diagnosis, decision.lost) == ("", "", False)

    def test_an_unknown_expiry_is_not_chased(self):
        assert decide(reply(lifetime=None), used_at=NOW).due_at == NOW + KEEP_ALIVE

    @given(st.integers(-3600, 600), UNIFORM)
    def test_short_lives_are_not_refreshed_without_a_pause(self, seconds, uniform):
        due = next_refresh(
            NOW + timedelta(seconds=seconds),
            used_at=NOW,
            now=NOW,
            keep_alive=KEEP_ALIVE,
            refresh_ahead=AHEAD,
            uniform=uniform,
        )
        assert due >= NOW + MINUTE


class TestInvalidGrant:
    def test_one_is_confirmed_first(self):
        decision = decide(GrantDeadError(code="invalid_grant"))
        assert (decision.state, decision.reason) == (ACTIVE, CONFIRMING)
        assert 4 * MINUTE < decision.due_at - NOW < 7 * MINUTE
        assert not decision.lost

    def test_two_are_a_death(self):
        decision = decide(GrantDeadError(code="invalid_grant"), reason=CONFIRMING)
        assert decision.state == NEEDS_CONSENT
        assert decision.lost
        assert decision.due_at is None
        assert decision.reason == "revoked_by_person"
        assert (
            decision.diagnosis == f"{CAUSES['revoked_by_person']} {NEXT_STEPS['revoked_by_person']}"
        )

    @pytest.mark.parametrize("between", [TransientError(), ThrottledError(), ClientBrokenError()])
    def test_a_failure_in_between_does_not_start_over(self, between):
        assert decide(between, reason=CONFIRMING).reason == CONFIRMING

    @pytest.mark.parametrize("subtype", ["invalid_rapt", "rapt_required"])
    def test_an_ended_session_needs_no_confirmation(self, subtype):
        decision = decide(GrantDeadError(code="invalid_grant", subtype=subtype))
        assert (decision.state, decision.reason) == (NEEDS_CONSENT, "workspace_session")
        assert "administrator" in decision.diagnosis

    def test_another_subtype_is_confirmed(self):
        assert decide(GrantDeadError(subtype="something_new")).state == ACTIVE


class TestOtherFailures:
    @pytest.mark.parametrize(
        "error", [TransientError(), DeadlineExceeded(), AnswerError(), RequestRejectedError()]
    )
    def test_back_off(self, error):
        decision = decide(error, failure_streak=2)
        assert (decision.state, decision.failure_streak) == (ACTIVE, 3)
        assert decision.error_kind == error.kind
        assert MINUTE <= decision.due_at - NOW <= 2 * MINUTE

    def test_retry_after_is_honoured(self):
        assert decide(TransientError(retry_after=7200)).due_at >= NOW + 2 * HOUR

    def test_policy_is_asked_daily(self):
        decision = decide(PolicyError(), failure_streak=40)
        assert (decision.state, decision.reason) == (ACTIVE, "admin_policy")
        assert timedelta(days=1) <= decision.due_at - NOW <= timedelta(days=1.1)
        assert "administrator" in decision.diagnosis

    def test_a_broken_client_blames_no_grant(self):
        decision = decide(ClientBrokenError(code="invalid_client"), reason="", failure_streak=1)
        assert decision.pause_client_reason == "invalid_client"
        assert (decision.state, decision.reason, decision.failure_streak) == (ACTIVE, "", 1)
        assert decision.error_kind == ""
        assert decision.due_at > NOW
        assert decide(ClientBrokenError()).pause_client_reason == "client_broken"

    def test_throttled(self):
        client = decide(ThrottledError(scope="client", retry_after=60))
        assert client.hold_client_until == client.due_at >= NOW + MINUTE
        assert client.hold_grant_until is None
        user = decide(ThrottledError(scope="user"))
        assert (user.hold_client_until, user.hold_grant_until) == (None, user.due_at)

    def test_nothing_else_ever_needs_the_person(self):
        errors = [TransientError(), PolicyError(), ClientBrokenError(), RequestRejectedError()]
        assert not any(decide(error, reason=CONFIRMING, failure_streak=99).lost for error in errors)


class TestBackoff:
    @given(st.integers(0, 10**6), UNIFORM)
    def test_bounds(self, streak, uniform):
        wait = backoff(streak, uniform=uniform)
        assert timedelta(seconds=15) <= wait <= BACKOFF_CAP

    @given(st.integers(1, 50), UNIFORM)
    def test_grows(self, streak, uniform):
        assert backoff(streak, uniform=uniform) <= backoff(streak + 1, uniform=uniform)

    @given(st.integers(1, 50), UNIFORM, st.floats(0, 86_400))
    def test_never_sooner_than_asked(self, streak, uniform, asked):
        # timedelta counts in microseconds.
        least = timedelta(seconds=asked) - timedelta(microseconds=1)
        assert backoff(streak, uniform=uniform, retry_after=asked) >= least

    def test_jitter(self):
        assert backoff(5, uniform=0.0) < backoff(5, uniform=0.9)
        assert backoff(1, uniform=0.0, retry_after=900) < backoff(1, uniform=0.9, retry_after=900)


@given(UNIFORM)
def test_pulls_are_spread_by_a_quarter(uniform):
    due = next_pull(HOUR, now=NOW, uniform=uniform)
    # A draw close to 1 is rounded up to the microsecond.
    assert HOUR * 0.75 <= due - NOW <= HOUR * 1.25


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("facts", "likeliest"),
    [
        ({}, "revoked_by_person"),
        ({"authorized_at": NOW - 7 * DAY, "client_in_testing": True}, "testing_status"),
        ({"authorized_at": NOW - 9 * DAY, "client_in_testing": True}, "testing_status"),
        ({"authorized_at": NOW - 3 * DAY, "client_in_testing": True}, "revoked_by_person"),
        ({"authorized_at": NOW - 7 * DAY}, "testing_status"),
        ({"authorized_at": NOW - 9 * DAY}, "revoked_by_person"),
        (
            {
                "authorized_at": NOW - 7 * DAY,
                "client_in_testing": True,
                "granted_scopes": (EMAIL, OPENID),
            },
            "revoked_by_person",
        ),
        (
            {"authorized_at": NOW - 7 * DAY, "granted_scopes": (EMAIL, CALENDAR_READONLY)},
            "testing_status",
        ),
        ({"authorized_at": NOW - 400 * DAY, "refreshed_at": NOW - 181 * DAY}, "unused"),
        ({"authorized_at": NOW - 181 * DAY}, "unused"),
        ({"authorized_at": NOW - 400 * DAY, "refreshed_at": NOW - DAY}, "revoked_by_person"),
        ({"authorized_at": NOW - 90 * DAY, "refresh_expires_at": NOW - HOUR}, "time_limited"),
        ({"authorized_at": NOW - 90 * DAY, "refresh_expires_at": NOW + DAY}, "revoked_by_person"),
    ],
)
def test_diagnosis(facts, likeliest):
    diagnosis = diagnose(GrantFacts(**facts), GrantDeadError(), now=NOW)
    assert diagnosis.causes[0] == likeliest
    assert diagnosis.next_step == NEXT_STEPS[likeliest]
    assert diagnosis.text == f"{CAUSES[likeliest]} {NEXT_STEPS[likeliest]}"
    assert len(set(diagnosis.causes)) == len(diagnosis.causes)


def test_causes_come_in_order():
    facts = GrantFacts(
        authorized_at=NOW - 200 * DAY,
        refresh_expires_at=NOW,
        client_in_testing=True,
        granted_scopes=("https://mail.google.com/",),
    )
    assert diagnose(facts, GrantDeadError(), now=NOW).causes == (
        "testing_status",
        "unused",
        "time_limited",
        "revoked_by_person",
        "password_changed",
        "too_many_tokens",
    )


def test_every_cause_has_its_words():
    assert CAUSES.keys() == NEXT_STEPS.keys()
    assert all(text.endswith(".") for text in (*CAUSES.values(), *NEXT_STEPS.values()))
