"""Forms write what changed and nothing else; secrets go in and never come out; links are shown once."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from django_goffline.models import (
    Calendar,
    ConsentRequest,
    Grant,
    OAuthClient,
    ScheduledPull,
    token_hash,
)
from django_goffline.protocol.scopes import CALENDAR_READONLY, EMAIL, OPENID
from django_goffline.testing.factories import (
    make_calendar,
    make_client,
    make_grant,
    make_pull,
    make_user,
)

from .operator import Operator, filled

pytestmark = pytest.mark.django_db
SCOPES = {"scopes_0": [OPENID, EMAIL, CALENDAR_READONLY], "scopes_1": ""}


def submit(operator, row, **changes):
    """Open the row's form, then send it back with changes, as a browser does."""
    data = filled(operator.page(row)) | changes
    return operator.browser.post(operator.address(row), data)


def consent_page(client, grant=None):
    page = reverse("admin:goffline_oauthclient_consent_link", args=[client.pk])
    return page if grant is None else f"{page}?repairs={grant.pk}"


# ── forms and what happens meanwhile ──────────────────────────────────────────


def test_a_grants_form_saved_while_a_refresh_lands_overwrites_nothing(operator):
    grant = make_grant(granted_scopes=[OPENID])
    form = filled(operator.page(grant))
    later = timezone.now() + timedelta(hours=1)
    Grant.objects.filter(pk=grant.pk).update(
        access_token="ya29.new",
        refresh_token="1//new",
        access_expires_at=later,
        granted_scopes=[OPENID, EMAIL],
        generation=7,
        state="needs_consent",
        due_at=None,
        lease_id="held",
    )
    form |= {"wanted_scopes_0": [OPENID], "wanted_scopes_1": ""}
    assert operator.browser.post(operator.address(grant), form).status_code == 302
    grant = Grant.objects.get()
    assert grant.wanted_scopes == [OPENID]
    assert grant.access_token.reveal() == "ya29.new" and grant.refresh_token.reveal() == "1//new"
    assert (grant.access_expires_at, grant.generation, grant.state) == (later, 7, "needs_consent")
    assert (grant.due_at, grant.lease_id, grant.granted_scopes) == (None, "held", [OPENID, EMAIL])


def test_between_reading_and_writing_a_form_only_its_columns_are_written(operator, monkeypatch):
    pull = make_pull(cursor="old", due_at=timezone.now() + timedelta(days=1))
    original = ScheduledPull.save

    def save_after_a_settle(self, *args, **kwargs):
        ScheduledPull.objects.filter(pk=self.pk).update(cursor="new", run=9, failure_streak=2)
        original(self, *args, **kwargs)

    monkeypatch.setattr(ScheduledPull, "save", save_after_a_settle)
    assert submit(operator, pull, interval=60).status_code == 302
    pull = ScheduledPull.objects.get()
    assert (pull.interval, pull.cursor, pull.run, pull.failure_streak) == (60, "new", 9, 2)


def test_a_clients_form_keeps_what_was_written_meanwhile(operator, monkeypatch):
    client = make_client()
    now = timezone.now()
    original = OAuthClient.save

    def save_after_a_pause(self, *args, **kwargs):
        OAuthClient.objects.filter(pk=self.pk).update(paused_at=now, paused_reason="broken")
        original(self, *args, **kwargs)

    monkeypatch.setattr(OAuthClient, "save", save_after_a_pause)
    assert submit(operator, client, name="Another name").status_code == 302
    client = OAuthClient.objects.get()
    assert (client.name, client.paused_at, client.paused_reason) == ("Another name", now, "broken")


def test_a_form_without_a_change_writes_nothing(operator, monkeypatch):
    client = make_client()
    monkeypatch.setattr(OAuthClient, "save", lambda self, **kwargs: pytest.fail("saved"))
    assert submit(operator, client).status_code == 302


def test_a_new_interval_wakes_the_pull(operator, sent):
    pull = make_pull(due_at=timezone.now() + timedelta(days=1))
    with sent() as nudged:
        submit(operator, pull, interval=60)
    pull.refresh_from_db()
    assert pull.interval == 60 and pull.due_at <= timezone.now()
    assert nudged == ["goffline.pull"]


def test_a_calendar_is_switched_off_in_the_list(operator, sent, monkeypatch):
    calendar = make_calendar(summary="old")
    original = Calendar.save

    def save_after_a_pull(self, *args, **kwargs):
        Calendar.objects.filter(pk=self.pk).update(summary="new")
        original(self, *args, **kwargs)

    monkeypatch.setattr(Calendar, "save", save_after_a_pull)
    page = reverse("admin:goffline_calendar_changelist")
    data = {
        "form-TOTAL_FORMS": 1,
        "form-INITIAL_FORMS": 1,
        "form-0-id": calendar.pk,
        "_save": "Save",
    }
    with sent() as nudged:
        assert operator.browser.post(page, data).status_code == 302
    calendar.refresh_from_db()
    assert (calendar.pulled, calendar.summary) == (False, "new")
    assert nudged == ["goffline.tick"]


