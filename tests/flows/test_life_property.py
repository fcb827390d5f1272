"""The life of a grant, from the wish to the revocation, under any form of what is not known of Google."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from django_goffline.exceptions import TryLaterError
from django_goffline.flows import refresh, revoke
from django_goffline.models import Grant, OAuthClient, PendingRevocation
from django_goffline.protocol.scopes import CALENDAR_READONLY, EMAIL, OPENID
from django_goffline.testing.browser import BrowserStopped
from django_goffline.testing.fake_google import Switches
from django_goffline.testing.fake_google.tokens import live_access_token
from tests.consenting import ADA, Consents

pytestmark = pytest.mark.django_db

DEFAULT = "default"


class Life:
    """One grant, and the fake's clock, which is the only one that counts."""

    def __init__(self, fake, seed):
        fake.switches = Switches.draw(Random(seed))
        self.fake = fake
        self.site = Consents(fake, now=fake.clock.freeze())

    @property
    def now(self):
        return self.fake.clock.now()

    def later(self, **duration):
        """Let time pass, and refresh whatever is due by then."""
        self.fake.clock.advance(timedelta(**duration))
        self.site.now = self.now
        while refresh.refresh_due(now=self.now, using=DEFAULT):
            pass
        return Grant.objects.get()

    def token(self):
        """A token that opens something at Google; a doubt about the grant is waited out."""
        grant = Grant.objects.get()
        try:
            value = refresh.access_token(grant, now=self.now, using=DEFAULT)
        except TryLaterError:
            assert self.fake.switches.first_refresh_refused
            assert Grant.objects.get().reason == "confirming"
            self.later(minutes=10)
            value = refresh.access_token(grant, now=self.now, using=DEFAULT)
        assert live_access_token(self.fake.oauth, value)
        return value


@pytest.fixture(params=range(40))
def life(fake_google, request):
    return Life(fake_google, request.param)


def test_from_the_wish_to_the_revocation(life, told, django_capture_on_commit_callbacks):
    site, oauth = life.site, life.fake.oauth
    url = site.set_out(site.ask(expected_email=ADA).request)
    assert site.come_back(site.refuse(url)).outcome == "refused"
    completed = site.whole(expected_email=ADA)
    assert (completed.outcome, completed.missing) == ("granted", ())
    assert set(completed.grant.granted_scopes) == {OPENID, EMAIL, CALENDAR_READONLY}

    tokens = {life.token()}
    for _ in range(3):
        life.later(hours=3)
        tokens.add(life.token())
    assert len(tokens) == 4
    assert set(Grant.objects.get().granted_scopes) == {OPENID, EMAIL, CALENDAR_READONLY}

    before = Grant.objects.get().generation
    assert site.whole(expected_email=ADA).outcome == "granted"
    assert Grant.objects.get().generation == before + 1
    life.later(hours=3)
    tokens.add(life.token())

    oauth.admin_policy(ADA)
    url = site.set_out(site.ask(expected_email=ADA).request)
    try:
        assert site.come_back(site.agree(url)).outcome == "admin_policy"
    except BrowserStopped as page:
        assert not life.fake.switches.admin_block_redirects
        assert page.status == 400
    grant = life.later(hours=3)
    assert (grant.state, grant.reason) == ("active", "admin_policy")
    oauth.lift_admin_policy(ADA)
    grant = life.later(days=2)
    assert (grant.state, grant.reason) == ("active", "")

    oauth.delete_client(site.client.client_id)
    grant = life.later(days=60)
    assert (grant.state, grant.reason, grant.failure_streak) == ("active", "", 0)
    assert OAuthClient.objects.get().paused_reason == "deleted_client"
    # A deleted client can be restored for thirty days; the fake's is.
    oauth.clients[site.client.client_id].deleted_at = None
    OAuthClient.objects.resume()
    life.later(hours=1)
    tokens.add(life.token())
    assert [what for what, *_ in told] == []

    oauth.revoke_by_person(ADA)
    with django_capture_on_commit_callbacks(execute=True):
        grant = life.later(days=60)
        assert (grant.state, grant.reason) == ("active", "confirming")
        grant = life.later(minutes=10)
    assert (grant.state, grant.due_at) == ("needs_consent", None)
    assert [what for what, *_ in told] == ["lost"]

    repaired = site.whole(repairs=grant)
    assert (repaired.outcome, repaired.grant.state) == ("granted", "active")
    life.later(hours=3)
    last = life.token()
    assert revoke.revoke(Grant.objects.all(), now=life.now, using=DEFAULT) == 1
    while revoke.revoke_due(now=life.now, using=DEFAULT):
        pass
    assert not PendingRevocation.objects.exists()
    assert live_access_token(oauth, last) is None
    assert not Grant.objects.get().refresh_token


def test_another_clients_token_blames_no_person(life):
    """A restored backup or a mixed-up row: whatever Google calls it, nobody is asked again for one answer."""
    life.site.whole(expected_email=ADA)
    stranger = life.fake.add_client()
    OAuthClient.objects.update(client_id=stranger.client_id, client_secret=stranger.client_secret)
    grant = life.later(days=60)
    assert grant.state == "active"
    assert grant.refresh_token
    paused = OAuthClient.objects.get().paused_at is not None
    assert paused is (life.fake.switches.stranger_refresh_error == "unauthorized_client")
