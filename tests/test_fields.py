"""Secrets stay sealed wherever a row goes; identifiers compare byte for byte."""

from __future__ import annotations

import pickle

import pytest
from django.core import serializers
from django.core.exceptions import FieldError
from django.db import connection, models
from django.forms import modelform_factory

from django_goffline.exceptions import UnreadableSecretError
from django_goffline.fields import EncryptedTextField, Secret
from django_goffline.models import Grant, OAuthClient

pytestmark = pytest.mark.django_db
TOKEN = "1//refresh-Zürich"


@pytest.fixture
def grant():
    client = OAuthClient.objects.create(name="C", client_id="c", client_secret="GOCSPX-x")
    return Grant.objects.create(client=client, sub="Sub", refresh_token=TOKEN)


def column(grant, name="refresh_token"):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM goffline_grant WHERE id = %s", [grant.pk])
        return cursor.fetchone()[0]


def test_a_stored_secret_opens_when_asked(grant):
    assert isinstance(grant.refresh_token, Secret)
    assert grant.refresh_token.reveal() == TOKEN
    assert Grant.objects.get().refresh_token.reveal() == TOKEN
    assert Grant.objects.values_list("refresh_token", flat=True)[0].reveal() == TOKEN


def test_the_column_holds_ciphertext(grant):
    assert column(grant).startswith("gof1.k1.")
    assert TOKEN not in column(grant)
    assert Grant.objects.get().refresh_token.key_id == "k1"


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda secret: f"{secret!r}"])
def test_no_way_to_print_a_secret_shows_it(grant, show):
    for secret in (grant.refresh_token, Grant.objects.get().refresh_token):
        assert show(secret) == "<Secret ••••••>"
    assert show(grant.access_token) == "<Secret empty>"


def test_a_secret_is_true_when_there_is_one(grant):
    stored = Grant.objects.get()
    assert stored.refresh_token and not stored.access_token
    assert stored.access_token.reveal() == ""
    assert column(grant, "access_token") == ""


def test_a_save_without_a_change_keeps_the_ciphertext(grant):
    before = column(grant)
    Grant.objects.get().save()
    assert column(grant) == before


def test_assigning_text_seals_it_at_the_save(grant):
    grant.refresh_token = "another"
    assert grant.refresh_token.reveal() == "another"
    grant.save(update_fields=["refresh_token"])
    assert Grant.objects.get().refresh_token.reveal() == "another"
    Grant.objects.update(refresh_token="a third")
    assert Grant.objects.get().refresh_token.reveal() == "a third"
    Grant.objects.update(refresh_token="")
    assert column(grant) == ""


def test_what_is_sealed_is_not_sealed_again(grant):
    sealed = Grant._meta.get_field("refresh_token").seal("sealed")
    Grant.objects.update(refresh_token=sealed)
    assert column(grant) == sealed
    grant.refresh_token = sealed
    grant.save()
    assert Grant.objects.get().refresh_token.reveal() == "sealed"


def test_a_deferred_secret_is_read_when_asked(grant, django_assert_num_queries):
    with django_assert_num_queries(2):
        assert Grant.objects.defer("refresh_token").get().refresh_token.reveal() == TOKEN


def test_a_secret_moved_to_another_column_is_unreadable(grant):
    Grant.objects.update(access_token=models.F("refresh_token"))
    moved = Grant.objects.get()
    with pytest.raises(UnreadableSecretError, match="access_token"):
        moved.access_token.reveal()
    assert moved.refresh_token.reveal() == TOKEN


def test_an_unreadable_secret_breaks_no_list(grant, settings):
    settings.GOFFLINE = {"ENCRYPTION_KEYS": ["k2:" + "B" * 43]}
    (row,) = Grant.objects.all()
    assert repr(row.refresh_token) == "<Secret ••••••>"
    with pytest.raises(UnreadableSecretError):
        row.refresh_token.reveal()


def test_a_pickled_row_carries_ciphertext(grant):
    fresh = Grant(client=grant.client, sub="2", refresh_token=TOKEN)
    for row in (grant, fresh, Grant.objects.get()):
        data = pickle.dumps(row)
        assert TOKEN.encode() not in data
        assert pickle.loads(data).refresh_token.reveal() == TOKEN


def test_a_fixture_carries_ciphertext_and_loads_again(grant):
    data = serializers.serialize("json", [grant])
    assert TOKEN not in data and column(grant) in data
    grant.delete()
    for row in serializers.deserialize("json", data):
        row.save()
    assert Grant.objects.get().refresh_token.reveal() == TOKEN


@pytest.mark.parametrize(
    "lookup",
    ["refresh_token", "refresh_token__exact", "refresh_token__icontains", "refresh_token__gt"],
)
def test_lookups_by_a_secret_are_refused(grant, lookup):
    with pytest.raises(FieldError, match="encrypted field"):
        Grant.objects.filter(**{lookup: "x"}).exists()


def test_whether_there_is_a_secret_can_be_asked(grant):
    assert Grant.objects.exclude(refresh_token="").count() == 1
    assert Grant.objects.filter(access_token="").count() == 1
    assert Grant.objects.filter(refresh_token__isnull=False).count() == 1
    with pytest.raises(FieldError):
        Grant.objects.filter(refresh_token__in=["x"]).exists()


def test_model_forms_leave_secrets_out():
    form = modelform_factory(OAuthClient, fields="__all__")
    assert "client_secret" not in form.base_fields
    assert "client_id" in form.base_fields


def test_the_migration_knows_the_field():
    name, path, args, options = Grant._meta.get_field("refresh_token").deconstruct()
    assert (name, path, args) == (
        "refresh_token",
        "django_goffline.fields.EncryptedTextField",
        [],
    )
    assert isinstance(EncryptedTextField(**options), models.TextField)


@pytest.mark.parametrize("other", ["sub", "SUB", "Sub ", "Süb"])
def test_identifiers_compare_byte_for_byte(grant, other):
    assert Grant.objects.filter(sub="Sub").count() == 1
    assert Grant.objects.filter(sub=other).count() == 0
    another = Grant.objects.create(client=grant.client, sub=other)
    assert Grant.objects.get(sub=other).pk == another.pk
    assert set(Grant.objects.filter(sub__in=["Sub", other]).values_list("sub", flat=True)) == {
        "Sub",
        other,
    }


def test_the_longest_identifiers_are_kept_whole(grant):
    longest = "é" * 255
    Grant.objects.update(sub=longest)
    assert Grant.objects.get(sub=longest).sub == longest
