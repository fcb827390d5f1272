"""Set-wise writes: what the ORM would store, in a constant number of statements, on every database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test.utils import CaptureQueriesContext

from django_goffline import bulk
from django_goffline.models import (
    Calendar,
    Event,
    Grant,
    Metric,
    OAuthClient,
    ScheduledPull,
    SeenItem,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2031, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
TEXT = 'Zürich ☃ 😀 "quoted" \\ back\nnew line\ttab %s %% {} \u2028'


@pytest.fixture
def grant():
    client = OAuthClient.objects.create(name="C", client_id="c")
    return Grant.objects.create(client=client, sub="1")


@pytest.fixture
def calendar(grant):
    return Calendar.objects.create(grant=grant, google_id="cal")


def make_pulls(grant, number):
    return [
        ScheduledPull.objects.create(
            client=grant.client, grant=grant, resource="r", key=f"{position}"
        )
        for position in range(number)
    ]


def upsert_events(rows, **options):
    bulk.upsert(
        Event,
        rows,
        unique=("calendar", "google_id"),
        using="default",
        **{"update": ("summary", "start_at"), **options},
    )


def update_pulls(updates, **options):
    with transaction.atomic():
        return bulk.update_rows(ScheduledPull, updates, using="default", **options)


# What every kind of column holds after an upsert.
KINDS = {
    "google_id": "Abc_é",
    "summary": TEXT,
    "start_at": NOW,
    "end_at": NOW.replace(microsecond=0),
    "start_date": date(2031, 2, 28),
    "end_date": None,
    "original_start_at": None,
    "recurrence": ["RRULE:FREQ=DAILY", TEXT, {"a": [1, 2.5, None, True]}],
    "organizer_self": True,
    "removed_with_master": False,
    "sequence": -(2**62),
    "run": 2**62,
    "payload": '{"a": "' + "x" * 70_000 + '"}',
    "ical_uid": "",
}


def test_every_kind_of_value_comes_back_as_it_went_in(calendar):
    upsert_events([{"calendar": calendar.pk, **KINDS}])
    event = Event.objects.get()
    assert {name: getattr(event, name) for name in KINDS} == KINDS
    assert event.calendar_id == calendar.pk


def test_an_upsert_stores_what_the_orm_stores(calendar):
    upsert_events([{"calendar_id": calendar.pk, **KINDS}])
    Event.objects.create(calendar=calendar, **{**KINDS, "google_id": "by the ORM"})
    table = connection.ops.quote_name(Event._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY id")
        names = [column[0] for column in cursor.description]
        ours, theirs = (dict(zip(names, row, strict=True)) for row in cursor.fetchall())
    differing = {name for name in names if ours[name] != theirs[name]}
    assert differing == {"id", "google_id"}
    assert Event.objects.filter(start_at=NOW, organizer_self=True, end_date=None).count() == 2


def test_fields_left_out_get_the_models_defaults(calendar):
    upsert_events([{"calendar": calendar.pk, "google_id": "a"}])
    event = Event.objects.get()
    assert (event.status, event.sequence, event.recurrence, event.payload) == ("", 0, [], "{}")


def test_existing_rows_are_overwritten_where_told_and_keep_the_rest(calendar):
    before = Event.objects.create(
        calendar=calendar, google_id="a", summary="old", location="kept", start_at=NOW
    )
    upsert_events(
        [
            {"calendar": calendar.pk, "google_id": "a", "summary": "new", "location": "not"},
            {"calendar": calendar.pk, "google_id": "b", "summary": "another"},
        ]
    )
    after = Event.objects.get(google_id="a")
    assert (after.pk, after.summary, after.location) == (before.pk, "new", "kept")
    assert after.start_at is None
    assert Event.objects.get(google_id="b").summary == "another"


def test_with_nothing_to_update_existing_rows_stay(calendar):
    Event.objects.create(calendar=calendar, google_id="a", summary="old")
    upsert_events([{"calendar": calendar.pk, "google_id": "a", "summary": "new"}], update=())
    assert Event.objects.get().summary == "old"


def test_identifiers_are_told_apart_byte_for_byte(calendar):
    ids = ["a", "A", "a ", "é", "e", "ß", "ss"]
    upsert_events([{"calendar": calendar.pk, "google_id": name, "summary": name} for name in ids])
    upsert_events([{"calendar": calendar.pk, "google_id": "A", "summary": "second"}])
    assert sorted(Event.objects.values_list("google_id", flat=True)) == sorted(ids)
    assert Event.objects.get(google_id="a").summary == "a"
    assert Event.objects.get(google_id="A").summary == "second"


def test_the_longest_identifier_fits(grant):
    bulk.upsert(
        Calendar,
        [{"grant": grant.pk, "google_id": "x" * 1024}],
        unique=("grant", "google_id"),
        using="default",
    )
    assert Calendar.objects.get(google_id="x" * 1024).grant_id == grant.pk


def test_amounts_are_added_up(grant):
    key = {"client": grant.client_id, "kind": "pull", "outcome": "ok", "hour": NOW}
    for calls in (3, 4):
        bulk.upsert(
            Metric,
            [{**key, "calls": calls, "bytes": 10}],
            unique=tuple(key),
            add=("calls", "bytes"),
            using="default",
        )
    metric = Metric.objects.get()
    assert (metric.calls, metric.bytes, metric.rows) == (7, 20, 0)


def test_the_key_alone_can_be_written(grant):
    (pull,) = make_pulls(grant, 1)
    for ids in (["a", "b"], ["b", "c"]):
        rows = [{"pull": pull.pk, "run": 1, "google_id": google_id} for google_id in ids]
        bulk.upsert(SeenItem, rows, unique=("pull", "run", "google_id"), using="default")
    assert sorted(SeenItem.objects.values_list("google_id", flat=True)) == ["a", "b", "c"]


def test_a_value_that_does_not_fit_is_an_error_and_not_a_null(calendar):
    if connection.vendor == "sqlite":
        # SQLite has no lengths: it keeps what it gets.
        upsert_events([{"calendar": calendar.pk, "google_id": "a", "status": "x" * 40}])
        assert Event.objects.get().status == "x" * 40
        return
    with pytest.raises(DatabaseError), transaction.atomic():
        upsert_events([{"calendar": calendar.pk, "google_id": "a", "status": "x" * 40}])
    assert not Event.objects.exists()


def test_an_upsert_of_nothing_is_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        upsert_events([])
        assert bulk.update_rows(ScheduledPull, [], using="default") == set()


def test_a_page_of_events_is_one_statement(calendar, django_assert_num_queries):
    rows = [{"calendar": calendar.pk, "google_id": f"{n}", "summary": TEXT} for n in range(2500)]
    with django_assert_num_queries(1):
        upsert_events(rows)
    with django_assert_num_queries(1):
        upsert_events(rows)
    assert Event.objects.count() == 2500


def test_a_batch_too_large_for_one_statement_is_cut(calendar, monkeypatch):
    monkeypatch.setattr(bulk, "STATEMENT_CHARACTERS", 5000)
    rows = [{"calendar": calendar.pk, "google_id": f"{n}"} for n in range(20)]
    with CaptureQueriesContext(connection) as queries:
        upsert_events(rows)
    assert 1 < len(queries) < 20
    assert Event.objects.count() == 20


def test_rows_are_updated_each_with_its_own_values(grant):
    first, second, third = make_pulls(grant, 3)
    written = update_pulls(
        [
            bulk.RowUpdate(pk=first.pk, values={"last_success_at": NOW, "cursor": TEXT}),
            bulk.RowUpdate(pk=second.pk, values={"last_success_at": None, "cursor": ""}),
        ]
    )
    assert written == {first.pk, second.pk}
    for pull in (first, second, third):
        pull.refresh_from_db()
    assert (first.last_success_at, first.cursor) == (NOW, TEXT)
    assert (second.last_success_at, second.cursor) == (None, "")
    assert (third.last_success_at, third.cursor, third.generation) == (None, "", 0)


def test_json_and_secrets_are_updated_as_the_fields_have_them(grant):
    sealed = Grant._meta.get_field("access_token").seal("ya29.secret")
    with transaction.atomic():
        bulk.update_rows(
            Grant,
            [
                bulk.RowUpdate(
                    pk=grant.pk, values={"granted_scopes": ["a", TEXT], "access_token": sealed}
                )
            ],
            using="default",
        )
    grant.refresh_from_db()
    assert grant.granted_scopes == ["a", TEXT]
    assert grant.access_token.reveal() == "ya29.secret"


def test_only_rows_that_are_as_expected_are_written(grant):
    first, second, third = make_pulls(grant, 3)
    ScheduledPull.objects.filter(pk=second.pk).update(generation=7)
    ScheduledPull.objects.filter(pk=third.pk).update(lease_id="other")
    written = update_pulls(
        [
            bulk.RowUpdate(
                pk=pull.pk,
                values={"last_rows": 9},
                expected={"generation": 0, "lease_id": ""},
            )
            for pull in (first, second, third)
        ],
        raise_generation=True,
    )
    assert written == {first.pk}
    assert list(ScheduledPull.objects.order_by("pk").values_list("last_rows", "generation")) == [
        (9, 1),
        (0, 7),
        (0, 0),
    ]


def test_an_expectation_of_null_is_refused(grant):
    (pull,) = make_pulls(grant, 1)
    with pytest.raises(ValueError, match="lease_until"):
        update_pulls(
            [bulk.RowUpdate(pk=pull.pk, values={"run": 1}, expected={"lease_until": None})]
        )


def test_a_wish_newer_than_the_claim_overrules_the_due_time(grant):
    early, late, never = make_pulls(grant, 3)
    ScheduledPull.objects.update(claimed_at=NOW)
    before, after = NOW - timedelta(microseconds=1), NOW + timedelta(microseconds=1)
    ScheduledPull.objects.filter(pk=early.pk).update(wake_requested_at=before)
    ScheduledPull.objects.filter(pk=late.pk).update(wake_requested_at=after)
    planned, wished = NOW + timedelta(hours=1), NOW + timedelta(seconds=2)
    update_pulls(
        [
            bulk.RowUpdate(pk=pull.pk, values={"run": 3, "due_at": planned, "last_rows": 1})
            for pull in (early, late, never)
        ],
        wishes_due_at=wished,
    )
    due = list(ScheduledPull.objects.order_by("pk").values_list("due_at", flat=True))
    assert due == [planned, wished, planned]
    assert set(ScheduledPull.objects.values_list("run", "last_rows")) == {(3, 1)}


def test_settling_costs_a_constant_number_of_statements(grant):
    pulls = make_pulls(grant, 60)

    def statements(rows):
        updates = [
            bulk.RowUpdate(pk=pull.pk, values={"last_rows": 1}, expected={"generation": 0})
            for pull in rows
        ]
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            assert len(bulk.update_rows(ScheduledPull, updates, using="default")) == len(rows)
        return len(queries)

    assert statements(pulls[:2]) == statements(pulls) <= 2
