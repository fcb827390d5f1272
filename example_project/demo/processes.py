"""Child processes: started in groups of their own, logging to files, always stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import requests

PROJECT = Path(__file__).resolve().parent.parent
#: A worker that is told to stop finishes the drain it is in; after this it is killed.
STOP_SECONDS = 15.0
TAIL_LINES = 15


class ProcessFailedError(Exception):
    """A child ended that should be running, or did not come up in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A running process, its name and its log file (None: it writes where we do)."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None

    def tail(self) -> str:
        """The end of its log."""
        if self.log is None or not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


@dataclass(slots=True, kw_only=True)
class Children:
    """All children. Leaving the ``with`` block stops them, last started first."""

    environment: Mapping[str, str]
    logs: Path
    running: list[Child] = field(default_factory=list)

    def __enter__(self) -> Children:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, name: str, *arguments: str, quiet: bool = True) -> Child:
        """Start ``python <arguments>``; ``quiet`` sends its output to a log file."""
        log = self.logs / f"{name}.log" if quiet else None
        output = log.open("wb") if log else None
        try:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=PROJECT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                # A group of its own: Ctrl-C reaches us alone, and we stop them in order.
                start_new_session=True,
            )
        finally:
            if output:
                output.close()
        child = Child(name=name, process=process, log=log)
        self.running.append(child)
        return child

    def run(self, name: str, *arguments: str, quiet: bool = True) -> int:
        """Start a child and wait for its end, as long as the others live; its exit status."""
        child = self.start(name, *arguments, quiet=quiet)
        while child.process.poll() is None:
            self.check(but=child)
            time.sleep(0.1)
        self.running.remove(child)
        return child.process.returncode

    def check(self, *, but: Child | None = None) -> None:
        """Raise ``ProcessFailedError`` if a child has ended by itself."""
        for child in self.running:
            if child is not but and child.process.poll() is not None:
                raise ProcessFailedError(
                    f"{child.name} ended with status {child.process.returncode}:\n{child.tail()}"
                )

    def wait_for_page(self, url: str, *, seconds: float = 30.0) -> None:
        """Wait until ``url`` answers 200. Raises ``ProcessFailedError``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check()
            try:
                if requests.get(url, timeout=5).status_code == requests.codes.ok:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.1)
        raise ProcessFailedError(f"{url} did not answer within {seconds:.0f} s")

    def stop(self) -> None:
        """Ask all to stop, wait, and end by force what is left of their groups."""
        # A terminal, and tox after it, both send Ctrl-C: the second must not stop the stopping.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        children, self.running = self.running[::-1], []
        for child in children:
            # Only the leader: a prefork worker stops its own pool.
            child.process.terminate()
        end = time.monotonic() + STOP_SECONDS
        for child in children:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(timeout=max(0.1, end - time.monotonic()))
            try:
                os.killpg(child.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
            child.process.wait()


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
