from __future__ import annotations

import builtins
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from django_goffline import api, gateway
from django_goffline.exceptions import (
    ConsentRequestError,
    GrantPausedError,
    NeedsConsentError,
    NoGrantError,
    OpenTransactionError,
    SeveralGrantsError,
)
from django_goffline.models import Grant, Occurrence, PendingRevocation, ScheduledPull
from django_goffline.protocol.scopes import (
    CALENDAR,
    CALENDAR_EVENTS_READONLY,
    CALENDAR_READONLY,
)
from django_goffline.testing.factories import (
    make_calendar,
    make_client,
    make_event,
    make_grant,
    make_pull,
    make_user,
)
from django_goffline.testing.fake_google import Fault

pytestmark = pytest.mark.django_db

ASKING = [api.access_token, api.session, api.credentials]


def test_the_surface_is_seven_functions():
    assert len(api.__all__) == 7
    public = {
        name
        for name, thing in vars(api).items()
        if getattr(thing, "__module__", "") == api.__name__
    }
    assert {name for name in public if not name.startswith("_")} == set(api.__all__)


# -- start_consent ---------------------------------------------------------------------------------


def test_start_consent_gives_a_link(fake_google):
    make_client(fake_google)
    started = api.start_consent(user=make_user(), scopes=[CALENDAR_READONLY])
    assert started.url.startswith("http://localhost:8000/goffline/")
    assert started.request.scopes
    assert started.url not in repr(started)


def test_start_consent_gives_googles_own_address(fake_google):
    client = make_client(fake_google)
    started = api.start_consent(client=client, scopes=[CALENDAR_READONLY], direct=True)
    query = parse_qs(urlsplit(started.url).query)
    assert query["client_id"] == [client.client_id]
    assert query["access_type"] == ["offline"]
    assert query["prompt"] == ["consent"]


def test_start_consent_needs_to_know_the_client():
    with pytest.raises(ConsentRequestError, match="import"):
        api.start_consent()
    make_client(), make_client()
    with pytest.raises(ConsentRequestError, match="client="):
        api.start_consent()


def test_start_consent_repairs_a_grant_with_its_own_client(fake_google):
    grant = make_grant(fake_google, user=make_user(), state="needs_consent")
    make_client(fake_google)
    started = api.start_consent(user=grant.user, repairs=grant)
    assert (started.request.client, started.request.repairs) == (grant.client, grant)


# -- whose token -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", ASKING)
def test_no_grant_several_paused_and_lost_are_four_errors(fake_google, ask):
    user, client = make_user(), make_client(fake_google)
    asked = {"user": user, "scopes": [CALENDAR_READONLY]}
    with pytest.raises(NoGrantError, match="start_consent"):
        ask(**asked)
    grant = make_grant(fake_google, client=client, user=user)
    Grant.objects.update(state="paused")
    with pytest.raises(GrantPausedError, match="resume"):
        ask(**asked)
    Grant.objects.update(state="needs_consent", diagnosis="It was not used.")
    with pytest.raises(NeedsConsentError, match=r"not used.*start_consent"):
        ask(**asked)
    Grant.objects.update(state="active")
    with pytest.raises(NeedsConsentError, match="lacks"):
        ask(user=user, scopes=[CALENDAR])
    make_grant(fake_google, email="second@example.com", client=client, user=user)
    with pytest.raises(SeveralGrantsError, match="pass the grant"):
        ask(**asked)
    with pytest.raises(NeedsConsentError, match="lacks"):
        ask(grant, scopes=[CALENDAR])
    with pytest.raises(TypeError, match="either"):
        ask()
    with pytest.raises(TypeError, match="either"):
        ask(grant, user=user)


def test_a_client_tells_several_grants_apart(fake_google):
    user = make_user()
    first, second = (make_grant(fake_google, user=user) for _ in range(2))
    token = api.access_token(user=user, scopes=[CALENDAR_READONLY], client=second.client)
    assert token == second.access_token.reveal() != first.access_token.reveal()


def test_a_wider_scope_covers_a_narrower_one(fake_google):
    user = make_user()
    grant = make_grant(fake_google, user=user)
    token = api.access_token(user=user, scopes=[CALENDAR_EVENTS_READONLY])
    assert token == grant.access_token.reveal()


def test_a_revoked_grant_is_none_and_no_hindrance(fake_google):
    user = make_user()
    make_grant(fake_google, user=user, state="revoked")
    with pytest.raises(NoGrantError):
        api.access_token(user=user, scopes=[CALENDAR_READONLY])
    grant = make_grant(fake_google, email="b@example.com", user=user)
    assert api.access_token(user=user) == grant.access_token.reveal()


# -- access_token, session, credentials ------------------------------------------------------------


def test_access_token_refreshes_if_need_be(fake_google):
    grant = make_grant(fake_google, access_expires_at=None)
    token = api.access_token(grant)
    assert token == Grant.objects.get().access_token.reveal() != grant.access_token.reveal()


def test_access_token_inside_a_transaction(fake_google):
    grant = make_grant(fake_google)
    with transaction.atomic():
        assert api.access_token(grant) == grant.access_token.reveal()
    Grant.objects.update(access_expires_at=None)
    with transaction.atomic(), pytest.raises(OpenTransactionError):
        api.access_token(grant)
    assert fake_google.journal.count(r"^/token$") == 0


def test_a_session_is_authorized(fake_google):
    session = api.session(make_grant(fake_google))
    assert session.get(gateway.endpoints().userinfo).json()["email"] == "ada@example.com"
    assert fake_google.journal.count(r"^/token$") == 0


