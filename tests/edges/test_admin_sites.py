"""Other people's settings: a site of their own, a transaction around every request."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import connection
from django.urls import reverse

from django_goffline import nudges
from django_goffline.models import ConsentRequest
from django_goffline.testing.factories import make_client, make_grant

from .operator import Operator, filled


@pytest.mark.django_db
@pytest.mark.urls("tests.edges.own_site_urls")
def test_a_site_of_ones_own_keeps_its_people():
    operator, grant = Operator(), make_grant()
    client = grant.client
    form = f"/ours/goffline/oauthclient/{client.pk}/consent-link/"
    pages = [
        operator.browser.get("/ours/goffline/oauthclient/"),
        operator.browser.get(f"/ours/goffline/oauthclient/{client.pk}/change/"),
        operator.browser.get("/ours/goffline/oauthclient/import/"),
        operator.browser.get(form),
        operator.browser.post(form, filled(operator.browser.get(form))),
        operator.browser.post(
            "/ours/goffline/grant/", {"action": "revoke", ACTION_CHECKBOX_NAME: [grant.pk]}
        ),
    ]
    for page in pages:
        assert page.status_code == 200
        links = re.findall(r'href="(/[^"]*)"', page.content.decode())
        assert [link for link in links if link.startswith("/admin/")] == []
        assert any(link.startswith("/ours/goffline/") for link in links)
    action = {"action": "make_consent_link", ACTION_CHECKBOX_NAME: [client.pk]}
    assert operator.browser.post("/ours/goffline/oauthclient/", action)["Location"] == form


@pytest.fixture
def atomic_requests(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)


@pytest.mark.django_db(transaction=True)
def test_under_atomic_requests_a_nudge_is_sent_when_its_wish_is_written(
    atomic_requests, monkeypatch
):
    operator, grant = Operator(), make_grant()
    seen = []

    def send(app, task, copies):
        grant.refresh_from_db()
        seen.append((task, connection.in_atomic_block, grant.wake_requested_at is not None))

    monkeypatch.setattr(nudges, "_send", send)
    operator.act("refresh_now", grant)
    assert seen == [("goffline.refresh", False, True)]


@pytest.mark.django_db(transaction=True)
def test_under_atomic_requests_a_link_that_is_shown_is_stored(atomic_requests):
    operator, client = Operator(), make_client()
    page = reverse("admin:goffline_oauthclient_consent_link", args=[client.pk])
    answer = operator.browser.post(page, filled(operator.browser.get(page)))
    assert len(answer.context["links"]) == ConsentRequest.objects.count() == 1
