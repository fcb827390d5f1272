"""What the wheel holds."""

from __future__ import annotations

import zipfile

from tests.architecture.imports import PACKAGE, ROOT


def test_wheel_holds_everything_that_the_source_does(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    source = {
        str(path.relative_to(ROOT))
        for path in (ROOT / PACKAGE).rglob("*")
        if path.is_file() and path.suffix not in {".pyc", ".po"}
    }
    assert {f"{PACKAGE}/py.typed", f"{PACKAGE}/testing/fake_google/server.py"} <= source
    assert any("templates" in name for name in source)
    assert source - names == set()


def test_wheel_holds_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {PACKAGE}


def test_environment_uses_the_wheel(environment):
    code = "import django_goffline; print(django_goffline.__file__)"
    where = environment.run("-c", code).strip()
    assert where.startswith(str(environment.python.parent.parent))


def test_its_fixtures_are_known_to_pytest(environment, tmp_path):
    listed = environment.run("-m", "pytest", "--fixtures", "-q", cwd=tmp_path)
    assert {"fake_google", "fake_google_server"} <= {
        line.split(" ")[0] for line in listed.splitlines()
    }
