"""The key ring: what it seals, what it refuses to open, and what its errors never say."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_goffline.crypto import Key, generate_key, key_id, key_ring
from django_goffline.exceptions import KeyRingError, UnreadableSecretError

OLD, NEW = "old:" + "B" * 43, "new:" + "C" * 43
WHERE = "goffline.grant.refresh_token"


@pytest.fixture
def ring(settings):
    def with_keys(*keys):
        settings.GOFFLINE = {"ENCRYPTION_KEYS": list(keys)}
        return key_ring()

    return with_keys


@pytest.mark.parametrize("plaintext", ["1//refresh", "Zürich 😀", " ", "gof1.k1.x", "x" * 100_000])
def test_what_is_sealed_opens(ring, plaintext):
    keys = ring(NEW)
    sealed = keys.encrypt(plaintext, WHERE)
    assert plaintext == keys.decrypt(sealed, WHERE)
    assert plaintext == " " or plaintext not in sealed
    assert sealed.startswith("gof1.new.")


def test_the_same_text_is_never_sealed_the_same(ring):
    keys = ring(NEW)
    assert len({keys.encrypt("same", WHERE) for _ in range(20)}) == 20


def test_the_newest_key_seals_and_older_ones_still_open(ring):
    sealed = ring(OLD).encrypt("text", WHERE)
    keys = ring(NEW, OLD)
    assert keys.decrypt(sealed, WHERE) == "text"
    assert key_id(keys.encrypt("text", WHERE)) == "new"


def test_a_key_that_is_gone_is_named_by_what_to_do(ring):
    sealed = ring(OLD).encrypt("text", WHERE)
    with pytest.raises(UnreadableSecretError, match="put the old key back"):
        ring(NEW).decrypt(sealed, WHERE)


def test_a_value_in_another_column_is_unreadable(ring):
    keys = ring(NEW)
    sealed = keys.encrypt("text", WHERE)
    with pytest.raises(UnreadableSecretError, match="another column"):
        keys.decrypt(sealed, "goffline.grant.access_token")


def test_every_altered_character_is_noticed(ring):
    keys = ring(NEW)
    sealed = keys.encrypt("text", WHERE)
    head = len("gof1.new.")
    for position in range(head, len(sealed) - 1):
        other = "A" if sealed[position] != "A" else "B"
        with pytest.raises(UnreadableSecretError):
            keys.decrypt(sealed[:position] + other + sealed[position + 1 :], WHERE)


@pytest.mark.parametrize(
    "stored", ["", "plain text", "gof1", "gof1.new", "gof1.new.", "gof1.new.!", "gof2.new.AAAA"]
)
def test_what_is_no_ciphertext_is_refused(ring, stored):
    with pytest.raises(UnreadableSecretError):
        ring(NEW).decrypt(stored, WHERE)


def test_the_same_id_with_another_key_does_not_open(ring):
    sealed = ring("k:" + "B" * 43).encrypt("text", WHERE)
    with pytest.raises(UnreadableSecretError, match="the key is another"):
        ring("k:" + "C" * 43).decrypt(sealed, WHERE)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([], "is empty; .*goffline_generate_key"),
        (["k1"], "entry 1 is not"),
        ([NEW, "k1:short"], "entry 2 is not"),
        (["k 1:" + "A" * 43], "entry 1 is not"),
        (["k1:" + "A" * 44], "entry 1 is not"),
        ([NEW, "new:" + "D" * 43], "same id"),
        ([12], "entry 1 is not"),
    ],
)
def test_a_malformed_ring_says_which_entry_and_never_the_key(ring, keys, message):
    with pytest.raises(KeyRingError, match=message) as caught:
        ring(*keys)
    assert isinstance(caught.value, ImproperlyConfigured)
    assert "AAAA" not in str(caught.value) and "short" not in str(caught.value)


def test_no_errors_hold_what_was_sealed(ring):
    keys = ring(NEW)
    sealed = keys.encrypt("very secret", WHERE)
    with pytest.raises(UnreadableSecretError) as caught:
        keys.decrypt(sealed, "elsewhere")
    assert sealed.rpartition(".")[2] not in str(caught.value)
    assert "very secret" not in str(caught.value)
    assert "CCCC" not in repr(keys)


def test_a_generated_key_is_one_that_the_ring_takes(ring):
    entries = {generate_key("20310304") for _ in range(5)}
    assert len(entries) == 5
    keys = ring(*entries)
    assert all(isinstance(key, Key) and key.id.startswith("k20310304") for key in keys.keys)
    assert keys.decrypt(keys.encrypt("text", WHERE), WHERE) == "text"


def test_the_keys_id_is_read_from_ciphertexts_only():
    assert key_id("gof1.k9.AAAA") == "k9"
    assert key_id("something.else.AAAA") == ""
    assert key_id("") == ""
