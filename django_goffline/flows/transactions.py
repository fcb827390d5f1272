"""The flows' transactions: repeated in this one place, and never open while Google is called.

A deadlock or a serialization failure is the database's way to say "once more" (PostgreSQL manual §13.5, MariaDB
"InnoDB lock wait and deadlock", SQLite ``SQLITE_BUSY``). The work is repeated as a whole, so it must do nothing but
database work.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connections, transaction

from ..exceptions import OpenTransactionError

T = TypeVar("T")

ATTEMPTS = 5
#: Seconds before the first repetition, at most; each further one may wait twice as long.
FIRST_PAUSE = 0.05

#: serialization_failure, deadlock_detected, lock_not_available (PostgreSQL, Appendix A).
_SQLSTATES = frozenset({"40001", "40P01", "55P03"})
#: Lock wait timeout, deadlock, record changed since it was read (MariaDB error codes).
_MARIADB_CODES = frozenset({1205, 1213, 1020})
_SQLITE_MESSAGES = ("database is locked", "database table is locked")


def atomically(work: Callable[[], T], *, using: str) -> T:
    """Run ``work`` in a transaction and return its answer; repeat it when the database asks for that.

    Inside another transaction it runs once, as part of it: only the outermost block can be repeated.
    """

    def in_transaction() -> T:
        with transaction.atomic(using=using):
            return work()

    return repeatedly(in_transaction, using=using)


def repeatedly(work: Callable[[], T], *, using: str) -> T:
    """Like ``atomically``, for work that opens its own transaction: a claim, which first reads outside of it."""
    attempts = 1 if _is_open(using) else ATTEMPTS
    for attempt in range(attempts):
        try:
            return work()
        except OperationalError as error:
            if attempt == attempts - 1 or not asks_for_repetition(error):
                raise
        # Those who met must not meet again at once.
        time.sleep(random.uniform(0, FIRST_PAUSE * 2**attempt))  # noqa: S311 - jitter, no secret
    raise AssertionError("unreachable")


def asks_for_repetition(error: OperationalError) -> bool:
    """Whether the database gave up on the transaction for a reason that a repetition cures."""
    cause = error.__cause__
    sqlstate = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if sqlstate:
        return sqlstate in _SQLSTATES
    if error.args and isinstance(error.args[0], int):
        return error.args[0] in _MARIADB_CODES
    return any(message in str(error) for message in _SQLITE_MESSAGES)


def refuse_open_transaction(using: str) -> None:
    """Raise ``OpenTransactionError`` if a transaction is open on ``using``: a call to Google is about to happen.

    Those that Django's ``TestCase`` opens around a test don't count, as with ``atomic(durable=True)``.
    """
    if _is_open(using):
        raise OpenTransactionError(
            "Google would be called inside an open transaction, which would keep locks and a connection for as long as "
            "Google takes: do it outside of transaction.atomic, or mark the view with transaction.non_atomic_requests"
        )


def _is_open(using: str) -> bool:
    connection = connections[using]
    if connection.atomic_blocks:
        return any(
            not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks
        )
    return not connection.get_autocommit()
