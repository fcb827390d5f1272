"""Runs the fake Google by itself: ``python -m django_goffline.testing.fake_google --demo``."""

from __future__ import annotations

from .command_line import main

if __name__ == "__main__":
    raise SystemExit(main())
