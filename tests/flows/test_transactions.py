from __future__ import annotations

import pytest
from django.db import OperationalError, connection, transaction

from django_goffline.exceptions import OpenTransactionError
from django_goffline.flows import transactions
from django_goffline.flows.transactions import (
    ATTEMPTS,
    asks_for_repetition,
    atomically,
    refuse_open_transaction,
)
from django_goffline.models import OAuthClient
from django_goffline.testing.factories import make_client

DEFAULT = "default"


class DriverError(Exception):
    """What a driver puts behind Django's exception."""

    def __init__(self, sqlstate):
        super().__init__("driver")
        self.sqlstate = sqlstate


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(transactions, "FIRST_PAUSE", 0)


@pytest.mark.parametrize(
    ("error", "repeat"),
    [
        (caused(OperationalError("x"), DriverError("40001")), True),
        (caused(OperationalError("x"), DriverError("40P01")), True),
        (caused(OperationalError("x"), DriverError("57014")), False),
        (OperationalError(1213, "Deadlock found"), True),
        (OperationalError(1205, "Lock wait timeout exceeded"), True),
        (OperationalError(2006, "server has gone away"), False),
        (OperationalError("database is locked"), True),
        (OperationalError("disk I/O error"), False),
    ],
)
def test_what_a_repetition_cures(error, repeat):
    assert asks_for_repetition(error) is repeat


@pytest.mark.django_db
def test_a_deadlock_is_repeated_and_leaves_nothing_of_the_first_try():
    tries = []

    def work():
        make_client()
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError(1213, "Deadlock found")
        return "done"

    assert atomically(work, using=DEFAULT) == "done"
    assert len(tries) == 3
    assert OAuthClient.objects.count() == 1


@pytest.mark.django_db
def test_not_for_ever_and_not_for_everything():
    tries = []

    def deadlock():
        tries.append(1)
        raise OperationalError(1213, "Deadlock found")

    def gone():
        tries.append(1)
        raise OperationalError(2006, "gone away")

    with pytest.raises(OperationalError):
        atomically(deadlock, using=DEFAULT)
    assert len(tries) == ATTEMPTS
    with pytest.raises(OperationalError):
        atomically(gone, using=DEFAULT)
    assert len(tries) == ATTEMPTS + 1


@pytest.mark.django_db
def test_inside_another_transaction_it_runs_once():
    tries = []

    def deadlock():
        tries.append(1)
        raise OperationalError(1213, "Deadlock found")

    with pytest.raises(OperationalError), transaction.atomic():
        atomically(deadlock, using=DEFAULT)
    assert len(tries) == 1


@pytest.mark.django_db
def test_the_transaction_of_a_test_case_does_not_count():
    assert connection.in_atomic_block
    refuse_open_transaction(DEFAULT)
    with transaction.atomic(), pytest.raises(OpenTransactionError):
        refuse_open_transaction(DEFAULT)


@pytest.mark.django_db(transaction=True)
def test_switched_off_autocommit_counts():
    refuse_open_transaction(DEFAULT)
    transaction.set_autocommit(False)
    try:
        with pytest.raises(OpenTransactionError):
            refuse_open_transaction(DEFAULT)
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
