"""Sphinx settings. Warnings are errors: see tox.ini."""

import re
from pathlib import Path

VERSION_FILE = Path(__file__).resolve().parent.parent / "django_goffline/__init__.py"

project = "django-goffline"
copyright = "2026, django-goffline contributors"
version = release = re.findall(r'__version__ = "(.+)"', VERSION_FILE.read_text())[0]
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"django-goffline {version}"
exclude_patterns = ["_build"]
suppress_warnings = []
