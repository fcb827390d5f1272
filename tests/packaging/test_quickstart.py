"""The wheel in a clean environment, and the quickstart as it is written, to a mirrored event."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.request
from contextlib import contextmanager

import pytest
from demo.person import Person
from demo.processes import free_port

from .quickstart import Quickstart

PATIENCE = 60.0
BACKGROUND = re.compile(r"goffline_fake_google|runserver|celery .* (worker|beat)")


@contextmanager
def running(environment, commands, *, cwd, key):
    """The quickstart's terminals, each with one of its commands."""
    terminals = []
    try:
        for number, line in enumerate(commands):
            with (cwd / f"terminal{number}.log").open("wb") as log:
                terminals.append(
                    subprocess.Popen(
                        ["bash", "-c", f"exec {line}"],
                        cwd=cwd,
                        env=environment.variables(GOFFLINE_KEYS=key),
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
        yield
    finally:
        for terminal in terminals:
            os.killpg(terminal.pid, signal.SIGKILL)
            terminal.wait()


def wait_for(what, happened, *, logs):
    """The value of ``happened()`` once it is true."""
    end = time.monotonic() + PATIENCE
    while not (value := happened()):
        if time.monotonic() > end:
            texts = "\n".join(path.read_text()[-2000:] for path in sorted(logs.glob("*.log")))
            pytest.fail(f"{what} did not happen:\n{texts}")
        time.sleep(0.3)
    return value


def page(url):
    """A page's body, or None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read()
    except OSError:
        return None


def test_quickstart(environment):
    site_port, google_port = free_port(), free_port()
    quickstart = Quickstart.read(site_port=site_port, google_port=google_port)
    commands = quickstart.commands()
    create = next(line for line in commands if line.startswith("django-admin"))
    environment.run("-m", "django", *create.split()[1:])
    project = environment.folder / "mysite"
    package = project / "mysite"
    with (package / "settings.py").open("a") as settings:
        settings.write(quickstart.file_after("## Settings"))
    (package / "celery.py").write_text(quickstart.file_after("Celery's own file"))
    (package / "__init__.py").write_text(quickstart.file_after("which Django has to know"))
    (package / "urls.py").write_text(quickstart.file_after("the pages that Google sends"))

    def type_line(line, **given):
        words = line.split()
        assert words[0] == "python", line
        return environment.run(*words[1:], cwd=project, **given)

    key = type_line(re.search(r"\$\((.*)\)", next(c for c in commands if "export" in c))[1]).strip()
    known = {"GOFFLINE_KEYS": key, "DJANGO_SUPERUSER_PASSWORD": "secret"}
    type_line("python manage.py check", **known)
    type_line("python manage.py migrate", **known)
    type_line("python manage.py createsuperuser --noinput --username a --email a@b.ch", **known)
    assert {"python manage.py migrate", "python manage.py createsuperuser"} <= set(commands)

    terminals = [line for line in commands if BACKGROUND.search(line)]
    assert len(terminals) == 4
    with running(environment, terminals, cwd=project, key=key):
        download = next(line for line in commands if line.startswith("curl"))
        url, name = re.search(r"(http\S+) > (\S+)", download).groups()
        (project / name).write_bytes(wait_for("the fake Google", lambda: page(url), logs=project))
        type_line(next(c for c in commands if "goffline_import_client" in c), **known)
        answer = type_line(next(c for c in commands if "goffline_consent_url" in c), **known)
        link = re.search(r"http://\S+", answer)[0]
        home = f"http://127.0.0.1:{site_port}/admin/login/"
        wait_for("the site", lambda: page(home), logs=project)
        Person().consent(link, email="ada@example.com")
        count = next(c for c in commands if "Event" in c)
        code = re.search(r'shell -c "(.*)"', count)[1]

        def events():
            answer = environment.run("manage.py", "shell", "-c", code, cwd=project, **known)
            return int(answer.split()[-1])

        assert wait_for("a mirrored event", events, logs=project) > 0
        status = next(c for c in commands if c.endswith("goffline_status"))
        assert "ada@example.com" in type_line(status, **known)
        environment.run("manage.py", "shell", "-c", quickstart.last_code(), cwd=project, **known)