@pytest.mark.parametrize(
    "scopes", [[], [OPENID, EMAIL], [CALENDAR_READONLY, "https://www.googleapis.com/auth/drive"]]
)
def test_a_form_shows_the_scopes_that_are_stored(operator, scopes):
    client = make_client(default_scopes=scopes)
    form = filled(operator.page(client))
    shown = [*form.get("default_scopes_0", []), *form["default_scopes_1"].split()]
    assert sorted(shown) == sorted(scopes)
    refused = filled(submit(operator, client, redirect_uri="nonsense"))
    assert refused["default_scopes_1"].split() == form["default_scopes_1"].split()
    assert refused.get("default_scopes_0") == form.get("default_scopes_0")


# ── clients: secrets, redirect URI, import ────────────────────────────────────


def test_the_secret_is_written_and_never_shown(operator):
    client = make_client(client_secret="GOCSPX-old")
    page = operator.page(client).content.decode()
    assert "GOCSPX" not in page and "client secret" in page
    submit(operator, client, new_client_secret="")
    client.refresh_from_db()
    assert client.client_secret.reveal() == "GOCSPX-old"
    submit(operator, client, new_client_secret=" GOCSPX-new ")
    client.refresh_from_db()
    assert client.client_secret.reveal() == "GOCSPX-new"
    history = reverse("admin:goffline_oauthclient_history", args=[client.pk])
    assert "GOCSPX" not in operator.browser.get(history).content.decode()


def test_a_refused_form_does_not_send_the_secret_back(operator):
    client = make_client()
    answer = submit(operator, client, new_client_secret="GOCSPX-new", redirect_uri="http://x.com/")
    assert answer.status_code == 200
    assert "must use https" in answer.content.decode()
    assert "GOCSPX-new" not in answer.content.decode()


def test_a_new_client_is_added_by_hand(operator):
    page = reverse("admin:goffline_oauthclient_add")
    form = filled(operator.browser.get(page))
    form |= {"name": "By hand", "client_id": "1-a", "new_client_secret": "GOCSPX-hand"}
    form |= {"default_scopes_1": "calendar.readonly"}
    refused = operator.browser.post(page, form)
    assert "did you mean" in refused.content.decode()
    form["default_scopes_1"] = "email"
    assert operator.browser.post(page, form).status_code == 302
    client = OAuthClient.objects.get()
    assert client.client_secret.reveal() == "GOCSPX-hand"
    assert client.default_scopes == [EMAIL]


def test_the_exact_redirect_uri_is_shown(operator, settings):
    client = make_client()
    assert "http://localhost:8000/goffline/callback/" in operator.page(client).content.decode()
    settings.GOFFLINE = {**settings.GOFFLINE, "BASE_URL": ""}
    assert "BASE_URL" in operator.page(client).content.decode()


def upload(operator, document, **data):
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    file = SimpleUploadedFile("client_secret.json", content, "application/json")
    return operator.browser.post(
        reverse("admin:goffline_oauthclient_import"), {"file": file, **data}, follow=True
    )


def web(**fields):
    return {
        "web": {
            "client_id": "1-a.apps.googleusercontent.com",
            "client_secret": "GOCSPX-file",
            "project_id": "my-project",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": "https://oauth2.googleapis.com/token",
            **fields,
        }
    }


