"""The built wheel, in an environment outside of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_SOURCE = shutil.ignore_patterns(
    ".*", "build", "dist", "var", "*.egg-info", "__pycache__", "_build"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A Python environment that has the wheel, and a folder to work in."""

    python: Path
    folder: Path

    def variables(self, **given: str) -> dict[str, str]:
        """Variables for its processes: nothing that leads back to the repository."""
        kept = clean_variables()
        path = f"{self.python.parent}{os.pathsep}{kept.get('PATH', '')}"
        return {**kept, "PATH": path, "PYTHONUNBUFFERED": "1", **given}

    def run(self, *arguments: str, cwd: Path | None = None, **given: str) -> str:
        """Run ``python <arguments>`` there; its output. A failure fails the test, with the output."""
        done = subprocess.run(
            [str(self.python), *arguments],
            cwd=cwd or self.folder,
            env=self.variables(**given),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


def clean_variables() -> dict[str, str]:
    """This process's variables, without those that lead Python to the repository."""
    drop = ("PYTHONPATH", "PYTHONWARNINGS", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in drop}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of the source, so that the build leaves nothing behind in it."""
    source = tmp_path_factory.mktemp("source") / "django-goffline"
    shutil.copytree(ROOT, source, ignore=NOT_SOURCE)
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(source)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def environment(wheel, tmp_path_factory) -> Environment:
    """A new environment with the wheel.

    What the wheel depends on is not fetched again: a path file shows the environment the packages of the one that
    runs the tests. Path files inside that one are not followed, so an editable install of the repository stays unseen.
    """
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--quiet", "--python", str(python), "install"]
    command += ["--no-deps", "--no-index", str(wheel)]
    subprocess.run(command, check=True, env=clean_variables())
    packages = home / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("\n".join(sorted(paths)) + "\n")
    # Path files bring no commands along.
    for name, module in {"celery": "celery", "django-admin": "django"}.items():
        script = python.with_name(name)
        script.write_text(f'#!/bin/sh\nexec "{python}" -m {module} "$@"\n')
        script.chmod(0o755)
    return Environment(python=python, folder=tmp_path_factory.mktemp("work"))
