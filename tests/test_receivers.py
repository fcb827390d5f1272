from __future__ import annotations

import logging

import pytest
from django.apps import apps

from django_goffline.models import ConsentRequest, Grant, OAuthClient
from django_goffline.signals import (
    client_paused,
    consent_completed,
    grant_activated,
    grant_lost,
    send_on_commit,
)
from django_goffline.testing.factories import make_client, make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="django_goffline")
    return caplog


def test_signals_are_told_to_operators_without_names_or_secrets(
    log, django_capture_on_commit_callbacks
):
    grant = make_grant(email="ada@example.com")
    with django_capture_on_commit_callbacks(execute=True):
        send_on_commit(grant_activated, sender=Grant, using="default", grant=grant)
        send_on_commit(
            grant_lost, sender=Grant, using="default", grant=grant, reason="unused", diagnosis="So."
        )
        send_on_commit(
            consent_completed,
            sender=ConsentRequest,
            using="default",
            request=ConsentRequest(pk=7),
            grant=grant,
            granted=(),
            missing=("openid",),
        )
    assert log.messages == [
        f"grant {grant.pk} is active",
        f"grant {grant.pk} is lost (unused). So.",
        f"consent 7 completed: grant {grant.pk}, 1 scopes missing",
    ]


def test_a_paused_client_is_an_error_with_a_next_step(log):
    client = make_client(name="Rooms")
    client_paused.send(sender=OAuthClient, client=client, reason="invalid_client")
    (record,) = log.records
    assert record.levelno == logging.ERROR
    assert "Rooms" in record.getMessage()
    assert "resume the client" in record.getMessage()
    assert client.client_secret.reveal() not in record.getMessage()


def test_a_receiver_of_the_project_that_fails_is_logged(log, django_capture_on_commit_callbacks):
    def broken(sender, **kwargs):
        raise ValueError("ya29.secret")

    grant_activated.connect(broken)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            send_on_commit(grant_activated, sender=Grant, using="default", grant=make_grant())
    finally:
        grant_activated.disconnect(broken)
    # Django logs the failure as well, with the receiver's own words.
    ours = [record.getMessage() for record in log.records if record.name == "django_goffline"]
    assert any("ValueError" in message for message in ours)
    assert not any("ya29" in message for message in ours)


def test_the_app_is_wired_up():
    from django.core.checks.registry import registry

    assert apps.get_app_config("goffline").name == "django_goffline"
    modules = {check.__module__ for check in registry.get_checks(include_deployment_checks=True)}
    assert any(module.startswith("django_goffline.checks") for module in modules)