def test_a_session_gets_a_new_token_when_google_refuses_the_old_one(fake_google):
    session = api.session(make_grant(fake_google))
    fake_google.oauth.expire_access_tokens()
    assert session.get(gateway.endpoints().userinfo).status_code == 200
    assert fake_google.journal.count(r"/userinfo$", 401) == 1
    assert fake_google.journal.count(r"^/token$") == 1


def test_a_session_repeats_a_401_once(fake_google):
    session = api.session(make_grant(fake_google))
    fake_google.faults.add(Fault(path=r"/userinfo$", times=None, status=401, reason="authError"))
    assert session.get(gateway.endpoints().userinfo).status_code == 401
    assert fake_google.journal.count(r"/userinfo$") == 2


def test_credentials_work_with_googles_own_library(fake_google):
    google_auth = pytest.importorskip("google.auth.transport.requests")
    grant = make_grant(fake_google)
    credentials = api.credentials(grant)
    assert credentials.valid
    assert credentials.refresh_token is None
    session = google_auth.AuthorizedSession(credentials)
    for prefix in ("https://", "http://"):
        session.mount(prefix, gateway.adapter())
    assert session.get(gateway.endpoints().userinfo).status_code == 200
    fake_google.oauth.expire_access_tokens()
    assert session.get(gateway.endpoints().userinfo).status_code == 200
    assert credentials.token == Grant.objects.get().access_token.reveal()
    assert fake_google.journal.count(r"^/token$") == 1


def test_credentials_without_the_library_name_the_extra(fake_google, monkeypatch):
    grant = make_grant(fake_google)
    real = builtins.__import__

    def without_google(name, *args, **kwargs):
        if name.startswith("google."):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_google)
    with pytest.raises(ImproperlyConfigured, match=r"django-goffline\[google\]"):
        api.credentials(grant)


# -- pull_now, revoke, occurrences -----------------------------------------------------------------


@pytest.fixture
def lists():
    later = datetime.now(UTC) + timedelta(hours=1)
    calendar = make_calendar(make_grant())
    make_pull(calendar.grant, due_at=later)
    make_pull(calendar.grant, resource="calendar_events", key=calendar.google_id, due_at=later)
    make_pull(calendar.grant, resource="calendar_events", key="another", due_at=later)
    make_pull(make_grant(), due_at=later)
    return calendar


def test_pull_now_wakes_a_grants_lists(lists, nudges_sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert api.pull_now(lists.grant) == 3
    woken = ScheduledPull.objects.exclude(wake_requested_at=None)
    assert {pull.grant for pull in woken} == {lists.grant}
    assert all(pull.due_at == pull.wake_requested_at for pull in woken)
    assert nudges_sent == ["goffline.pull"]


def test_pull_now_wakes_one_calendar(lists):
    assert api.pull_now(lists, full=True) == 1
    pull = ScheduledPull.objects.exclude(wake_requested_at=None).get()
    assert (pull.key, pull.full_requested_at) == (lists.google_id, pull.wake_requested_at)


@pytest.mark.parametrize("state", ["paused", "needs_consent", "revoked"])
def test_pull_now_wakes_nothing_of_a_grant_that_cannot_be_pulled(
    lists, nudges_sent, state, django_capture_on_commit_callbacks
):
    Grant.objects.update(state=state)
    with django_capture_on_commit_callbacks(execute=True):
        assert api.pull_now(lists.grant) == 0
    assert nudges_sent == []


@pytest.mark.parametrize("full", [False, True])
def test_pull_now_leaves_parked_lists_asleep(lists, full):
    """Its calendar is not pulled: a wish must not bring back what reconciliation put to rest."""
    events = ScheduledPull.objects.filter(key=lists.google_id)
    events.update(due_at=None)
    assert api.pull_now(lists, full=full) == 0
    assert api.pull_now(lists.grant, full=full) == 2
    assert events.get().due_at is events.get().wake_requested_at is None


def test_pull_now_leaves_paused_lists_alone(lists):
    ScheduledPull.objects.update(paused_at=datetime.now(UTC))
    assert api.pull_now(lists.grant) == 0


def test_revoke_ends_a_grant(fake_google):
    grant = make_grant(fake_google)
    assert api.revoke(grant) is True
    assert Grant.objects.get().state == "revoked"
    assert PendingRevocation.objects.get().token.reveal() == grant.refresh_token.reveal()
    assert api.revoke(grant) is False
    with pytest.raises(NeedsConsentError):
        api.access_token(grant)


def test_occurrences_of_a_user_a_grant_some_calendars_or_all():
    start = datetime(2026, 11, 25, 8, tzinfo=UTC)
    user = make_user()
    mine, other = make_calendar(make_grant(user=user)), make_calendar(make_grant())
    for hour, calendar in ((1, mine), (2, other), (30, mine)):
        Occurrence.objects.create(
            event=make_event(calendar),
            calendar=calendar,
            start_at=start + timedelta(hours=hour),
            end_at=start + timedelta(hours=hour + 1),
        )
    day = (start, start + timedelta(days=1))
    assert [o.calendar for o in api.occurrences(*day)] == [mine, other]
    assert [o.calendar for o in api.occurrences(*day, user=user)] == [mine]
    assert [o.calendar for o in api.occurrences(*day, grant=other.grant)] == [other]
    assert [o.calendar for o in api.occurrences(*day, calendars=[mine])] == [mine]
    with pytest.raises(ValueError, match="aware"):
        api.occurrences(datetime(2026, 1, 1), datetime(2026, 1, 2))
