"""The wheel in projects that are unlike ours."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("variant.py")

VARIANTS = {
    "user": "a user model with a UUID key and no username",
    "database": "a database of its own, by a router",
    "site": "a custom admin site",
    "path": "below a path, and with language prefixes",
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variant(environment, variant):
    script = environment.folder / f"{variant}.py"
    shutil.copy(SCRIPT, script)
    output = environment.run("-W", "error::DeprecationWarning", str(script), variant)
    assert output.strip().splitlines()[-1] == "mirrored 1"
