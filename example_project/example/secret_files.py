"""Secrets of a project on a laptop: made at first run, kept in files that git ignores.

A real deployment gets them from its own secret store. Several processes may start at once: the
first to finish writing wins, the others read what it wrote.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex, token_urlsafe

from django_goffline.crypto import generate_key


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """The file's text; made, and readable by its owner only, if there is none."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(make())
        try:
            # Unlike a rename, a link never replaces what another process has put there meanwhile.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def secret_key() -> str:
    """A new ``SECRET_KEY``."""
    return token_urlsafe(50)


def encryption_key() -> str:
    """A new entry for ``GOFFLINE["ENCRYPTION_KEYS"]``."""
    return generate_key("1")
