"""OAuth clients: pausing, holding back, and the budget of calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from django_goffline.models import OAuthClient, QuotaBudget

MINUTE = datetime(2031, 3, 4, 5, 6, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return OAuthClient.objects.create(name="C", client_id="12345-abc", quota_per_minute=100)


def charge(client, calls, *, second=0.0):
    return QuotaBudget.objects.charge(client, calls, now=MINUTE + timedelta(seconds=second))


def test_calls_are_granted_until_the_minutes_quota_is_spent(client):
    assert charge(client, 60) == 60
    assert charge(client, 60, second=30) == 40
    assert charge(client, 1, second=59) == 0
    assert QuotaBudget.objects.get().spent == 100


def test_the_window_slides_into_the_next_minute(client):
    assert charge(client, 100, second=59) == 100
    # A quarter into the next minute three quarters of the last one still count.
    assert charge(client, 100, second=75) == 25
    budget = QuotaBudget.objects.get()
    assert (budget.minute, budget.spent, budget.previous) == (
        MINUTE + timedelta(minutes=1),
        25,
        100,
    )


def test_a_minute_without_calls_clears_the_budget(client):
    charge(client, 100)
    assert charge(client, 100, second=120) == 100
    assert QuotaBudget.objects.get().previous == 0


def test_what_was_not_used_is_given_back(client):
    charge(client, 80)
    QuotaBudget.objects.refund(client, 30)
    QuotaBudget.objects.refund(client, 0)
    assert charge(client, 100) == 50


def test_a_refund_never_makes_the_budget_negative(client):
    charge(client, 10)
    QuotaBudget.objects.refund(client, 11)
    assert QuotaBudget.objects.get().spent == 10


def test_a_charge_that_met_another_asks_again(client, monkeypatch):
    charge(client, 0)
    original = QuotaBudget.objects.get_queryset().__class__.get
    rivals = iter([95])

    def get_then_a_rival(self, *args, **kwargs):
        budget = original(self, *args, **kwargs)
        for spent in rivals:
            QuotaBudget.objects.update(spent=spent)
        return budget

    monkeypatch.setattr(QuotaBudget.objects.get_queryset().__class__, "get", get_then_a_rival)
    assert charge(client, 10) == 5
    assert QuotaBudget.objects.values_list("spent", flat=True).first() == 100


def test_budgets_are_per_client(client):
    other = OAuthClient.objects.create(name="D", client_id="d", quota_per_minute=100)
    assert charge(client, 100) == 100
    assert charge(other, 100) == 100


def test_usable_clients_are_neither_paused_nor_held_back(client):
    def usable(now=MINUTE):
        client.refresh_from_db()
        stored = OAuthClient.objects.all().usable(now).exists()
        assert stored is client.is_usable(now)
        return stored

    assert usable()
    assert OAuthClient.objects.all().hold(until=MINUTE + timedelta(minutes=5)) == 1
    assert OAuthClient.objects.all().hold(until=MINUTE + timedelta(minutes=1)) == 0
    assert not usable()
    assert usable(MINUTE + timedelta(minutes=5))
    assert OAuthClient.objects.all().pause(now=MINUTE, reason="invalid_client") == 1
    assert OAuthClient.objects.all().pause(now=MINUTE, reason="other") == 0
    client.refresh_from_db()
    assert client.paused_reason == "invalid_client"
    assert not usable(MINUTE + timedelta(hours=1))
    OAuthClient.objects.all().resume()
    assert usable()


def test_the_project_is_its_id_or_its_number(client):
    assert client.project == "12345"
    client.project_id = "my-project"
    assert client.project == "my-project"
