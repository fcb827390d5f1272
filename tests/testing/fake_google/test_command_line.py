"""The fake as a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest
import requests

from django_goffline.testing.fake_google import command_line


def test_it_serves_the_demonstration_until_it_is_terminated():
    arguments = ["--demo", "--port", "0", "--redirect-uri", "http://localhost:1/cb"]
    module = "django_goffline.testing.fake_google"
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        file = requests.get(f"{url}/_fake/client_secret.json", timeout=10).json()
        counts = requests.get(f"{url}/_fake/refreshes", timeout=10).json()
        assert file["web"]["redirect_uris"] == ["http://localhost:1/cb"]
        assert file["web"]["token_uri"] == f"{url}/token"
        assert "ada@example.com" in counts
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert file["web"]["client_secret"] not in out
    finally:
        process.kill()
        process.communicate()


def test_a_port_that_is_taken():
    said, stopped = [], threading.Event()

    def say(line):
        said.append(line)
        if len(said) == 1:
            port = int(line.rpartition(":")[2])
            with pytest.raises(OSError, match="in use"):
                command_line.serve(command_line.Options(port=port), say=print)
            stopped.set()

    command_line.serve(command_line.Options(port=0), say=say, stopped=stopped)
    assert said[0].startswith("The fake Google listens at http://127.0.0.1:")
