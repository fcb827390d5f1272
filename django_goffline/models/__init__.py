"""Rows: models, constraints, querysets. No network, no signals sent, no tasks."""

from .calendars import Calendar, Event
from .clients import OAuthClient, QuotaBudget
from .consents import ConsentAttempt, ConsentOutcome, ConsentRequest, token_hash
from .grants import Grant, PendingRevocation
from .leases import Claim, Lease, Leased, database_now
from .occurrences import Occurrence
from .pulls import ScheduledPull, SeenItem
from .records import Activity, Heartbeat, Metric

__all__ = [
    "Activity",
    "Calendar",
    "Claim",
    "ConsentAttempt",
    "ConsentOutcome",
    "ConsentRequest",
    "Event",
    "Grant",
    "Heartbeat",
    "Lease",
    "Leased",
    "Metric",
    "OAuthClient",
    "Occurrence",
    "PendingRevocation",
    "QuotaBudget",
    "ScheduledPull",
    "SeenItem",
    "database_now",
    "token_hash",
]
