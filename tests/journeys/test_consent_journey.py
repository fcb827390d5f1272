"""From the wish to the grant over real HTTP: our pages by the live server, Google by the fake's."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from django_goffline.flows import consent
from django_goffline.models import Grant, OAuthClient, database_now
from django_goffline.testing import browser
from django_goffline.testing.factories import make_client, make_user

pytestmark = pytest.mark.django_db(transaction=True)

ADA, BOB = "ada@example.com", "bob@example.com"
TIMEOUT = 10


@dataclass
class Person:
    """A browser with a cookie jar, and the page it shows."""

    session: requests.Session = field(default_factory=requests.Session)
    page: requests.Response | None = None

    def open(self, url):
        self.page = self.session.get(url, timeout=TIMEOUT)
        return self.page

    def press(self):
        """Send the page's form; where it leads."""
        fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', self.page.text))
        action = re.search(r'<form method="post" action="([^"]+)"', self.page.text)[1]
        parts = urlsplit(self.page.url)
        answer = self.session.post(
            urljoin(self.page.url, action),
            data=fields,
            headers={"Origin": f"{parts.scheme}://{parts.netloc}", "Referer": self.page.url},
            allow_redirects=False,
            timeout=TIMEOUT,
        )
        assert answer.status_code == 303
        return answer.headers["Location"]

    def consent(self, link, *, email=ADA, scopes=None):
        self.open(link)
        return self.open(browser.agree(self.press(), email=email, scopes=scopes))


@dataclass
class Site:
    """Our site and its client at Google."""

    url: str
    client: OAuthClient

    def ask(self, **wish):
        now = database_now("default")
        return consent.start(client=self.client, now=now, using="default", **wish)


@pytest.fixture
def site(live_server, fake_google_server, settings):
    settings.GOFFLINE = {**settings.GOFFLINE, "BASE_URL": live_server.url}
    fake = fake_google_server.fake
    for email in (ADA, BOB):
        fake.add_account(email)
    client = make_client(fake, redirect_uri=f"{live_server.url}/goffline/callback/")
    return Site(url=live_server.url, client=client)


def test_a_link_becomes_a_grant(site):
    person = Person()
    page = person.consent(site.ask(expected_email=ADA).url)
    assert page.status_code == 200
    assert "Your Google account is connected" in page.text
    assert re.fullmatch(rf"{site.url}/goffline/result/[0-9a-f-]{{36}}/", page.url)
    grant = Grant.objects.get()
    assert (grant.email, grant.state) == (ADA, "active")
    assert grant.refresh_token.reveal()


def test_the_style_sheet_is_served(site):
    page = Person().open(site.ask().url)
    href = re.search(r'<link rel="stylesheet" href="([^"]+)"', page.text)[1]
    assert "--ground" in requests.get(urljoin(page.url, href), timeout=TIMEOUT).text


def test_the_page_moves_to_the_redirect_uris_host(site):
    link = site.ask(expected_email=ADA).url.replace("localhost", "127.0.0.1")
    assert link.startswith("http://127.0.0.1")
    person = Person()
    assert person.open(link).url.startswith(f"{site.url}/goffline/connect/")
    assert person.consent(link).status_code == 200
    assert Grant.objects.count() == 1


def test_two_tabs_and_another_browser(site):
    link = site.ask(expected_email=ADA).url
    person, other = Person(), Person()
    person.open(link)
    urls = [person.press() for _ in range(2)]
    back = browser.agree(urls[0], email=ADA)
    assert other.open(back).status_code == 403
    assert not Grant.objects.exists()
    assert person.open(back).status_code == 200
    assert person.open(browser.agree(urls[1], email=ADA)).status_code == 410
    assert Grant.objects.get().generation == 1


def test_refusal_then_the_wrong_account_then_yes(site):
    person = Person()
    person.open(site.ask(expected_email=ADA).url)
    assert "Not connected" in person.open(browser.refuse(person.press(), email=ADA)).text
    assert "Another Google account" in person.open(browser.agree(person.press(), email=BOB)).text
    assert "is connected" in person.open(browser.agree(person.press(), email=ADA)).text
    assert Grant.objects.get().email == ADA


def test_a_forwarded_link_waits_for_its_asker(site):
    boss = make_user()
    page = Person().consent(site.ask(asked_by=boss).url, email=BOB)
    assert "awaits approval" in page.text
    grant = Grant.objects.get()
    assert (grant.state, grant.email) == ("paused", BOB)
    assert consent.may_approve(boss, grant)
    now = database_now("default")
    assert consent.approve(Grant.objects.all(), by=boss, now=now, using="default") == 1
    assert Grant.objects.get().state == "active"


def test_a_direct_url_becomes_a_grant(site):
    url = site.ask(direct=True, expected_email=ADA).url
    assert "is connected" in Person().open(browser.agree(url, email=ADA)).text
    assert Grant.objects.get().state == "active"


def test_a_legacy_client_is_sent_to_the_old_endpoint(site):
    OAuthClient.objects.update(authorization_style="legacy")
    site.client.refresh_from_db()
    person = Person()
    person.open(site.ask(expected_email=ADA).url)
    url = person.press()
    assert "/o/oauth2/auth?" in url
    assert "is connected" in person.open(browser.agree(url, email=ADA)).text


@pytest.mark.parametrize("odd", ["%00", "%ff", "%ED%A0%80", "..%2f", "%0d%0aX:1", "a" * 60_000])
def test_odd_bytes_never_break_the_server(site, odd):
    callback = f"{site.url}/goffline/callback/?state={odd}"
    assert requests.get(callback, timeout=TIMEOUT).status_code == 400
    link = f"{site.url}/goffline/connect/{odd[:200]}/"
    assert requests.get(link, timeout=TIMEOUT).status_code == 404
