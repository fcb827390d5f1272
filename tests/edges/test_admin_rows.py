"""Every page of the admin opens, costs a constant number of statements, and shows no secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_goffline.admin import ADMIN_CLASSES, register
from django_goffline.models import (
    Activity,
    ConsentAttempt,
    ConsentRequest,
    Heartbeat,
    Metric,
    Occurrence,
    PendingRevocation,
)
from django_goffline.testing.factories import (
    make_calendar,
    make_client,
    make_event,
    make_grant,
    make_pull,
    make_user,
)

from .operator import Operator

pytestmark = pytest.mark.django_db
NOW = datetime(2031, 3, 4, 5, 6, 7, tzinfo=UTC)
MODELS = sorted(model._meta.model_name for model in ADMIN_CLASSES)
SECRETS = {
    "refresh token": "1//refresh-SECRET",
    "access token": "ya29.SECRET",
    "client secret": "GOCSPX-SECRET",
    "verifier": "verifier-SECRET",
    "state hash": "5ec7e7" * 10,
    "nonce hash": "0a0b0c" * 10,
    "link hash": "1e1f1a" * 10,
    "browser hash": "b0b1b2" * 10,
    "pending": "1//pending-SECRET",
    "cursor": "cursor-SECRET",
}


def make_everything():
    """A row of each model, on its own client, grant and user."""
    user = make_user()
    client = make_client(client_secret=SECRETS["client secret"])
    grant = make_grant(
        client=client,
        user=user,
        refresh_token=SECRETS["refresh token"],
        access_token=SECRETS["access token"],
        diagnosis="Its person withdrew it.",
    )
    pull = make_pull(grant, cursor=SECRETS["cursor"])
    calendar = make_calendar(grant)
    event = make_event(calendar, summary="Dentist", location="Main street", start_at=NOW)
    occurrence = Occurrence.objects.create(event=event, calendar=calendar, start_at=NOW)
    number = ConsentRequest.objects.count()
    request = ConsentRequest.objects.create(
        client=client,
        user=user,
        asked_by=user,
        repairs=grant,
        grant=grant,
        link_hash=f"{SECRETS['link hash']}{number}",
        created_at=NOW,
        expires_at=NOW,
    )
    ConsentAttempt.objects.create(
        request=request,
        state_hash=f"{SECRETS['state hash']}{number}",
        nonce_hash=SECRETS["nonce hash"],
        browser_hash=SECRETS["browser hash"],
        code_verifier=SECRETS["verifier"],
        started_by=user,
        answered_by=user,
        redirect_uri="http://localhost/",
        issuer="https://accounts.google.com",
        token_endpoint="https://oauth2.googleapis.com/token",
        created_at=NOW,
        expires_at=NOW,
    )
    activity = Activity.objects.create(
        at=NOW, kind="grant_lost", client=client, grant=grant, request=request, text="Lost."
    )
    metric = Metric.objects.create(client=client, kind="pull", outcome="ok", hour=NOW, count=2)
    heartbeat = Heartbeat.objects.create(
        kind="tick", worker=f"w{number}", started_at=NOW, last_seen_at=NOW
    )
    pending = PendingRevocation.objects.create(
        token=SECRETS["pending"], sub="1", revocation_endpoint="x", created_at=NOW, due_at=NOW
    )
    return {
        row._meta.model_name: row
        for row in (
            client,
            grant,
            pull,
            calendar,
            event,
            occurrence,
            request,
            activity,
            metric,
            heartbeat,
            pending,
        )
    }


def test_every_model_that_people_look_at_is_registered():
    rows = make_everything()
    assert sorted(rows) == MODELS


@pytest.mark.parametrize("model", MODELS)
def test_list_and_page_open_and_show_no_secret(operator, model):
    row = make_everything()[model]
    for answer in (operator.listing(model), operator.page(row)):
        assert answer.status_code == 200
        text = answer.content.decode()
        assert {name for name, secret in SECRETS.items() if secret in text} == set()
        assert "gof1." not in text and "Secret" not in text


@pytest.mark.parametrize("model", MODELS)
def test_a_list_costs_the_same_however_long(operator, model):
    def statements():
        operator.listing(model)
        with CaptureQueriesContext(connection) as queries:
            answer = operator.listing(model)
        return len(queries), len(answer.context["cl"].result_list)

    make_everything()
    make_everything()
    few, two = statements()
    for _ in range(4):
        make_everything()
    many, six = statements()
    assert (two, six) == (2, 6)
    assert few == many <= 12


@pytest.mark.parametrize("model", MODELS)
def test_every_search_finds_without_error(operator, model):
    rows = make_everything()
    if not ADMIN_CLASSES[type(rows[model])](type(rows[model]), admin.site).get_search_fields(
        operator.listing(model).wsgi_request
    ):
        assert model in {"metric", "heartbeat"}
        return
    assert operator.listing(model, q="nothing-like-this").context["cl"].result_count == 0


def test_grants_are_found_by_account_and_by_user_name(operator):
    grant = make_grant(user=make_user("grace"), email="grace.h@example.com")
    make_grant(client=grant.client, email="other@example.com")
    for words in ("grace.h@", "grace", grant.sub):
        found = operator.listing("grant", q=words).context["cl"].result_list
        assert [row.pk for row in found] == [grant.pk]


@pytest.mark.parametrize(
    "model", sorted(set(MODELS) - {"oauthclient", "grant", "scheduledpull", "calendar"})
)
def test_records_and_googles_truth_are_read_only(operator, model):
    row = make_everything()[model]
    page = operator.page(row)
    assert page.context["has_change_permission"] is False
    assert page.context["has_delete_permission"] is False
    assert operator.browser.get(reverse(f"admin:goffline_{model}_add")).status_code == 403
    delete = reverse(f"admin:goffline_{model}_delete", args=[row.pk])
    assert operator.browser.post(delete, {"post": "yes"}).status_code == 403
    assert "delete_selected" not in operator.actions(model)


def test_deleting_a_user_takes_along_what_belongs_to_the_grants(operator):
    rows = make_everything()
    user = rows["grant"].user
    address = reverse("admin:auth_user_delete", args=[user.pk])
    asked = operator.browser.get(address)
    assert asked.status_code == 200
    assert not asked.context["perms_lacking"] and not asked.context["protected"]
    assert operator.browser.post(address, {"post": "yes"}).status_code == 302
    assert not type(rows["event"]).objects.exists()
    assert PendingRevocation.objects.count() == 2


def test_the_page_that_deletes_a_grant_counts_instead_of_listing(operator):
    grant = make_everything()["grant"]
    address = reverse("admin:goffline_grant_delete", args=[grant.pk])
    asked = operator.browser.get(address)
    assert ("events", 1) in list(asked.context["model_count"])
    assert "Dentist" not in asked.content.decode()
    assert operator.browser.post(address, {"post": "yes"}).status_code == 302
    assert not type(grant).objects.exists()


def test_staff_without_permissions_sees_nothing():
    stranger = Operator("view_metric")
    assert stranger.listing("metric").status_code == 200
    for model in set(MODELS) - {"metric"}:
        assert stranger.listing(model).status_code == 403
    index = stranger.browser.get(reverse("admin:index")).content.decode()
    assert "goffline/metric/" in index and "goffline/event/" not in index


@pytest.mark.parametrize("may_read", [True, False])
def test_what_events_say_is_for_those_who_may_read_it(may_read):
    rows = make_everything()
    extra = ("read_event_content",) if may_read else ()
    reader = Operator("view_event", "view_occurrence", *extra)
    pages = [
        reader.listing("event"),
        reader.page(rows["event"]),
        reader.listing("occurrence"),
        reader.page(rows["occurrence"]),
    ]
    assert [page.status_code for page in pages] == [200] * 4
    assert {"Dentist" in page.content.decode() for page in pages} == {may_read}
    assert ("Main street" in pages[1].content.decode()) is may_read
    found = reader.listing("event", q="Dentist").context["cl"].result_count
    assert found == (1 if may_read else 0)


def test_states_are_told_in_words(operator):
    client = make_client()
    past = timezone.now() - timedelta(hours=2)
    for number, (fields, words) in enumerate(
        [
            ({}, "active"),
            ({"failure_streak": 3}, "fails, 3 times in a row"),
            ({"state": "paused", "reason": "awaiting_approval"}, "waits for approval"),
            ({"state": "paused"}, "paused"),
            ({"state": "needs_consent", "diagnosis": "Unused for long."}, "needs consent"),
            ({"state": "revoked"}, "revoked"),
            ({"access_expires_at": past}, "ended"),
            ({"access_token": ""}, "none"),
            ({"granted_scopes": []}, "calendar.readonly"),
        ]
    ):
        grant = make_grant(client=client, email=f"p{number}@example.com", **fields)
        assert words in operator.page(grant).content.decode()
    listing = operator.listing("grant").content.decode()
    assert "Unused for long." in listing and "fails, 3 times in a row" in listing


@pytest.mark.parametrize(
    ("trouble", "fields"),
    [
        ("approval", {"state": "paused", "reason": "awaiting_approval"}),
        ("consent", {"state": "needs_consent"}),
        ("failing", {"failure_streak": 1}),
        ("late", {"due_at": datetime(2020, 1, 1, tzinfo=UTC)}),
    ],
)
def test_grants_in_trouble_can_be_listed(operator, trouble, fields):
    make_grant()
    wanted = make_grant(**fields)
    found = operator.listing("grant", trouble=trouble).context["cl"].result_list
    assert [row.pk for row in found] == [wanted.pk]


@pytest.mark.parametrize(
    ("trouble", "fields"),
    [
        ("held", {"sweep_held_at": NOW}),
        ("failing", {"failure_streak": 1}),
        ("late", {"due_at": datetime(2020, 1, 1, tzinfo=UTC)}),
        ("paused", {"paused_at": NOW}),
    ],
)
def test_pulls_in_trouble_can_be_listed(operator, trouble, fields):
    make_pull()
    wanted = make_pull(**fields)
    found = operator.listing("scheduledpull", trouble=trouble).context["cl"].result_list
    assert [row.pk for row in found] == [wanted.pk]


def test_a_site_of_ones_own_gets_the_same_pages():
    site = AdminSite(name="ours")
    register(site)
    assert set(ADMIN_CLASSES) <= set(site._registry)
    assert set(ADMIN_CLASSES) <= set(admin.site._registry)


def test_pages_step_out_of_a_transaction_around_requests():
    patterns = [
        pattern for model in ADMIN_CLASSES for pattern in admin.site._registry[model].get_urls()
    ]
    assert len(patterns) > 5 * len(ADMIN_CLASSES)
    assert all("default" in pattern.callback._non_atomic_requests for pattern in patterns)
