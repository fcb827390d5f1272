from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_goffline.protocol.scopes import (
    CALENDAR,
    CALENDAR_EVENTS,
    CALENDAR_EVENTS_READONLY,
    CALENDAR_LIST_READONLY,
    CALENDAR_READONLY,
    EMAIL,
    KNOWN_SCOPES,
    OPENID,
    PROFILE,
    implied,
    missing,
    normalise_scopes,
    unknown_scopes,
)

AUTH = "https://www.googleapis.com/auth/"


@pytest.mark.parametrize(
    "scopes",
    [
        "email profile openid",
        f"profile {EMAIL} openid {PROFILE}  email",
        ["openid", "profile email"],
        (PROFILE, OPENID, EMAIL, EMAIL),
    ],
)
def test_aliases_order_and_repetition_make_no_difference(scopes):
    assert normalise_scopes(scopes) == (EMAIL, PROFILE, OPENID)


def test_nothing_is_nothing():
    assert normalise_scopes("") == normalise_scopes([]) == normalise_scopes(" \n") == ()


SCOPES = st.lists(st.sampled_from(sorted(KNOWN_SCOPES | {"email", "profile"})), max_size=6)


@given(SCOPES)
def test_normalising_twice_is_normalising_once(scopes):
    once = normalise_scopes(scopes)
    assert normalise_scopes(once) == normalise_scopes(" ".join(reversed(scopes))) == once


@given(SCOPES, SCOPES)
def test_what_is_granted_is_not_missing(wanted, granted):
    assert missing(granted, granted) == ()
    assert set(missing(wanted, granted)) == set(normalise_scopes(wanted)) - implied(granted)
    assert missing(missing(wanted, granted), []) == missing(wanted, granted)


@given(SCOPES)
def test_implication_is_transitive(scopes):
    assert implied(implied(scopes)) == implied(scopes)


@pytest.mark.parametrize(
    ("granted", "wanted", "lacking"),
    [
        (CALENDAR, CALENDAR_READONLY, ()),
        (CALENDAR, f"{AUTH}calendar.acls.readonly", ()),
        (CALENDAR_READONLY, f"{CALENDAR_EVENTS_READONLY} {CALENDAR_LIST_READONLY}", ()),
        (CALENDAR_READONLY, f"{AUTH}calendar.acls.readonly", (f"{AUTH}calendar.acls.readonly",)),
        (CALENDAR_READONLY, CALENDAR_EVENTS, (CALENDAR_EVENTS,)),
        (CALENDAR_READONLY, CALENDAR, (CALENDAR,)),
        (CALENDAR_EVENTS, CALENDAR_EVENTS_READONLY, ()),
        # calendar.events does not open calendarList.list, nor freebusy.query.
        (CALENDAR_EVENTS, CALENDAR_LIST_READONLY, (CALENDAR_LIST_READONLY,)),
        (CALENDAR_EVENTS, f"{AUTH}calendar.freebusy", (f"{AUTH}calendar.freebusy",)),
        (f"{AUTH}calendar.settings", f"{AUTH}calendar.settings.readonly", ()),
        ("email", f"{EMAIL} openid", (OPENID,)),
    ],
)
def test_what_satisfies_what(granted, wanted, lacking):
    assert missing(wanted, granted) == lacking


@pytest.mark.parametrize("scope", sorted(KNOWN_SCOPES | {"email", "profile"}))
def test_known_scopes_are_known(scope):
    assert unknown_scopes(scope) == {}


@pytest.mark.parametrize(
    "scope",
    [
        f"{AUTH}drive.readonly",
        f"{AUTH}contacts.readonly",
        f"{AUTH}tasks",
        f"{AUTH}gmail.readonly",
        f"{AUTH}cloud-platform",
        f"{AUTH}user.emails.read",
        f"{AUTH}calendar.addons.execute",
        "https://mail.google.com/",
        "https://www.google.com/m8/feeds",
    ],
)
def test_other_scopes_of_google_pass(scope):
    assert unknown_scopes([scope]) == {}


@pytest.mark.parametrize(
    ("scope", "meant"),
    [
        (f"{AUTH}calender", CALENDAR),
        (f"{AUTH}calendar.read-only", CALENDAR_READONLY),
        (f"{AUTH}calendar.event.readonly", CALENDAR_EVENTS_READONLY),
        (f"{AUTH}Calendar", CALENDAR),
        (f"{AUTH}userinfo.emai", EMAIL),
        ("calendar.readonly", CALENDAR_READONLY),
        ("http://www.googleapis.com/auth/calendar", CALENDAR),
        ("emial", EMAIL),
        ("opnid", OPENID),
        ("https://example.com/read", None),
        ("https://notgoogle.com/read", None),
        (AUTH, None),
        (f"{AUTH}zzz zzz", None),
    ],
)
def test_misspelt_scopes(scope, meant):
    assert set(unknown_scopes([scope]).values()) == {meant}
