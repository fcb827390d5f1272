"""What all rules of the fake share: time, open questions, chance, one lock, faults, journal.

The OAuth and the Calendar state each hold a reference to it; it knows neither. Chance is seeded, so
that the same calls give the same ids and tokens.
"""

from __future__ import annotations

import string
import threading
from random import Random

from .clock import Clock
from .faults import Faults
from .journal import Journal
from .switches import Switches

TOKEN_ALPHABET = string.ascii_letters + string.digits + "-_"
ID_ALPHABET = string.ascii_lowercase + string.digits


class World:
    """The shared ground. Hold ``lock`` (re-entrant) while reading or changing any state."""

    def __init__(
        self, *, clock: Clock | None = None, switches: Switches | None = None, seed: int = 0
    ) -> None:
        self.clock = clock or Clock()
        self.switches = switches or Switches()
        self.random = Random(seed)  # noqa: S311 - reproducible tokens are the point of a fake
        self.lock = threading.RLock()
        self.faults = Faults()
        self.journal = Journal()

    def token_text(self, length: int) -> str:
        """Random URL-safe text, the same for the same seed and history."""
        return "".join(self.random.choices(TOKEN_ALPHABET, k=length))

    def id_text(self, length: int) -> str:
        """Random lower-case letters and digits."""
        return "".join(self.random.choices(ID_ALPHABET, k=length))

    def digits(self, length: int) -> str:
        """Random digits, the first not zero."""
        rest = self.random.choices(string.digits, k=length - 1)
        return "".join([self.random.choice(string.digits[1:]), *rest])
