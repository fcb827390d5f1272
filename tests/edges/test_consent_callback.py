"""The callback and its result page: what is consumed, what is shown, and to whom."""

from __future__ import annotations

import pytest
from django.db import connections
from django.test import Client
from django.urls import resolve

from django_goffline.flows import consent
from django_goffline.models import (
    ConsentAttempt,
    ConsentRequest,
    Grant,
)
from django_goffline.testing.factories import make_user
from tests.consenting import ADA, Consents, parameters
from tests.edges.pages import come_back, open_link, path_of, press, set_out, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(fake_google):
    return Consents(fake_google)


@pytest.fixture
def person():
    """A browser that checks CSRF, on the host of the redirect URI."""
    return Client(enforce_csrf_checks=True, headers={"host": "localhost:8000"})


@pytest.fixture
def stranger():
    return Client(headers={"host": "localhost:8000"})


def test_a_whole_consent(site, person):
    started = site.ask(expected_email=ADA, next_url="/welcome/?a=1")
    back = path_of(site.agree(set_out(person, started)))
    answer = person.get(back)
    attempt = ConsentAttempt.objects.get()
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/goffline/result/{attempt.public_id}/"
    assert answer.content == b""
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]
    page = person.get(answer.headers["Location"])
    text = text_of(page)
    assert page.status_code == 200
    assert "Your Google account is connected" in text
    assert ADA in text
    assert 'href="/welcome/?a=1"' in text
    assert "<form" not in text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert Grant.objects.get().state == "active"
    for secret in (parameters(back)["state"], parameters(back)["code"]):
        assert secret not in text


def test_a_replayed_callback_leads_its_browser_to_the_result(site, person):
    back = path_of(site.agree(set_out(person, site.ask(expected_email=ADA))))
    first, second = person.get(back), person.get(back)
    assert second.status_code == 303
    assert second.headers["Location"] == first.headers["Location"]
    assert "is connected" in text_of(person.get(second.headers["Location"]))
    assert site.exchanges == 1


def test_another_browser_reads_only_whom_to_ask(site, person, stranger):
    back = path_of(site.agree(set_out(person, site.ask(expected_email=ADA))))
    answer = stranger.get(back)
    assert answer.status_code == 403
    assert "ask the person who sent you this" in text_of(answer)
    assert "<form" not in text_of(answer)
    assert ConsentAttempt.objects.get().consumed_at is None
    result = person.get(back).headers["Location"]
    assert stranger.get(result).status_code == 404
    assert ADA not in text_of(stranger.get(result))


def test_the_result_is_for_the_addressed_user_and_the_asker_too(site, person, stranger):
    user, asker = make_user(), make_user()
    person.force_login(user)
    started = site.ask(user=user, asked_by=asker)
    url = set_out(person, started)
    result = person.get(path_of(site.agree(url))).headers["Location"]
    for reader, status in ((user, 200), (asker, 200), (make_user(), 404)):
        stranger.force_login(reader)
        assert stranger.get(result).status_code == status


def test_a_fresh_start_is_offered_to_the_bound_browser_only(site, person, stranger):
    asker = make_user()
    url = set_out(person, site.ask(asked_by=asker))
    result = person.get(path_of(site.refuse(url))).headers["Location"]
    page = person.get(result)
    assert "Start again" in text_of(page)
    assert page.headers["Referrer-Policy"] == "same-origin"
    stranger.force_login(asker)
    answer = stranger.get(result)
    assert answer.status_code == 200
    assert "<form" not in text_of(answer)
    # The offer works, also when the link's own cookie is gone.
    del person.cookies["goffline_link_tokens"]
    again = press(person, result)
    assert again.status_code == 303
    assert "awaits approval" in text_of(come_back(site, person, again.headers["Location"]))
    # And it is withdrawn with the request.
    assert "Start again" not in text_of(person.get(result))


def test_a_fresh_start_is_offered_to_the_addressed_user_in_any_browser(site, person, stranger):
    user = make_user()
    person.force_login(user)
    result = person.get(path_of(site.refuse(set_out(person, site.ask(user=user)))))["Location"]
    stranger.force_login(user)
    assert "Start again" in text_of(stranger.get(result))
    ConsentRequest.objects.update(expires_at=site.now)
    assert "<form" not in text_of(stranger.get(result))


def test_after_a_refusal_the_link_says_so(site, person):
    started = site.ask()
    person.get(path_of(site.refuse(set_out(person, started))))
    assert "You said no at Google before" in text_of(person.get(open_link(person, started)))


def test_a_partial_consent_names_what_is_missing(site, person):
    text = text_of(
        come_back(site, person, set_out(person, site.ask(expected_email=ADA)), scopes=[])
    )
    assert "Connected in part" in text
    assert "see all your calendars and their events" in text


def test_approval_shows_on_the_result_page(site, person):
    page = come_back(site, person, set_out(person, site.ask()))
    assert "awaits approval" in text_of(page)
    result = page.request["PATH_INFO"]
    consent.approve(Grant.objects.all(), by=None, now=site.now, using="default")
    assert "is connected" in text_of(person.get(result))


