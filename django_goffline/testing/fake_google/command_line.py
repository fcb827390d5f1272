"""The fake Google as a process of its own: arguments, demonstration data, a clean end.

It serves until it is interrupted or terminated. It binds to loopback unless told otherwise, because
its consent page lets anybody be anybody.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .fake import FakeGoogle
from .seed import seed_demo
from .server import FakeGoogleServer

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8800
DEFAULT_REDIRECT_URI = "http://localhost:8000/goffline/callback/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to serve, and where."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    demo: bool = False
    redirect_uris: tuple[str, ...] = ()
    seed: int = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that :func:`options` reads."""
    parser.add_argument("--host", default=DEFAULT_HOST, help="address to bind (%(default)s)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0: any (%(default)s)")
    parser.add_argument("--demo", action="store_true", help="fill in accounts and calendars")
    parser.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="URI",
        help="register this redirect URI with the client; may be repeated",
    )
    parser.add_argument("--seed", type=int, default=0, help="makes ids and tokens reproducible")


def options(namespace: argparse.Namespace) -> Options:
    """Parsed arguments as a value."""
    return Options(
        host=namespace.host,
        port=namespace.port,
        demo=namespace.demo,
        redirect_uris=tuple(namespace.redirect_uri),
        seed=namespace.seed,
    )


def serve(
    wanted: Options, *, say: Callable[[str], object], stopped: threading.Event | None = None
) -> None:
    """Serve until ``stopped`` is set; print where to look, and no secret.

    Raises ``OSError`` if the address can't be bound.
    """
    stopped = stopped or threading.Event()
    fake = FakeGoogle(seed=wanted.seed)
    if wanted.demo:
        seed_demo(fake)
    uris = wanted.redirect_uris or (DEFAULT_REDIRECT_URI,)
    fake.add_client(redirect_uris=uris)
    with FakeGoogleServer(fake, wanted.host, wanted.port) as server:
        say(f"The fake Google listens at {server.url}")
        say(f"Its client's file: {server.url}/_fake/client_secret.json")
        stopped.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; return the exit status."""
    parser = argparse.ArgumentParser(prog="fake_google", description=__doc__)
    add_arguments(parser)
    wanted = options(parser.parse_args(arguments))
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    serve(wanted, say=_print, stopped=stopped)
    return 0


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
