"""What Django writes to the site's operators when something breaks under a person's hands: no secret."""

from __future__ import annotations

import pytest
from django.db import DatabaseError
from django.http import HttpRequest
from django.test import Client
from django.views.debug import ExceptionReporter

from django_goffline import api
from django_goffline.flows import access, consent, refresh_settle
from django_goffline.flows import revoke as revoking
from django_goffline.flows.consent import attempts, record
from django_goffline.models import ConsentAttempt, Grant
from django_goffline.testing.factories import make_grant
from django_goffline.views import cookies
from tests.consenting import ADA, Consents, parameters
from tests.edges.pages import open_link, path_of, press, set_out

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(fake_google):
    return Consents(fake_google)


@pytest.fixture
def person():
    return Client(headers={"host": "localhost:8000"})


def broken(*args, **kwargs):
    raise DatabaseError("the connection is gone")


def report_of(visit):
    """The error report that a visit ends in, with the local variables of every frame."""
    with pytest.raises(DatabaseError) as caught:
        visit()
    trace = caught.tb
    request = None
    start = trace
    while trace is not None:
        local = trace.tb_frame.f_locals.get("request")
        request = local if isinstance(local, HttpRequest) else request
        # Here Django catches: what called it, such as the test client, is in no report.
        if trace.tb_frame.f_code.co_filename.endswith("core/handlers/exception.py"):
            start = trace
        trace = trace.tb_next
    return written(request, caught, start)


def written(request, caught, start):
    html = ExceptionReporter(request, caught.type, caught.value, start).get_traceback_html()
    assert "the connection is gone" in html
    assert "Local vars" in html
    return html


def found(secrets, html):
    assert all(secrets.values())
    return [name for name, secret in secrets.items() if secret in html]


@pytest.mark.parametrize("where", ["record", "row"])
def test_a_callback_that_breaks(site, person, monkeypatch, where):
    started = site.ask(expected_email=ADA)
    url = set_out(person, started)
    back = path_of(site.agree(url))
    verifier = ConsentAttempt.objects.get().code_verifier.reveal()
    if where == "record":
        monkeypatch.setattr(record, "note", broken)
    else:
        monkeypatch.setattr(Grant, "save", broken)
    html = report_of(lambda: person.get(back))
    tokens = site.fake.oauth
    secrets = {
        "code": parameters(back)["code"],
        "state": parameters(back)["state"],
        "verifier": verifier,
        "refresh token": next(iter(tokens.refresh_tokens)),
        "access token": next(iter(tokens.access_tokens)),
        "client secret": site.client.client_secret.reveal(),
        "browser": person.cookies[cookies.BROWSER].value,
        "link": person.cookies[cookies.LINKS].value,
    }
    assert found(secrets, html) == []


@pytest.mark.parametrize("where", ["see", "remember_link"])
def test_a_link_that_breaks(site, person, monkeypatch, where):
    started = site.ask()
    monkeypatch.setattr(consent if where == "see" else cookies, where, broken)
    html = report_of(lambda: person.get(path_of(started.url)))
    assert found({"link": started.url.rstrip("/").rpartition("/")[2]}, html) == []


def test_a_start_that_breaks(site, person, monkeypatch):
    address = open_link(person, site.ask())
    made = {}
    for name in ("new_state", "new_nonce", "new_pkce"):
        real = getattr(attempts, name)
        monkeypatch.setattr(attempts, name, lambda n=name, r=real: made.setdefault(n, r()))
    monkeypatch.setattr(ConsentAttempt, "save", broken)
    html = report_of(lambda: press(person, address))
    secrets = {
        "state": made["new_state"],
        "nonce": made["new_nonce"],
        "verifier": made["new_pkce"].verifier,
        "link": person.cookies[cookies.LINKS].value,
    }
    assert found(secrets, html) == []


@pytest.mark.parametrize("rejected", [False, True])
def test_a_token_that_breaks_on_its_way(fake_google, monkeypatch, rejected):
    grant = make_grant(fake_google, access_expires_at=None)
    monkeypatch.setattr(refresh_settle, "note", broken)
    old = grant.access_token.reveal()
    with pytest.raises(DatabaseError) as caught:
        api._token(grant, old) if rejected else api.access_token(grant)
    html = written(None, caught, caught.tb.tb_next)
    secrets = {
        "refresh token": grant.refresh_token.reveal(),
        "old token": old,
        "access token": list(fake_google.oauth.access_tokens)[-1],
        "client secret": grant.client.client_secret.reveal(),
    }
    assert secrets["access token"] != old
    assert found(secrets, html) == []


def test_a_stored_token_that_breaks_on_its_way(fake_google, monkeypatch):
    grant = make_grant(fake_google)
    monkeypatch.setattr(access, "update_rows", broken)
    with pytest.raises(DatabaseError) as caught:
        api.access_token(grant)
    html = written(None, caught, caught.tb.tb_next)
    assert found({"access token": grant.access_token.reveal()}, html) == []


def test_a_revocation_that_breaks(fake_google, monkeypatch):
    grant = make_grant(fake_google)
    token = grant.refresh_token.reveal()
    monkeypatch.setattr(revoking.PendingRevocation.objects, "using", broken)
    with pytest.raises(DatabaseError) as caught:
        api.revoke(grant)
    html = written(None, caught, caught.tb.tb_next)
    assert found({"refresh token": token}, html) == []
