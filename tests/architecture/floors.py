"""The plan of the house: which floor each module is on. Its reasons: docs/architecture.md."""

from __future__ import annotations

from .imports import PACKAGE

#: Floor by the first part of a module's name below the package. A floor imports from floors below it.
FLOORS: dict[str, float] = {
    # Ground floor: pure.
    "protocol": 0,
    "lifecycle": 0,
    "recurrence": 0,
    # First floor: Django foundations.
    "conf": 1,
    "crypto": 1,
    "fields": 1,
    "exceptions": 1,
    "signals": 1,
    "log_filters": 1,
    "nudges": 1,
    # Second floor: rows.
    "bulk": 2,
    "models": 2,
    # Third floor: where rows and protocol meet.
    "gateway": 3,
    # Fourth floor: flows. What can be pulled lies below the flows that pull it.
    "resources": 4,
    "flows": 4.1,
    "api": 4.2,
    # Fifth floor: the edge that time drives.
    "tasks": 5,
    "schedules": 5,
    # Sixth floor: the edges that people drive.
    "admin": 6,
    "views": 6,
    "urls": 6,
    "checks": 6,
    "receivers": 6,
    "management": 6,
    # Its ready() is a table of contents.
    "apps": 6.1,
    # Beside the house, imported by nobody above.
    "testing": 7,
}

#: Rooms on one floor that may use each other. All others keep apart.
NEIGHBOURS = {
    ("lifecycle", "protocol"),
    ("recurrence", "protocol"),
    ("crypto", "conf"),
    ("crypto", "exceptions"),
    ("fields", "crypto"),
    ("nudges", "conf"),
    ("models", "bulk"),
    ("urls", "views"),
    # The beat entries name the tasks.
    ("schedules", "tasks"),
}

#: The command that starts the fake is the one thing above that may know the testing package.
EXCEPTIONS = {(f"{PACKAGE}.management.commands.goffline_fake_google", f"{PACKAGE}.testing")}

#: Nothing about grants, consent or refresh knows calendars, mirrors or pulls.
TOKEN_ROOMS = (
    "models.clients",
    "models.consents",
    "models.grants",
    "models.records",
    "flows.access",
    "flows.choose",
    "flows.clients",
    "flows.consent",
    "flows.drains",
    "flows.fetching",
    "flows.google_auth",
    "flows.import_client",
    "flows.records",
    "flows.refresh",
    "flows.revoke",
    "flows.rotate",
    "flows.sessions",
    "flows.transactions",
    "gateway",
    "protocol.oauth",
    "protocol.id_token",
    "protocol.client_secrets",
    "lifecycle",
    "views",
    "receivers",
    "signals",
    "nudges",
)
CALENDAR_ROOMS = (
    "models.calendars",
    "models.occurrences",
    "models.pulls",
    "flows.pull",
    "flows.mirror",
    "flows.reconcile",
    "flows.occurrences",
    "flows.rates",
    "resources",
    "protocol.calendar",
    "protocol.payloads",
    "recurrence",
)


def room(module: str) -> str:
    """First part of a module's name below the package; empty for the package itself."""
    return module.removeprefix(PACKAGE).removeprefix(".").partition(".")[0]


def is_in(module: str, rooms: tuple[str, ...]) -> bool:
    """Whether a module is one of ``rooms`` or lies below one, or continues its name with ``_``."""
    name = module.removeprefix(f"{PACKAGE}.")
    return any(name == r or name.startswith((f"{r}.", f"{r}_")) for r in rooms)
