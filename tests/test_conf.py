"""Settings: read late, typed by their defaults, never written back."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings

from django_goffline.conf import NAMES, GofflineSettings
from django_goffline.conf import settings as ours


def test_defaults_are_those_of_the_class(settings):
    settings.GOFFLINE = {}
    assert {name: getattr(ours, name) for name in NAMES} == {
        name: vars(GofflineSettings)[name] for name in NAMES
    }


def test_a_change_is_seen_at_once_and_undone(settings):
    before = django_settings.GOFFLINE
    settings.GOFFLINE = {"CHUNK_SIZE": 7}
    assert ours.CHUNK_SIZE == 7
    assert ours.BASE_URL == ""
    settings.GOFFLINE = before
    assert ours.CHUNK_SIZE == GofflineSettings.CHUNK_SIZE


def test_a_site_without_the_dict_has_the_defaults(settings):
    del settings.GOFFLINE
    assert ours.CONCURRENCY == GofflineSettings.CONCURRENCY


def test_reading_writes_nothing_into_djangos_settings(settings):
    settings.GOFFLINE = before = {"CHUNK_SIZE": 7}
    assert {name for name in NAMES if getattr(ours, name) is None} == {"ENDPOINTS"}
    assert django_settings.GOFFLINE is before and before == {"CHUNK_SIZE": 7}


def test_a_name_that_is_no_setting_is_an_attribute_error():
    with pytest.raises(AttributeError):
        _ = ours.CHUNK_SIZES


@pytest.mark.parametrize(
    ("given", "own", "expected"),
    [
        (600, None, 600.0),
        (600, 86400.0, 86400.0),
        ({"calendar_events": 60}, None, 60.0),
        ({"calendar_events": 60}, 86400.0, 60.0),
        ({"other": 60}, 86400.0, 86400.0),
        ({"other": 60}, None, GofflineSettings.PULL_EVERY),
    ],
)
def test_the_interval_of_a_pull(settings, given, own, expected):
    settings.GOFFLINE = {"PULL_EVERY": given}
    assert ours.pull_every("calendar_events", own) == expected
