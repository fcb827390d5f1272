"""Documents and code agree: versions, settings, signals, commands, checks, the public functions."""

from __future__ import annotations

import ast
import re

import pytest

import django_goffline
from django_goffline.conf import NAMES

from .imports import PACKAGE, ROOT, modules

DOCS = ROOT / "docs"


def documented(page: str) -> set[str]:
    """What a page sets in code type."""
    return set(re.findall(r"`+([^`\n]+)`+", (DOCS / page).read_text()))


def test_changelog_begins_with_this_version():
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == django_goffline.__version__


def test_documentation_has_this_version():
    assert "django_goffline/__init__.py" in (DOCS / "conf.py").read_text()


def test_readme_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_settings_are_documented():
    names = {name for name in documented("reference/settings.md") if name.isupper()}
    assert names >= NAMES
    assert {name for name in names if "GOFFLINE" not in name and name not in NAMES} <= {
        "SECRET_KEY",
        "DEBUG",
        "INSTALLED_APPS",
    }


def test_signals_are_documented():
    tree = modules()[f"{PACKAGE}.signals"].tree
    signals = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if getattr(node.value.func, "id", "") == "Signal"
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert signals
    assert signals <= documented("reference/signals.md")


def test_commands_are_documented():
    folder = ROOT / PACKAGE / "management" / "commands"
    commands = {path.stem for path in folder.glob("goffline_*.py")}
    page = (DOCS / "reference" / "commands.md").read_text()
    assert commands
    assert {name for name in commands if f"## `{name}`" not in page} == set()
    assert set(re.findall(r"^## `(\w+)`", page, re.MULTILINE)) == commands


def test_checks_are_documented():
    source = "".join(
        module.source for name, module in modules().items() if name.startswith(f"{PACKAGE}.checks")
    )
    page = (DOCS / "reference" / "checks.md").read_text()
    ids = set(re.findall(r"goffline\.([EWI]\d{3})", source)) | set(
        re.findall(r"[\"']([EW]\d{3})[\"']", source)
    )
    assert ids
    # Hints point to these headings' anchors, as "#goffline-e001".
    assert ids == set(re.findall(r"^## goffline ([EWI]\d{3})$", page, re.MULTILINE))


@pytest.mark.parametrize(
    "function",
    [
        "start_consent",
        "access_token",
        "session",
        "credentials",
        "pull_now",
        "revoke",
        "occurrences",
    ],
)
def test_public_functions_are_documented(function):
    public = {
        node.name
        for node in modules()[f"{PACKAGE}.api"].tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    assert function in public
    assert f"`{function}(" in (DOCS / "reference" / "api.md").read_text()
