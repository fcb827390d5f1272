"""The link and its page over Django's test client: cookies, headers, statuses, and who may look."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils.html import escape

from django_goffline.flows import consent
from django_goffline.models import (
    ConsentAttempt,
    ConsentRequest,
    Grant,
    OAuthClient,
    token_hash,
)
from django_goffline.testing.factories import make_user
from django_goffline.views import cookies
from django_goffline.views.wording import MESSAGES
from tests.consenting import ADA, BOB, Consents
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


def test_a_link_puts_its_token_into_a_cookie_and_goes_on_to_a_clean_address(site, person):
    started = site.ask()
    answer = person.get(path_of(started.url))
    assert answer.headers["Location"] == f"/goffline/connect/{started.request.public_id}/"
    cookie = answer.cookies["goffline_link_tokens"]
    assert token_hash(cookie.value) == started.request.link_hash
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("method", "headers"),
    [("head", {}), ("get", {}), ("get", {"Sec-Purpose": "prefetch;prerender"})],
)
def test_looking_at_a_link_changes_nothing_but_seen(site, stranger, method, headers):
    started = site.ask()
    look = getattr(stranger, method)
    page = look(path_of(started.url), headers=headers).headers["Location"]
    assert look(page, headers=headers).status_code == 200
    row = ConsentRequest.objects.get()
    assert row.seen_at is not None
    row.seen_at = None
    assert vars_of(row) == vars_of(started.request)
    assert not ConsentAttempt.objects.exists()


def vars_of(row):
    return {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}


def test_on_https_the_cookies_are_secure_and_host_bound(site):
    started = site.ask()
    browser = Client(headers={"host": "localhost:8000"})
    answer = browser.get(path_of(started.url), secure=True)
    cookie = answer.cookies["__Host-goffline_link_tokens"]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    answer = browser.post(answer.headers["Location"], secure=True)
    assert answer.status_code == 303
    assert answer.cookies["__Host-goffline_browser_token"]["secure"] is True
    assert answer.cookies["__Host-goffline_browser_token"]["httponly"] is True


def test_a_proxy_that_hides_https_makes_no_insecure_cookie(site, stranger, settings):
    started = site.ask()
    settings.GOFFLINE = {**settings.GOFFLINE, "BASE_URL": "https://www.example.com"}
    answer = stranger.get(path_of(started.url) + "?moved=1")
    assert answer.cookies["__Host-goffline_link_tokens"]["secure"] is True


def test_the_page_moves_to_the_redirect_uris_host_first(site):
    started = site.ask()
    elsewhere = Client(headers={"host": "127.0.0.1:8000"})
    answer = elsewhere.get(path_of(started.url))
    assert answer.headers["Location"] == f"{started.url}?moved=1"
    assert "goffline_link_tokens" not in answer.cookies
    # A proxy that hides the host makes no loop of it.
    answer = elsewhere.get(path_of(started.url) + "?moved=1")
    assert answer.headers["Location"].startswith("/goffline/connect/")


@pytest.mark.parametrize(
    "token", ["x" * 43, "short", "%00", "%ff%fe", "%F0%9F%98%80", "a" * 5000, "..%2f.."]
)
def test_a_link_of_nobody_is_a_plain_page(site, stranger, token):
    site.ask()
    answer = stranger.get(f"/goffline/connect/{token}/")
    assert answer.status_code == 404
    assert b"form" not in answer.content


# The page.


def test_the_page_says_who_asks_for_what_on_whose_behalf(site, person):
    user = make_user("ada", is_active=True)
    started = site.ask(
        user=user,
        asked_by=make_user("boss@example.com"),
        purpose="the <weekly> report",
        expected_email=ADA,
    )
    person.force_login(user)
    answer = person.get(open_link(person, started))
    text = text_of(answer)
    for words in (
        "boss@example.com",
        "the &lt;weekly&gt; report",
        "localhost:8000",
        ADA,
        str(user),
        "see all your calendars and their events",
        "Continue to Google",
    ):
        assert words in text
    assert "<script" not in text
    assert "style=" not in text
    assert answer.headers["Referrer-Policy"] == "same-origin"
    policy = answer.headers["Content-Security-Policy"]
    assert "form-action 'self' http://localhost:8800;" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_the_policy_names_google_itself_and_a_static_host(site, person, settings):
    started = site.ask()
    page = open_link(person, started)
    settings.GOFFLINE = {**settings.GOFFLINE, "ENDPOINTS": None}
    settings.STATIC_URL = "https://cdn.example.com/static/"
    policy = person.get(page).headers["Content-Security-Policy"]
    assert "form-action 'self' https://accounts.google.com;" in policy
    assert "style-src 'self' https://cdn.example.com;" in policy


def test_posting_needs_a_csrf_token(site, person):
    page = open_link(person, site.ask())
    assert person.post(page).status_code == 403
    assert not ConsentAttempt.objects.exists()


def test_a_site_without_the_csrf_middleware_is_protected_too(site, person, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csrf" not in name]
    page = open_link(person, site.ask())
    assert person.post(page).status_code == 403
    assert press(person, page).status_code == 303


def test_posting_starts_an_attempt_bound_to_the_browser(site, person):
    url = set_out(person, site.ask())
    assert url.startswith("http://localhost:8800/o/oauth2/v2/auth?")
    browser_id = person.cookies["goffline_browser_token"].value
    assert ConsentAttempt.objects.get().browser_hash == token_hash(browser_id)
    set_out(person, site.ask())
    assert person.cookies["goffline_browser_token"].value == browser_id


@pytest.mark.parametrize("lost", ["BASE_URL", "ENCRYPTION_KEYS"])
def test_a_site_that_is_not_set_up_has_its_own_page(site, person, settings, lost):
    address = open_link(person, site.ask())
    page = person.get(address)
    settings.GOFFLINE = {**settings.GOFFLINE, lost: ""}
    form = {"csrfmiddlewaretoken": page.context["csrf_token"]}
    answer = person.post(address, form, headers={"Origin": "http://localhost:8000"})
    assert answer.status_code == 503
    assert "not set up" in text_of(answer)
    assert not ConsentAttempt.objects.exists()


def test_an_id_in_an_address_is_no_right(site, person, stranger):
    page = open_link(person, site.ask(asked_by=make_user("boss@example.com")))
    for answer in (stranger.get(page), stranger.post(page)):
        assert answer.status_code == 404
        assert "boss" not in text_of(answer)
    assert not ConsentAttempt.objects.exists()


def test_two_links_work_side_by_side(site, person):
    first, second = site.ask(expected_email=ADA), site.ask(expected_email=BOB)
    pages = [open_link(person, started) for started in (first, second)]
    urls = [press(person, page).headers["Location"] for page in pages]
    assert "Your Google account is connected" in text_of(
        come_back(site, person, urls[1], email=BOB)
    )
    assert "Your Google account is connected" in text_of(
        come_back(site, person, urls[0], email=ADA)
    )
    assert Grant.objects.count() == 2


def test_a_browser_keeps_the_latest_links_only(site, person):
    pages = [open_link(person, site.ask()) for _ in range(cookies.MOST_LINKS + 1)]
    assert person.get(pages[0]).status_code == 404
    assert person.get(pages[1]).status_code == 200


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("completed", {"completed_at": "now"}),
        ("withdrawn", {"withdrawn_at": "now"}),
        ("expired", {"expires_at": "now"}),
    ],
)
def test_a_closed_link_has_its_own_page(site, person, code, change):
    started = site.ask()
    ConsentRequest.objects.update(**dict.fromkeys(change, site.now))
    page = open_link(person, started)
    answer = person.get(page)
    assert answer.status_code == 410
    assert escape(str(MESSAGES[code].heading)) in text_of(answer)


def test_a_paused_client_has_its_own_page(site, person):
    started = site.ask()
    OAuthClient.objects.all().pause(now=site.now, reason="by hand")
    assert person.get(open_link(person, started)).status_code == 503


def test_a_withdrawn_link_reads_withdrawn(site, person):
    started = site.ask()
    consent.withdraw(ConsentRequest.objects.all(), now=site.now, using="default")
    assert "withdrawn" in text_of(person.get(open_link(person, started)))


def test_an_addressed_link_asks_for_login_first_and_refuses_others(site, person):
    user = make_user()
    started = site.ask(user=user)
    page = open_link(person, started)
    answer = person.get(page)
    assert answer.headers["Location"] == f"/admin/login/?next={page}"
    person.force_login(make_user())
    answer = person.get(page)
    assert answer.status_code == 403
    assert str(user) not in text_of(answer)
    person.force_login(user)
    assert person.get(page).status_code == 200


def test_the_addressed_user_needs_no_link_in_hand(site, person):
    user = make_user()
    started = site.ask(user=user)
    person.force_login(user)
    assert person.get(f"/goffline/connect/{started.request.public_id}/").status_code == 200


def test_a_direct_request_has_no_page(site, person):
    user = make_user()
    started = site.ask(user=user, direct=True)
    person.force_login(user)
    assert person.get(f"/goffline/connect/{started.request.public_id}/").status_code == 404