def test_an_unanswered_or_expired_attempt_reads_so(site, person):
    set_out(person, site.ask())
    attempt = ConsentAttempt.objects.get()
    result = f"/goffline/result/{attempt.public_id}/"
    assert "not answered yet" in text_of(person.get(result))
    ConsentRequest.objects.update(expires_at=site.now)
    assert person.get(result).status_code == 410


def test_a_policys_page_names_the_client(site, person):
    url = set_out(person, site.ask())
    state = parameters(url)["state"]
    back = f"/goffline/callback/?error=admin_policy_enforced&state={state}"
    page = person.get(person.get(back).headers["Location"])
    assert page.status_code == 403
    assert site.client.client_id in text_of(page)


def test_a_direct_urls_result_is_for_the_browser_that_answered(site, person, stranger):
    back = path_of(site.agree(site.ask(direct=True, expected_email=ADA).url))
    result = person.get(back).headers["Location"]
    assert "is connected" in text_of(person.get(result))
    assert stranger.get(result).status_code == 404
    assert stranger.get(back).status_code == 403


def test_a_refused_direct_url_offers_no_fresh_start(site, person):
    back = path_of(site.refuse(site.ask(direct=True).url))
    page = person.get(person.get(back).headers["Location"])
    assert page.status_code == 200
    assert "<form" not in text_of(page)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=",
        "state=unknown&code=4%2Fx",
        "state=%00&code=%00",
        "state=%ff%fe",
        "state=%ED%A0%80",
        "error=%3Cscript%3Ealert(1)%3C/script%3E&state=x",
        "state=" + "s" * 100_000,
        "&".join(f"p{number}=1" for number in range(2000)),
        "%",
        "=&=&=",
        "state=a&state=b&code=c",
    ],
)
def test_a_callback_of_nobody_is_a_plain_page(site, stranger, query, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):
        answer = stranger.get("/goffline/callback/", QUERY_STRING=query)
    assert answer.status_code == 400
    assert "<form" not in text_of(answer)
    assert "<script" not in text_of(answer)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["code", "state", "iss", "scope", "error"])
def test_a_doubled_parameter_is_refused_and_consumes_nothing(site, person, name):
    back = path_of(site.agree(set_out(person, site.ask(expected_email=ADA))))
    value = "access_denied" if name == "error" else "x"
    doubled = f"{back}&{name}={value}&{name}={value}"
    assert person.get(doubled).status_code == 400
    assert ConsentAttempt.objects.get().consumed_at is None
    assert person.get(back).status_code == 303


@pytest.mark.parametrize("purpose", ["Sec-Purpose", "Purpose"])
def test_a_callback_loaded_ahead_of_time_consumes_nothing(site, person, purpose):
    back = path_of(site.agree(set_out(person, site.ask(expected_email=ADA))))
    assert person.get(back, headers={purpose: "prefetch"}).status_code == 503
    assert person.head(back).status_code == 405
    assert person.post(back).status_code in (403, 405)
    assert ConsentAttempt.objects.get().consumed_at is None


def test_methods_are_restricted(site, stranger):
    public_id = site.ask().request.public_id
    for path in (f"/goffline/connect/{'x' * 43}/", f"/goffline/result/{public_id}/"):
        assert stranger.post(path).status_code == 405
    assert stranger.put(f"/goffline/connect/{public_id}/").status_code == 405
    assert stranger.put("/goffline/callback/").status_code == 405


@pytest.mark.parametrize("cookie", ["", "x", "\x00", "é" * 30, "." * 4000, "a" * 30])
def test_forged_cookies_prove_nothing(site, stranger, cookie):
    started = site.ask()
    for name in ("goffline_link_tokens", "goffline_browser_token"):
        stranger.cookies[name] = cookie
    assert stranger.get(f"/goffline/connect/{started.request.public_id}/").status_code == 404


def test_the_views_step_out_of_atomic_requests(site, person, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    page = come_back(site, person, set_out(person, site.ask(expected_email=ADA)))
    assert "is connected" in text_of(page)


def test_the_request_is_scrubbed_for_whoever_reports_on_it(site, person, rf):
    started = site.ask()
    for path in (path_of(started.url), "/goffline/callback/?state=secret-state&code=4/secret"):
        request = rf.get(path, headers={"host": "localhost:8000"})
        request.resolver_match = resolve(request.path)
        match = request.resolver_match
        match.func(request, *match.args, **match.kwargs)
        everything = " ".join(
            map(
                str,
                (
                    request.get_full_path(),
                    request.META["PATH_INFO"],
                    request.META["QUERY_STRING"],
                    request.GET,
                    request.path_info,
                    match.kwargs,
                ),
            )
        )
        for secret in ("secret-state", "4/secret", started.url.rstrip("/").rpartition("/")[2]):
            assert secret not in everything
