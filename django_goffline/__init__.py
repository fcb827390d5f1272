"""Offline access to Google for Django: consent, grants kept alive, calendars mirrored."""

__version__ = "0.1.0"
