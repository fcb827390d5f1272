from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_goffline.protocol.errors import ConsentAnswerError
from django_goffline.protocol.id_token import Identity, read_id_token, same_email

from .conftest import NOW

INSTANT = int(NOW.timestamp())
CLAIMS = {
    "iss": "https://accounts.google.com",
    "aud": "client-1",
    "azp": "client-1",
    "sub": "104000000000000000001",
    "email": "ada@example.com",
    "email_verified": True,
    "hd": "example.com",
    "name": "Ada L.",
    "nonce": "the-nonce",
    "iat": INSTANT,
    "exp": INSTANT + 3600,
}
WITHOUT = object()


def encoded(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def token(**changes):
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not WITHOUT}
    return f"{encoded({'alg': 'RS256'})}.{encoded(claims)}.c2lnbmF0dXJl"


def read(raw, **more):
    given = {
        "client_id": "client-1",
        "issuers": ("https://accounts.google.com", "accounts.google.com"),
        "nonce": "the-nonce",
        "now": NOW,
        "channel_url": "https://oauth2.googleapis.com/token",
    } | more
    return read_id_token(raw, **given)


def refusal(raw, **more):
    with pytest.raises(ConsentAnswerError) as caught:
        read(raw, **more)
    return caught.value.code


def test_a_good_token():
    assert read(token()) == Identity(
        sub="104000000000000000001",
        email="ada@example.com",
        email_verified=True,
        hosted_domain="example.com",
        name="Ada L.",
    )


def test_only_what_must_be_there():
    bare = token(azp=WITHOUT, email=WITHOUT, email_verified=WITHOUT, hd=WITHOUT, name=WITHOUT)
    assert read(bare) == Identity(sub="104000000000000000001")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "https://accounts.google.com/"}, "issuer"),
        ({"iss": WITHOUT}, "issuer"),
        ({"iss": []}, "issuer"),
        ({"aud": "client-2"}, "audience"),
        ({"aud": ["client-1"]}, "audience"),
        ({"aud": WITHOUT}, "audience"),
        ({"azp": "client-2"}, "authorized_party"),
        ({"exp": INSTANT - 60}, "expired"),
        ({"exp": WITHOUT}, "expired"),
        ({"exp": "9999999999"}, "expired"),
        ({"exp": float("inf")}, "expired"),
        ({"exp": 10**400}, "expired"),
        ({"exp": True}, "expired"),
        ({"iat": INSTANT + 61}, "issued_in_future"),
        ({"iat": WITHOUT}, "issued_in_future"),
        ({"nonce": "another"}, "nonce_mismatch"),
        ({"nonce": WITHOUT}, "nonce_mismatch"),
        ({"nonce": ""}, "nonce_mismatch"),
        ({"nonce": "\ud800"}, "nonce_mismatch"),
        ({"nonce": 7}, "nonce_mismatch"),
        ({"sub": WITHOUT}, "sub_missing"),
        ({"sub": ""}, "sub_missing"),
        ({"sub": 104}, "sub_missing"),
        ({"sub": "1" * 256}, "sub_missing"),
        ({"sub": "1\x00"}, "sub_missing"),
    ],
)
def test_claims(changes, code):
    assert refusal(token(**changes)) == code


@pytest.mark.parametrize("changes", [{"exp": INSTANT - 59}, {"iat": INSTANT + 60}, {"iat": 0.5}])
def test_clocks_may_differ_by_a_minute(changes):
    assert read(token(**changes)).sub


@pytest.mark.parametrize("raw", [None, ""])
def test_no_token(raw):
    assert refusal(raw) == "id_token_missing"


@pytest.mark.parametrize(
    "raw",
    [
        "a",
        "a.b",
        "a.b.c",
        "é.é.é",
        f"a.{encoded([1])}.c",
        f"a.{encoded(CLAIMS)}",
        f"a.{encoded(CLAIMS)}.c.d",
        "a." + base64.urlsafe_b64encode(b"[" * 100_000).decode() + ".c",
    ],
)
def test_no_token_at_all(raw):
    assert refusal(raw) == "id_token_malformed"


@pytest.mark.parametrize(
    ("channel", "good"),
    [
        ("https://oauth2.googleapis.com/token", True),
        ("http://127.0.0.1:8800/token", True),
        ("http://localhost/token", True),
        ("http://oauth2.googleapis.com/token", False),
        ("http://localhost.example.com/token", False),
        ("", False),
    ],
)
def test_the_channel_stands_in_for_the_signature(channel, good):
    if good:
        assert read(token(), channel_url=channel).sub
    else:
        assert refusal(token(), channel_url=channel) == "insecure"


@pytest.mark.parametrize(
    ("wanted", "domain", "good"),
    [
        ("", WITHOUT, True),
        ("Example.com", "example.com", True),
        ("example.com", "example.org", False),
        ("example.com", WITHOUT, False),
        ("*", "example.org", True),
        ("*", WITHOUT, False),
    ],
)
def test_hosted_domain(wanted, domain, good):
    raw = token(hd=domain)
    if good:
        assert read(raw, hosted_domain=wanted).sub
    else:
        assert refusal(raw, hosted_domain=wanted) == "hosted_domain"


@pytest.mark.parametrize(
    ("claim", "verified"),
    [(True, True), ("true", True), (False, False), ("false", False), (1, False)],
)
def test_email_verified_is_a_boolean_or_its_name(claim, verified):
    assert read(token(email_verified=claim)).email_verified is verified


def test_a_nonce_known_by_its_hash():
    asked = []
    read(token(), nonce=None, nonce_matches=lambda nonce: not asked.append(nonce))
    assert asked == ["the-nonce"]
    assert refusal(token(), nonce=None, nonce_matches=lambda nonce: False) == "nonce_mismatch"


@pytest.mark.parametrize("more", [{"nonce": None}, {"nonce_matches": lambda nonce: True}])
def test_a_nonce_is_not_optional(more):
    with pytest.raises(ValueError, match="nonce"):
        read(token(), **more)


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@given(st.dictionaries(st.sampled_from(sorted(CLAIMS)), JSON))
def test_claims_of_any_type_are_accepted_or_refused(changes):
    try:
        identity = read(token(**changes))
    except ConsentAnswerError as error:
        assert error.code
    else:
        assert "\x00" not in identity.sub + identity.email + identity.name


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("Ada@Example.com", "ada@example.COM ", True),
        ("ada@gmail.com", "ada@googlemail.com", True),
        ("ada@gmail.com", "ada@example.com", False),
        ("ada@example.com", "bob@example.com", False),
        ("", "", False),
        (" ", "", False),
    ],
)
def test_same_email(left, right, same):
    assert same_email(left, right) is same
