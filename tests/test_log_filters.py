"""Logs without the callback's query and without link tokens."""

from __future__ import annotations

import io
import logging

import pytest

from django_goffline.log_filters import RedactQuery, redact

TOKEN = "t" * 43


@pytest.fixture
def log():
    """A logger whose handler has the filter; what it wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactQuery())
    logger = logging.getLogger("tests.redacted")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, stream
    logger.removeHandler(handler)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (
            '"GET /goffline/callback/?state=S3&code=4/C0&scope=x HTTP/1.1" 303 0',
            '"GET /goffline/callback/?[redacted] HTTP/1.1" 303 0',
        ),
        ("/oauth/back?iss=x&code=4%2FC0", "/oauth/back?[redacted]"),
        (
            "Referer: https://site.example/x?error=a&state=S3",
            "Referer: https://site.example/x?[redacted]",
        ),
        (f"GET /goffline/connect/{TOKEN}/ 303", "GET /goffline/connect/[redacted]/ 303"),
        (f"Not Found: /en/g/connect/{TOKEN}", "Not Found: /en/g/connect/[redacted]"),
        # What is no secret stays readable.
        ("GET /goffline/connect/7f1c1c5e-3d9a-4c1e-9d39-000000000000/", None),
        ("GET /search/?q=code&page=2", None),
        ("GET /shop/?postcode=8000", None),
    ],
)
def test_secrets_go_and_the_rest_stays(text, redacted):
    assert redact(text) == (redacted or text)


def test_arguments_are_redacted_with_the_message(log):
    logger, stream = log
    logger.error('"%s" %s', "GET /callback/?code=4/C0&state=S3 HTTP/1.1", 303)
    assert stream.getvalue() == '"GET /callback/?[redacted] HTTP/1.1" 303\n'


def test_other_records_keep_their_arguments():
    record = logging.LogRecord("n", logging.INFO, "f", 1, "%s is %d", ("x", 3), None)
    assert RedactQuery().filter(record)
    assert record.args == ("x", 3)


def test_a_malformed_record_passes_redacted():
    record = logging.LogRecord("n", logging.INFO, "f", 1, "%d %d", ("/?code=4/C0",), None)
    assert RedactQuery().filter(record)
    assert "C0" not in record.getMessage()
