"""Commands about clients, keys and links."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError, SystemCheckError
from django.utils import timezone

from django_goffline.crypto import key_ring
from django_goffline.models import (
    ConsentAttempt,
    ConsentRequest,
    Grant,
    OAuthClient,
    PendingRevocation,
)
from django_goffline.testing.factories import make_client, make_grant, make_user

WEB = {
    "web": {
        "client_id": "1-a.apps.googleusercontent.com",
        "client_secret": "GOCSPX-file",
        "project_id": "my-project",
    }
}


def run(capsys, command, /, *arguments, **options):
    """Standard output and standard error of a command."""
    call_command(command, *arguments, **options)
    return capsys.readouterr()


# ── goffline_generate_key ─────────────────────────────────────────────────────


def test_a_key_is_printed_that_the_ring_takes_although_checks_fail(capsys, settings):
    settings.GOFFLINE = {}
    key = run(capsys, "goffline_generate_key").out
    assert key.count("\n") == 1
    settings.GOFFLINE = {"ENCRYPTION_KEYS": [key.strip()]}
    assert key_ring().keys[0].id.startswith(f"k{timezone.now():%Y}")


# ── goffline_import_client ────────────────────────────────────────────────────


@pytest.mark.django_db
def test_a_client_is_imported(capsys, tmp_path):
    file = tmp_path / "client_secret.json"
    file.write_text(json.dumps(WEB))
    said = run(capsys, "goffline_import_client", str(file), name="Mine")
    client = OAuthClient.objects.get()
    assert (client.name, client.client_secret.reveal()) == ("Mine", "GOCSPX-file")
    assert "http://localhost:8000/goffline/callback/" in said.out
    assert "add it" in said.err
    assert "GOCSPX" not in said.out + said.err
    said = run(capsys, "goffline_import_client", str(file))
    assert "has the file's secret now" in said.out and OAuthClient.objects.get().name == "Mine"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "truncated"),
        ('{"type": "service_account"}', "service account"),
        (None, "Can't read"),
    ],
)
def test_another_file_is_refused_in_words(tmp_path, content, words):
    file = tmp_path / "client_secret.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CommandError, match=words):
        call_command("goffline_import_client", str(file))
    assert not OAuthClient.objects.exists()


def test_without_keys_nothing_is_imported(settings, tmp_path):
    settings.GOFFLINE = {"BASE_URL": "http://localhost:8000"}
    with pytest.raises(SystemCheckError, match="goffline_generate_key"):
        call_command("goffline_import_client", str(tmp_path / "x"), skip_checks=False)


# ── goffline_consent_url ──────────────────────────────────────────────────────


@pytest.mark.django_db
def test_the_link_is_the_only_line_on_standard_output(capsys):
    make_client()
    said = run(capsys, "goffline_consent_url", email="ada@example.com", purpose="A display")
    request = ConsentRequest.objects.get()
    assert said.out.count("\n") == 1
    assert said.out.startswith("http://localhost:8000/goffline/")
    assert said.err == "" and not request.direct
    assert (request.expected_email, request.purpose) == ("ada@example.com", "A display")


@pytest.mark.django_db
def test_a_link_for_nobody_is_made_with_a_warning(capsys):
    make_client()
    assert "waits for approval" in run(capsys, "goffline_consent_url").err


@pytest.mark.django_db
def test_a_direct_url_with_scopes_for_a_user(capsys):
    client, user = make_client(), make_user("ada")
    make_client()
    said = run(
        capsys,
        "goffline_consent_url",
        client=client.name,
        user="ada",
        scope=["https://www.googleapis.com/auth/calendar.readonly", "email"],
        direct=True,
        days=0.5,
    )
    request = ConsentRequest.objects.get()
    assert said.out.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    assert request.direct and request.user == user and request.client == client
    assert "https://www.googleapis.com/auth/calendar.readonly" in request.scopes
    assert ConsentAttempt.objects.count() == 1


@pytest.mark.django_db
def test_a_link_that_repairs_a_grant(capsys):
    grant = make_grant(email="ada@example.com")
    make_client()
    run(capsys, "goffline_consent_url", repairs="ada@example.com")
    assert ConsentRequest.objects.get().repairs == grant
    make_grant(email="ada@example.com")
    with pytest.raises(CommandError, match="Several grants"):
        call_command("goffline_consent_url", repairs="ada@example.com")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"client": "nothing"}, "no OAuth client 'nothing'.*'One'"),
        ({}, "Several OAuth clients fit.*'One', 'Two'"),
        ({"client": "One", "user": "nobody"}, "no user whose username"),
        ({"client": "One", "email": "nonsense"}, "e-mail"),
        ({"client": "One", "scope": ["calendar.readonly"]}, "did you mean"),
        ({"client": "One", "days": -1.0}, "must live longer"),
        ({"repairs": "nobody@example.com"}, "no grant 'nobody"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_in_words(options, words):
    make_client(name="One")
    make_client(name="Two")
    with pytest.raises(CommandError, match=words):
        call_command("goffline_consent_url", **options)
    assert not ConsentRequest.objects.exists()


@pytest.mark.django_db
def test_without_a_client_the_import_is_named():
    with pytest.raises(CommandError, match="goffline_import_client"):
        call_command("goffline_consent_url")


# ── goffline_rotate_keys ──────────────────────────────────────────────────────

OLD, NEW = "old:" + "B" * 43, "new:" + "C" * 43


def with_keys(settings, *keys):
    settings.GOFFLINE = {**settings.GOFFLINE, "ENCRYPTION_KEYS": list(keys)}


def make_secrets():
    """A value in each encrypted column; the number of them."""
    grant = make_grant(refresh_token="1//r", access_token="ya29.a")
    now = timezone.now()
    request = ConsentRequest.objects.create(client=grant.client, created_at=now, expires_at=now)
    ConsentAttempt.objects.create(
        request=request,
        state_hash="s",
        nonce_hash="n",
        code_verifier="verifier",
        redirect_uri="x",
        issuer="x",
        token_endpoint="x",
        created_at=now,
        expires_at=now,
    )
    PendingRevocation.objects.create(
        token="1//p", revocation_endpoint="x", created_at=now, due_at=now
    )
    return 5


def secrets():
    grant = Grant.objects.select_related("client").get()
    return {
        "client": grant.client.client_secret,
        "refresh": grant.refresh_token,
        "access": grant.access_token,
        "verifier": ConsentAttempt.objects.get().code_verifier,
        "pending": PendingRevocation.objects.get().token,
    }


@pytest.mark.django_db
def test_everything_is_sealed_under_the_newest_key(capsys, settings):
    with_keys(settings, OLD)
    number = make_secrets()
    before = {name: secret.reveal() for name, secret in secrets().items()}
    with_keys(settings, NEW, OLD)
    said = run(capsys, "goffline_rotate_keys")
    assert f"{number} of {number} values are sealed again" in said.out
    with_keys(settings, NEW)
    assert {secret.key_id for secret in secrets().values()} == {"new"}
    assert {name: secret.reveal() for name, secret in secrets().items()} == before
    assert "0 of 5 values" in run(capsys, "goffline_rotate_keys").out


@pytest.mark.django_db
def test_a_token_that_a_worker_wrote_meanwhile_stays(capsys, settings, monkeypatch):
    from django_goffline.flows import rotate

    with_keys(settings, OLD)
    make_secrets()
    with_keys(settings, NEW, OLD)
    original = rotate._replace

    def a_refresh_first(column, fresh, *, using):
        if column.name == "access_token":
            Grant.objects.update(access_token="ya29.fresh")
        return original(column, fresh, using=using)

    monkeypatch.setattr(rotate, "_replace", a_refresh_first)
    said = run(capsys, "goffline_rotate_keys")
    assert "4 of 5" in said.out and "1 were written by somebody else" in said.out
    assert secrets()["access"].reveal() == "ya29.fresh"


@pytest.mark.django_db
def test_what_cannot_be_opened_is_named_and_left_alone(capsys, settings):
    with_keys(settings, "lost:" + "D" * 43)
    make_secrets()
    Grant.objects.update(refresh_token="")
    stored = secrets()["access"].stored()
    with_keys(settings, NEW)
    with pytest.raises(CommandError, match="Put the key"):
        call_command("goffline_rotate_keys")
    said = capsys.readouterr()
    grant = Grant.objects.get()
    assert f"goffline.grant.access_token: 1 can't be opened (primary keys {grant.pk})" in said.err
    assert grant.access_token.stored() == stored


@pytest.mark.django_db
def test_a_stopped_rotation_goes_on(settings, monkeypatch):
    from django_goffline.flows import rotate

    monkeypatch.setattr(rotate, "CHUNK", 2)
    with_keys(settings, OLD)
    for _ in range(5):
        make_client()
    with_keys(settings, NEW, OLD)
    next(rotate.rotate(using="default"))
    done = [client.client_secret.key_id for client in OAuthClient.objects.order_by("pk")]
    assert done == ["new", "new", "old", "old", "old"]
    assert [step.resealed for step in rotate.rotate(using="default")] == [0, 2, 1]


def test_every_encrypted_column_is_rotated():
    from django.apps import apps

    from django_goffline.fields import EncryptedTextField
    from django_goffline.flows.rotate import columns

    all_columns = {
        field.associated_data()
        for model in apps.get_app_config("goffline").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, EncryptedTextField)
    }
    assert {column.associated_data() for column in columns()} == all_columns
