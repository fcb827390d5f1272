"""One run at DEBUG level leaves no secret in logs, database or messages, and stops when asked."""

from __future__ import annotations

import base64
import json
import re
import signal
import subprocess
import time

import pytest
import requests

from . import demonstrations

# One worker of xdist for all of these: they look at what one run has left behind.
pytestmark = [pytest.mark.services, pytest.mark.xdist_group("leaks")]

PATIENCE = 90.0
KINDS = {"client secret", "link token", "state", "code", "refresh token", "access token"}


@pytest.fixture(scope="module")
def remains(tmp_path_factory):
    """Folder, secrets and output of a demonstration at DEBUG level that was ended by SIGTERM."""
    folder = tmp_path_factory.mktemp("demo")
    secrets = folder / "secrets.json"
    var = folder / "var"
    given = {"EXAMPLE_LOG_LEVEL": "DEBUG", "EXAMPLE_KEEP_MESSAGES": "1"}
    output = folder / "output"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            demonstrations.command("--secrets-to", str(secrets)),
            env=demonstrations.environment(var, given),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    end = time.monotonic() + PATIENCE
    try:
        while "everything stays up" not in output.read_text():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < end, output.read_text()
            time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    return var / "demo", json.loads(secrets.read_text()), output.read_text()


def test_it_stops_its_children_when_asked(remains):
    _, _, output = remains
    site = re.search(r"http://127\.0\.0\.1:\d+/admin/", output)
    assert site
    assert output.rstrip().endswith("demo: stopped")
    with pytest.raises(requests.ConnectionError):
        requests.get(site[0], timeout=5)


def test_nothing_that_it_wrote_holds_a_secret(remains):
    folder, secrets, output = remains
    assert {kind for kind, values in secrets.items() if values} >= KINDS
    files = [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("client_secret.json", "encryption_key")
    ]
    names = {path.name for path in files}
    assert {"db.sqlite3", "worker.log", "beat.log", "web.log", "google.log"} <= names
    assert any("broker" in path.parts for path in files)
    found = [
        f"{kind} in {path.relative_to(folder)}"
        for path in files
        for text in _texts(path)
        for kind, values in secrets.items()
        for value in values
        if value.encode() in text
    ]
    assert found == []
    assert not any(value in output for values in secrets.values() for value in values)


def test_the_search_finds_what_is_there(remains):
    folder, secrets, _ = remains
    texts = [text for path in folder.rglob("db.sqlite3*") for text in _texts(path)]
    assert any(b"ada@example.com" in text for text in texts)
    (secret,) = secrets["client secret"]
    assert any(secret.encode() in text for text in _texts(folder / "client_secret.json"))


def test_the_log_is_at_debug_level(remains):
    folder, _, _ = remains
    assert "DEBUG" in (folder / "log" / "worker.log").read_text()


def _texts(path):
    """A file's bytes; and, of a message, its body unpacked."""
    raw = path.read_bytes()
    yield raw
    if "broker" in path.parts:
        try:
            body = json.loads(raw)["body"]
        except (ValueError, KeyError, TypeError):
            return
        yield base64.b64decode(body)
