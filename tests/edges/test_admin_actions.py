"""Actions write wishes and send nudges; each has its permission; none calls the network."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from django_goffline import gateway
from django_goffline.models import (
    Activity,
    ConsentRequest,
    Grant,
    PendingRevocation,
    ScheduledPull,
)
from django_goffline.testing.factories import make_client, make_grant, make_pull

from .operator import Operator

pytestmark = pytest.mark.django_db


class _NoNetwork:
    def send(self, *args, **kwargs):
        raise AssertionError("an action called the network")


@pytest.fixture(autouse=True)
def no_network():
    with gateway.use_transport(_NoNetwork()):
        yield


def far():
    return timezone.now() + timedelta(days=3)


def test_refresh_now_wakes_active_grants_and_nudges(operator, sent):
    active, paused = make_grant(due_at=far()), make_grant(state="paused", due_at=None)
    with sent() as nudged:
        (message,) = operator.act("refresh_now", active, paused)
    active.refresh_from_db()
    paused.refresh_from_db()
    assert message.startswith("1 grants")
    assert active.due_at <= timezone.now() and active.wake_requested_at == active.due_at
    assert paused.due_at is None and paused.wake_requested_at is None
    assert nudged == ["goffline.refresh"]


def test_a_leased_row_keeps_its_lease_and_due_time(operator, sent):
    due = timezone.now() - timedelta(minutes=1)
    grant = make_grant(due_at=due, lease_id="held", lease_until=far())
    with sent():
        operator.act("refresh_now", grant)
    grant.refresh_from_db()
    assert (grant.lease_id, grant.due_at) == ("held", due)
    assert grant.wake_requested_at is not None


def test_pull_now_of_grants_wakes_their_lists_but_no_parked_ones(operator, sent):
    grant = make_grant()
    ready = make_pull(grant, key="a", due_at=far())
    parked = make_pull(grant, key="b", due_at=None)
    with sent() as nudged:
        operator.act("pull_now", grant)
    ready.refresh_from_db()
    parked.refresh_from_db()
    assert ready.due_at <= timezone.now() and parked.due_at is None
    assert nudged == ["goffline.pull"]


def test_pause_and_resume_are_recorded_with_the_actor(operator, sent):
    grant, other = make_grant(), make_grant(state="needs_consent")
    with sent():
        operator.act("pause", grant, other)
    grant.refresh_from_db()
    assert (grant.state, grant.reason, grant.due_at) == ("paused", "by_hand", None)
    with sent() as nudged:
        (message,) = operator.act("resume", grant, other)
    grant.refresh_from_db()
    assert grant.state == "active" and grant.due_at <= timezone.now()
    assert message.startswith("1 grants") and "goffline.refresh" in nudged
    story = Activity.objects.order_by("pk").values_list("kind", "grant", "actor")
    name = operator.user.get_username()
    assert list(story) == [
        ("grant_paused", grant.pk, name),
        ("grant_resumed", grant.pk, name),
    ]


def test_an_action_without_anything_to_do_says_so(operator, sent):
    with sent():
        (message,) = operator.act("pause", make_grant(state="revoked"))
    assert message.startswith("There was nothing to do")


def test_approve_makes_active(operator, sent):
    waiting = make_grant(state="paused", reason=Grant.AWAITING_APPROVAL, due_at=None)
    other = make_grant(state="paused", reason="by_hand", due_at=None)
    with sent() as nudged:
        (message,) = operator.act("approve", waiting, other)
    waiting.refresh_from_db()
    other.refresh_from_db()
    assert (waiting.state, other.state) == ("active", "paused")
    assert message.startswith("1 grants") and nudged
    assert Activity.objects.get().kind == "grant_approved"


@pytest.mark.parametrize("action", ["revoke", "discard"])
def test_what_cannot_be_taken_back_asks_first(operator, sent, action):
    grant = make_grant(
        **({"state": "paused", "reason": Grant.AWAITING_APPROVAL} if action == "discard" else {})
    )
    with sent() as nudged:
        assert operator.act(action, grant) == []
    page = operator.last
    assert page.status_code == 200 and "cannot be taken back" in page.content.decode()
    assert str(grant) in page.content.decode()
    grant.refresh_from_db()
    assert grant.state != "revoked" and grant.refresh_token and nudged == []

    with sent() as nudged:
        (message,) = operator.act(action, grant, confirmed="yes")
    grant.refresh_from_db()
    assert grant.state == "revoked" and not grant.refresh_token
    assert PendingRevocation.objects.count() == 1
    assert message.startswith("1 grants") and "goffline.refresh" in nudged


def test_a_revocation_is_in_the_history_of_the_grant(operator, sent):
    grant = make_grant()
    with sent():
        operator.act("revoke", grant, confirmed="yes")
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user) == (str(grant.pk), operator.user)


def test_a_confirmation_for_all_rows_acts_on_all_of_them(operator, sent):
    grants = [make_grant() for _ in range(3)]
    operator.act("revoke", grants[0], select_across="1")
    page = operator.last.content.decode()
    assert '<input type="hidden" name="select_across" value="1">' in page
    assert "3 grants" in page
    with sent():
        operator.act("revoke", grants[0], select_across="1", confirmed="yes")
    assert set(Grant.objects.values_list("state", flat=True)) == {"revoked"}


def test_a_repairing_link_leads_to_the_form_of_its_grant(operator):
    grant = make_grant()
    operator.act("make_repairing_link", grant)
    page = reverse("admin:goffline_oauthclient_consent_link", args=[grant.client_id])
    assert operator.last["Location"] == f"{page}?repairs={grant.pk}"
    assert "exactly one" in operator.act("make_repairing_link", grant, make_grant())[0]


def test_pulls_are_woken_and_read_again(operator, sent):
    pull, parked = make_pull(due_at=far()), make_pull(due_at=None)
    with sent() as nudged:
        (message,) = operator.act("pull_now", pull, parked)
    pull.refresh_from_db()
    assert message.startswith("1 lists") and nudged == ["goffline.pull"]
    assert pull.due_at <= timezone.now() and pull.full_requested_at is None
    with sent():
        operator.act("pull_full", pull, parked)
    pull.refresh_from_db()
    parked.refresh_from_db()
    assert pull.full_requested_at is not None and parked.due_at is None


def test_paused_pulls_go_on_but_those_of_inactive_grants_stay_parked(operator, sent):
    active = make_pull(due_at=far())
    inactive = make_pull(make_grant(state="needs_consent"), due_at=far())
    with sent():
        operator.act("pause", active, inactive)
    assert set(ScheduledPull.objects.values_list("due_at", flat=True)) == {None}
    with sent():
        operator.act("resume", active, inactive)
    active.refresh_from_db()
    inactive.refresh_from_db()
    assert active.paused_at is None and active.due_at <= timezone.now()
    assert inactive.paused_at is None and inactive.due_at is None


def test_a_held_removal_is_approved(operator, sent):
    held = make_pull(sweep_held_at=timezone.now(), due_at=far())
    other = make_pull(due_at=far())
    with sent() as nudged:
        (message,) = operator.act("approve_sweep", held, other)
    held.refresh_from_db()
    other.refresh_from_db()
    assert held.sweep_approved_at is not None and held.due_at <= timezone.now()
    assert other.sweep_approved_at is None and other.due_at > timezone.now()
    assert message.startswith("1 lists") and nudged == ["goffline.pull"]


def test_clients_are_paused_and_resumed(operator):
    client = make_client(held_until=far())
    operator.act("pause", client)
    client.refresh_from_db()
    assert client.paused_at and operator.user.get_username() in client.paused_reason
    operator.act("resume", client)
    client.refresh_from_db()
    assert client.is_usable(timezone.now())


def test_links_are_withdrawn(operator, sent):
    now = timezone.now()
    request = ConsentRequest.objects.create(
        client=make_client(), link_hash="h" * 64, created_at=now, expires_at=far()
    )
    done = ConsentRequest.objects.create(
        client=request.client, completed_at=now, created_at=now, expires_at=far()
    )
    with sent():
        (message,) = operator.act("withdraw", request, done)
    request.refresh_from_db()
    done.refresh_from_db()
    assert message.startswith("1 links")
    assert request.withdrawn_at and done.withdrawn_at is None


@pytest.mark.parametrize(
    ("model", "permission", "actions"),
    [
        ("grant", "refresh_grant", {"refresh_now"}),
        ("grant", "pull_now", {"pull_now"}),
        ("grant", "pause_grant", {"pause", "resume"}),
        ("grant", "approve_grant", {"approve", "discard"}),
        ("grant", "revoke_grant", {"revoke"}),
        ("grant", "make_consent_link", {"make_repairing_link"}),
        ("grant", "delete_grant", {"delete_selected"}),
        ("oauthclient", "make_consent_link", {"make_consent_link"}),
        ("oauthclient", "change_oauthclient", {"pause", "resume"}),
        ("scheduledpull", "pull_now", {"pull_now"}),
        ("scheduledpull", "pull_full", {"pull_full", "approve_sweep"}),
        ("scheduledpull", "change_scheduledpull", {"pause", "resume"}),
        ("consentrequest", "make_consent_link", {"withdraw"}),
    ],
)
def test_each_action_has_its_permission(model, permission, actions):
    assert Operator(f"view_{model}", permission).actions(model) == actions


def test_an_action_without_its_permission_does_nothing(sent):
    grant = make_grant()
    reader = Operator("view_grant", "refresh_grant")
    with sent():
        reader.act("revoke", grant, confirmed="yes")
    grant.refresh_from_db()
    assert grant.state == "active"