def test_a_file_makes_a_client_and_the_next_one_renews_its_secret(operator):
    page = upload(operator, web())
    client = OAuthClient.objects.get()
    assert (client.name, client.kind, client.project_id) == ("my-project", "web", "my-project")
    assert client.client_secret.reveal() == "GOCSPX-file"
    assert client.authorization_style == "standard"
    assert "Add this redirect URI" in page.content.decode()
    OAuthClient.objects.update(name="Mine", default_scopes=[OPENID])
    registered = web(
        client_secret="GOCSPX-second", redirect_uris=["http://localhost:8000/goffline/callback/"]
    )
    page = upload(operator, registered)
    client = OAuthClient.objects.get()
    assert (client.name, client.default_scopes) == ("Mine", [OPENID])
    assert client.client_secret.reveal() == "GOCSPX-second"
    assert "Add this redirect URI" not in page.content.decode()
    assert "GOCSPX" not in page.content.decode()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"type": "service_account", "private_key": "x"}, "service account"),
        (b'{"web": {"client_id": ', "truncated"),
        (web(token_uri="https://evil.example/token"), "point to Google"),
        (web(client_secret=""), "client_secret"),
        ({}, "neither"),
        (b"x" * 70_000, "too large"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_the_form(operator, document, words):
    page = upload(operator, document)
    assert words in page.content.decode()
    assert page.context["form"].errors and not OAuthClient.objects.exists()


def test_import_needs_permission():
    assert upload(Operator("add_oauthclient"), web()).status_code == 403
    assert upload(Operator("add_oauthclient", "change_oauthclient"), web()).status_code == 200
    assert OAuthClient.objects.count() == 1


# ── consent links ─────────────────────────────────────────────────────────────


def test_a_link_is_made_and_shown_once(operator):
    client = make_client()
    operator.act("make_consent_link", client)
    page = operator.last["Location"]
    assert page == consent_page(client)
    data = filled(operator.browser.get(page)) | {
        "emails": "ada@example.com",
        "purpose": "Room display",
    }
    answer = operator.browser.post(page, data)
    request = ConsentRequest.objects.get()
    (link,) = answer.context["links"]
    assert f'value="{link.url}"' in answer.content.decode() and "readonly" in (
        answer.content.decode()
    )
    assert link.url.startswith("http://localhost:8000/goffline/")
    assert token_hash(link.url.rstrip("/").rpartition("/")[2]) == request.link_hash
    assert (request.expected_email, request.purpose) == ("ada@example.com", "Room display")
    assert request.asked_by == operator.user and request.client == client
    assert request.scopes == sorted([OPENID, EMAIL, CALENDAR_READONLY])
    assert "no-store" in answer["Cache-Control"]
    assert link.url not in repr(link)
    for later in (operator.listing("consentrequest"), operator.page(request)):
        assert link.url.rstrip("/").rpartition("/")[2] not in later.content.decode()


def test_a_direct_url_leads_to_google(operator):
    client = make_client()
    answer = operator.browser.post(consent_page(client), {**SCOPES, "link": "direct"})
    (link,) = answer.context["links"]
    assert link.url.startswith("https://accounts.google.com/")
    assert ConsentRequest.objects.get().direct


def test_several_users_get_a_link_each(operator):
    client = make_client()
    users = [make_user("ada"), make_user("grace")]
    answer = operator.browser.post(
        consent_page(client), {**SCOPES, "link": "page", "users": "ada\n grace \n\nada"}
    )
    assert [link.addressee for link in answer.context["links"]] == ["ada", "grace"]
    asked = ConsentRequest.objects.order_by("pk").values_list("user", flat=True)
    assert list(asked) == [user.pk for user in users]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"users": "nobody"}, "There is no user “nobody”"),
        ({"users": "sleepy"}, "is inactive"),
        ({"emails": "not an address"}, "valid email"),
        ({"users": "ada\ngrace", "emails": "a@example.com"}, "or one of each"),
        ({"scopes_0": [], "scopes_1": ""}, "required"),
        ({"scopes_1": "https://www.googleapis.com/auth/calender"}, "did you mean"),
        ({"days": "-1"}, "greater than"),
        ({"days": "2", "link": "direct"}, "24 hours"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_before_a_row_is_written(operator, data, words):
    make_user("ada")
    make_user("grace")
    make_user("sleepy", is_active=False)
    client = make_client()
    answer = operator.browser.post(consent_page(client), {**SCOPES, "link": "page", **data})
    assert answer.status_code == 200 and words in answer.content.decode()
    assert not ConsentRequest.objects.exists()


def test_a_paused_client_makes_no_links(operator):
    client = make_client(paused_at=timezone.now())
    answer = operator.browser.post(consent_page(client), {**SCOPES, "link": "page"})
    assert "paused" in answer.content.decode() and not ConsentRequest.objects.exists()


def test_without_keys_the_forms_say_so(operator, settings):
    client = make_client()
    settings.GOFFLINE = {**settings.GOFFLINE, "ENCRYPTION_KEYS": []}
    direct = operator.browser.post(consent_page(client), {**SCOPES, "link": "direct"})
    for answer in (direct, upload(operator, web())):
        assert answer.status_code == 200 and "ENCRYPTION_KEYS" in answer.content.decode()
    assert not ConsentRequest.objects.exists() and OAuthClient.objects.get() == client


def test_a_repairing_link_is_for_the_grants_account(operator):
    grant = make_grant(user=make_user("ada"), wanted_scopes=[OPENID, CALENDAR_READONLY])
    page = consent_page(grant.client, grant)
    form = filled(operator.browser.get(page))
    assert "users" not in form and "emails" not in form
    answer = operator.browser.post(page, form)
    request = ConsentRequest.objects.get()
    assert (request.repairs, request.user) == (grant, grant.user)
    assert request.expected_sub == grant.sub
    assert CALENDAR_READONLY in request.scopes
    assert [link.addressee for link in answer.context["links"]] == [str(grant)]


def test_a_grant_of_another_client_is_not_found(operator):
    grant = make_grant()
    assert operator.browser.get(consent_page(make_client(), grant)).status_code == 404
    assert operator.browser.get(f"{consent_page(grant.client)}?repairs=x").status_code == 404


def test_links_need_permission():
    client = make_client()
    reader = Operator("view_oauthclient")
    assert reader.browser.get(consent_page(client)).status_code == 403
    assert "consent-link" not in reader.page(client).content.decode()
    maker = Operator("view_oauthclient", "make_consent_link")
    assert maker.browser.get(consent_page(client)).status_code == 200
    assert "consent-link" in maker.page(client).content.decode()
