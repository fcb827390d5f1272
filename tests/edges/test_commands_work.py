"""Commands that do a worker's work, and those that tell how things are."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from django_goffline import gateway
from django_goffline.models import (
    Calendar,
    Event,
    Grant,
    Heartbeat,
    PendingRevocation,
    ScheduledPull,
    database_now,
)
from django_goffline.protocol.errors import TransientError
from django_goffline.testing.factories import (
    make_calendar,
    make_client,
    make_event,
    make_grant,
    make_pull,
    make_user,
)
from django_goffline.testing.fake_google.faults import Fault

pytestmark = pytest.mark.django_db
EMAIL = "ada@example.com"


def run(capsys, command, /, *arguments, **options):
    call_command(command, *arguments, **options)
    return capsys.readouterr()


def past(**ago):
    return timezone.now() - timedelta(**ago)


# ── goffline_refresh ──────────────────────────────────────────────────────────


def test_due_grants_are_refreshed(capsys, fake_google):
    grant = make_grant(fake_google, due_at=past(hours=1))
    make_grant(fake_google, email="later@example.com")
    assert "1 grants were due." in run(capsys, "goffline_refresh").out
    before = grant.access_token.reveal()
    grant.refresh_from_db()
    assert grant.access_token.reveal() != before and grant.due_at > timezone.now()


def test_one_grant_is_refreshed_though_it_is_not_due(capsys, fake_google):
    grant = make_grant(fake_google, email=EMAIL)
    assert f"{EMAIL}: refreshed" in run(capsys, "goffline_refresh", grant=EMAIL.upper()).out
    assert Grant.objects.get().generation > grant.generation


@pytest.mark.parametrize("how", ["paused", "refused"])
def test_a_grant_that_fails_is_exit_status_1(capsys, fake_google, how):
    grant = make_grant(fake_google, email=EMAIL)
    if how == "paused":
        Grant.objects.update(state="paused")
    else:
        Grant.objects.update(refresh_token="1//unknown")
    with pytest.raises(CommandError, match="1 of 1 failed"):
        call_command("goffline_refresh", grant=str(grant.pk))
    assert EMAIL in capsys.readouterr().out


def test_an_unknown_grant_is_named():
    with pytest.raises(CommandError, match="no grant 'nobody'"):
        call_command("goffline_refresh", grant="nobody")


# ── goffline_pull ─────────────────────────────────────────────────────────────


def make_account(fake):
    grant = make_grant(fake, email=EMAIL)
    fake.calendar.insert_event(
        EMAIL,
        {
            "summary": "Lunch",
            "start": {"dateTime": "2030-01-01T12:00:00Z"},
            "end": {"dateTime": "2030-01-01T13:00:00Z"},
        },
    )
    return grant


def test_one_call_takes_a_new_grant_to_its_events(capsys, fake_google):
    make_account(fake_google)
    said = run(capsys, "goffline_pull")
    assert Event.objects.get().summary == "Lunch"
    assert "2 pulls done." in said.out and "Pulling" in said.err
    said = run(capsys, "goffline_pull", verbosity=0)
    assert (said.out, said.err) == ("", "")


def test_one_grants_lists_are_pulled_though_not_due(capsys, fake_google):
    grant = make_account(fake_google)
    run(capsys, "goffline_pull", verbosity=0)
    ScheduledPull.objects.update(last_success_at=past(days=1), due_at=timezone.now() + timedelta(1))
    assert "2 pulls done." in run(capsys, "goffline_pull", grant=str(grant.pk)).out
    assert not ScheduledPull.objects.filter(last_success_at__lt=past(hours=1)).exists()


def test_one_calendar_is_read_again_from_the_beginning(capsys, fake_google):
    make_account(fake_google)
    run(capsys, "goffline_pull", verbosity=0)
    runs = dict(ScheduledPull.objects.values_list("resource", "last_full_at"))
    calendar = Calendar.objects.get()
    assert "1 pulls done." in run(capsys, "goffline_pull", calendar=EMAIL, full=True).out
    again = dict(ScheduledPull.objects.values_list("resource", "last_full_at"))
    assert again["calendar_events"] > runs["calendar_events"]
    assert again["calendar_list"] == runs["calendar_list"]
    assert Event.objects.get().calendar == calendar


def test_a_list_that_fails_is_exit_status_1(fake_google):
    grant = make_account(fake_google)
    call_command("goffline_pull", verbosity=0)
    fake_google.faults.add(Fault(path="/calendar/", status=500, times=None))
    with pytest.raises(CommandError, match=r"Some fail:\ncalendar"):
        call_command("goffline_pull", grant=str(grant.pk), verbosity=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"full": True}, "say which lists"),
        ({"grant": "paused@example.com"}, "not active"),
        ({"calendar": "nothing"}, "no calendar 'nothing'"),
        ({"calendar": "shared"}, "Several accounts"),
    ],
)
def test_what_cannot_be_pulled_is_said_in_words(fake_google, options, words):
    grant = make_grant(fake_google, email="paused@example.com", state="paused", due_at=None)
    for owner in (grant, make_grant(fake_google, email=EMAIL)):
        make_calendar(owner, google_id="shared")
    with pytest.raises(CommandError, match=words):
        call_command("goffline_pull", verbosity=0, **options)


# ── goffline_revoke ───────────────────────────────────────────────────────────


def test_a_grant_is_revoked_here_and_at_google(capsys, fake_google):
    grant = make_grant(fake_google, email=EMAIL)
    token = grant.refresh_token.reveal()
    said = run(capsys, "goffline_revoke", "--grant", EMAIL, "--no-input")
    grant.refresh_from_db()
    assert grant.state == "revoked" and "Revoked: 1." in said.out
    assert not PendingRevocation.objects.exists()
    assert token not in said.out + said.err
    Grant.objects.update(refresh_token=token, state="active")
    with pytest.raises(CommandError):
        call_command("goffline_refresh", grant=str(grant.pk))


def test_a_person_is_asked_first(monkeypatch, fake_google):
    user = make_user("ada")
    make_grant(fake_google, user=user)
    monkeypatch.setattr("builtins.input", lambda prompt: "no")
    with pytest.raises(CommandError, match="Nothing was revoked"):
        call_command("goffline_revoke", "--user", "ada")
    assert Grant.objects.get().state == "active"
    monkeypatch.setattr("builtins.input", lambda prompt: "yes")
    call_command("goffline_revoke", "--user", "ada")
    assert Grant.objects.get().state == "revoked"
    with pytest.raises(CommandError, match="nothing to revoke"):
        call_command("goffline_revoke", "--user", "ada")


# ── goffline_status ───────────────────────────────────────────────────────────


def make_some():
    client = make_client(name="Main", quota_per_minute=600)
    good = make_grant(email=EMAIL, client=client)
    make_grant(
        email="lost@example.com",
        client=client,
        state="needs_consent",
        reason="unused",
        diagnosis="The grant was not used for six months.",
    )
    make_grant(client=client, failure_streak=2, due_at=past(hours=1))
    make_event(make_calendar(good))
    make_pull(good, due_at=past(minutes=30), interval=60)
    return good


def test_status_tells_clients_grants_and_what_is_late(capsys):
    make_some()
    told = run(capsys, "goffline_status").out
    for words in (
        "Last tick: never",
        "Due to refresh: 1, the oldest for",
        "Due to pull: 1, the oldest for",
        "Due to revoke: 0\n",
        "1 calendars, 1 events",
        "Client 'Main': 2 active, 1 needs_consent; 1 failing; about 1.0 of 600 calls a minute",
        f"{EMAIL}: active",
        "lost@example.com: needs_consent; unused; The grant was not used for six months.",
        "2 failures in a row",
    ):
        assert words in told, words


def test_status_for_monitoring_is_one_json_object(capsys):
    make_some()
    told = json.loads(run(capsys, "goffline_status", json=True).out)
    assert told["due"]["pull"]["number"] == 1
    assert 1790 < told["due"]["pull"]["late_seconds"] < 1900
    (client,) = told["clients"]
    assert client["grants"] == {"active": 2, "needs_consent": 1} and client["failing"] == 1
    assert [grant["state"] for grant in told["grants"]] == ["needs_consent", "active", "active"]


def test_status_costs_the_same_however_many(capsys, django_assert_max_num_queries):
    for _ in range(3):
        make_some()
    with django_assert_max_num_queries(14):
        run(capsys, "goffline_status", json=True)


# ── goffline_doctor ───────────────────────────────────────────────────────────


@pytest.fixture
def healthy(settings, fake_google):
    from django_goffline.schedules import beat_schedule

    settings.CELERY_BEAT_SCHEDULE = beat_schedule()
    now = database_now("default")
    Heartbeat.objects.create(kind="tick", worker="w", started_at=now, last_seen_at=now)
    return make_grant(fake_google, email=EMAIL)


def examine(capsys, **options):
    """What the doctor says, and how many things are to be done."""
    try:
        call_command("goffline_doctor", no_color=True, **options)
        number = 0
    except CommandError as error:
        number = int(str(error).split()[0])
    return capsys.readouterr().out, number


def test_a_healthy_installation_has_nothing_to_do(capsys, healthy):
    told, number = examine(capsys)
    assert number == 0 and "All is well." in told
    assert "redirect URI http://localhost:8000/goffline/callback/" in told
    assert told.count(" answers (") == 3 and "the tick is running" in told


def _secret_unreadable(healthy, settings):
    settings.GOFFLINE = {**settings.GOFFLINE, "ENCRYPTION_KEYS": ["other:" + "E" * 43]}


TROUBLE = {
    "a check": (
        lambda healthy, settings: setattr(settings, "GOFFLINE", {**settings.GOFFLINE, "X": 1}),
        "goffline.E006",
    ),
    "testing": (
        lambda healthy, settings: type(healthy.client).objects.update(publishing_status="testing"),
        "goffline.W003",
    ),
    "paused client": (
        lambda healthy, settings: type(healthy.client).objects.update(
            paused_at=timezone.now(), paused_reason="invalid_client"
        ),
        "is paused: invalid_client",
    ),
    "held client": (
        lambda healthy, settings: type(healthy.client).objects.update(
            held_until=timezone.now() + timedelta(hours=1)
        ),
        "is held back by Google",
    ),
    "no secret": (
        lambda healthy, settings: type(healthy.client).objects.update(client_secret=""),
        "has no secret",
    ),
    "unreadable secret": (_secret_unreadable, "its key is not in GOFFLINE"),
    "no tick": (
        lambda healthy, settings: Heartbeat.objects.all().delete(),
        "no tick was ever seen",
    ),
    "old tick": (
        lambda healthy, settings: Heartbeat.objects.update(last_seen_at=past(hours=1)),
        "the last tick was at",
    ),
    "late grants": (
        lambda healthy, settings: Grant.objects.update(due_at=past(hours=1)),
        "1 grants have been due for more than 15 minutes",
    ),
    "late pulls": (
        lambda healthy, settings: make_pull(healthy, due_at=past(hours=1)),
        "1 pulls have been due",
    ),
    "lost grant": (
        lambda healthy, settings: Grant.objects.update(state="needs_consent"),
        "1 grants need a new consent",
    ),
    "approval": (
        lambda healthy, settings: Grant.objects.update(
            state="paused", reason=Grant.AWAITING_APPROVAL
        ),
        "1 grants wait for approval",
    ),
    "held sweep": (
        lambda healthy, settings: make_pull(healthy, sweep_held_at=timezone.now(), due_at=None),
        "1 full runs would remove",
    ),
    "revocations": (
        lambda healthy, settings: PendingRevocation.objects.create(
            token="", revocation_endpoint="x", created_at=past(days=1), due_at=past(days=1)
        ),
        "1 tokens wait to be revoked",
    ),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_each_trouble_is_found_once_with_what_to_do(capsys, healthy, settings, name):
    make, words = TROUBLE[name]
    make(healthy, settings)
    told, number = examine(capsys)
    assert number == 1, told
    lines = told.splitlines()
    (at,) = [n for n, line in enumerate(lines) if line.startswith("!!")]
    assert words in lines[at]
    assert lines[at + 1].startswith("    ") and len(lines[at + 1]) > 8


def test_endpoints_out_of_reach_are_named_and_can_be_left_out(capsys, healthy):
    class Dead:
        def send(self, method, url, **options):
            assert options["deadline"] > 0
            raise TransientError("No answer")

    with gateway.use_transport(Dead()):
        told, number = examine(capsys)
        assert number == 3 and "token endpoint" in told and "firewall" in told
        assert examine(capsys, offline=True)[1] == 0


def test_no_client_is_something_to_do(capsys, healthy):
    healthy.client.delete()
    told, number = examine(capsys, offline=True)
    assert "goffline_import_client" in told and number >= 1


@pytest.mark.django_db(transaction=True)
def test_without_tables_the_migration_is_named():
    table = connection.ops.quote_name(Heartbeat._meta.db_table)
    away = connection.ops.quote_name("goffline_elsewhere")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {away}")
    try:
        with pytest.raises(CommandError, match=r"manage\.py migrate"):
            call_command("goffline_doctor", offline=True)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {away} RENAME TO {table}")


@pytest.mark.django_db
def test_doctor_says_what_to_register_before_there_is_a_client(capsys):
    said, _ = examine(capsys, offline=True)
    assert (
        "redirect URI to register for a web client: http://localhost:8000/goffline/callback/"
        in said
    )
