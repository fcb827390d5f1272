"""Every row of google-reference's two tables of errors, and what no row names."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_goffline.protocol import errors, verdicts
from django_goffline.protocol.errors import (
    AlreadyGoneError,
    AnswerError,
    ClientBrokenError,
    ConflictError,
    ConsentAnswerError,
    CursorDeadError,
    DeadlineExceeded,
    ExchangeRejectedError,
    GoogleError,
    GrantDeadError,
    ListUnavailableError,
    PolicyError,
    PreconditionError,
    RequestRejectedError,
    ScopeMissingError,
    ThrottledError,
    TokenRejectedError,
    TransientError,
)
from django_goffline.protocol.verdicts import api_error, exchange_error, token_error

HTML = b"<html><body>We're sorry... automated queries</body></html>"


def oauth(error, **more):
    return json.dumps({"error": error, "error_description": "Bad Request", **more}).encode()


def classic(reason, code=403, **more):
    return json.dumps(
        {"error": {"errors": [{"domain": "global", "reason": reason, **more}], "code": code}}
    ).encode()


def mixed(reason, *, detail, metadata=None, status="PERMISSION_DENIED"):
    return json.dumps(
        {
            "error": {
                "code": 403,
                "status": status,
                "errors": [{"reason": reason}],
                "details": [
                    {
                        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": detail,
                        "metadata": metadata or {},
                    }
                ],
            }
        }
    ).encode()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, oauth("invalid_grant"), GrantDeadError),
        (400, oauth("invalid_grant", error_subtype="invalid_rapt"), GrantDeadError),
        (400, oauth("redirect_uri_mismatch"), RequestRejectedError),
        (400, oauth("invalid_request"), RequestRejectedError),
        (400, oauth("invalid_scope"), RequestRejectedError),
        (400, oauth("unsupported_grant_type"), RequestRejectedError),
        (401, oauth("invalid_client"), ClientBrokenError),
        (401, oauth("deleted_client"), ClientBrokenError),
        (400, oauth("unauthorized_client"), ClientBrokenError),
        (401, oauth("unauthorized_client"), ClientBrokenError),
        (400, oauth("admin_policy_enforced"), PolicyError),
        (403, HTML, TransientError),
        (429, b"", TransientError),
        (408, b"", TransientError),
        (500, oauth("internal_failure"), TransientError),
        (400, oauth("temporarily_unavailable"), TransientError),
        (502, HTML, TransientError),
        (503, b"", TransientError),
        (504, b"", TransientError),
        # Only a refusal ends a grant.
        (500, oauth("invalid_grant"), TransientError),
        (200, oauth("invalid_grant"), RequestRejectedError),
        (302, HTML, RequestRejectedError),
        (400, b"", RequestRejectedError),
        (400, oauth("something_new"), RequestRejectedError),
        (403, oauth("something_new"), RequestRejectedError),
        (401, b"", RequestRejectedError),
    ],
)
def test_token_endpoint(status, body, expected):
    assert type(token_error(status, {}, body)) is expected


def test_a_refused_code_is_nobodys_death():
    error = exchange_error(400, {}, oauth("invalid_grant"))
    assert type(error) is ExchangeRejectedError
    assert type(exchange_error(401, {}, oauth("invalid_client"))) is ClientBrokenError
    assert type(exchange_error(503, {}, b"")) is TransientError


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, classic("timeRangeEmpty"), RequestRejectedError),
        (400, classic("badRequest"), RequestRejectedError),
        (400, classic("pushNotSupportedForRequestedResource"), RequestRejectedError),
        (401, classic("authError"), TokenRejectedError),
        (401, mixed("x", detail="y", status="UNAUTHENTICATED"), TokenRejectedError),
        (401, b"", TokenRejectedError),
        (401, mixed("required", detail="CREDENTIALS_MISSING"), RequestRejectedError),
        (403, classic("required"), RequestRejectedError),
        (403, classic("rateLimitExceeded"), ThrottledError),
        (429, classic("rateLimitExceeded"), ThrottledError),
        (403, classic("userRateLimitExceeded"), ThrottledError),
        (403, classic("quotaExceeded"), ThrottledError),
        (403, classic("dailyLimitExceeded"), ThrottledError),
        (429, b"", ThrottledError),
        (403, classic("insufficientPermissions"), ScopeMissingError),
        (403, mixed("forbidden", detail="ACCESS_TOKEN_SCOPE_INSUFFICIENT"), ScopeMissingError),
        (403, classic("accessNotConfigured"), ClientBrokenError),
        (403, mixed("forbidden", detail="SERVICE_DISABLED"), ClientBrokenError),
        (403, mixed("forbidden", detail="BILLING_DISABLED"), ClientBrokenError),
        (403, mixed("forbidden", detail="CONSUMER_SUSPENDED"), ClientBrokenError),
        (403, classic("forbidden"), ListUnavailableError),
        (403, classic("requiredAccessLevel"), ListUnavailableError),
        (403, classic("forbiddenForNonOrganizer"), RequestRejectedError),
        (403, classic("domainPolicy"), PolicyError),
        (403, classic("somethingNew"), ListUnavailableError),
        (403, HTML, TransientError),
        (404, classic("notFound"), ListUnavailableError),
        (404, HTML, ListUnavailableError),
        (409, classic("duplicate"), ConflictError),
        (410, classic("fullSyncRequired"), CursorDeadError),
        (410, classic("updatedMinTooLongAgo"), CursorDeadError),
        (410, classic("deleted"), AlreadyGoneError),
        (410, b"", ListUnavailableError),
        (412, classic("conditionNotMet"), PreconditionError),
        (500, classic("backendError"), TransientError),
        (502, HTML, TransientError),
        (503, classic("backendError"), TransientError),
        (504, b"", TransientError),
        (304, b"", AnswerError),
        (302, HTML, RequestRejectedError),
        (418, classic("teapot"), RequestRejectedError),
        (400, b"[" + classic("badRequest") + b"]", RequestRejectedError),
        (403, b"[" + classic("rateLimitExceeded") + b"]", ThrottledError),
        # Google was seen to give a quota refusal the status of a missing permission.
        (403, mixed("forbidden", detail="RATE_LIMIT_EXCEEDED"), ThrottledError),
    ],
)
def test_api(status, body, expected):
    assert type(api_error(status, {}, body, cursor_sent=False)) is expected


@pytest.mark.parametrize("status", [400, 410])
@pytest.mark.parametrize("body", [classic("invalid", 400), b""])
def test_a_refused_cursor_asks_for_a_full_run(status, body):
    assert type(api_error(status, {}, body, cursor_sent=True)) is CursorDeadError


def test_a_cursor_excuses_nothing_else():
    assert type(api_error(403, {}, classic("forbidden"), cursor_sent=True)) is ListUnavailableError
    assert type(api_error(503, {}, b"", cursor_sent=True)) is TransientError


@pytest.mark.parametrize(
    ("body", "scope"),
    [
        (classic("userRateLimitExceeded"), "user"),
        (classic("rateLimitExceeded"), "user"),
        (classic("quotaExceeded"), "user_hours"),
        (classic("dailyLimitExceeded"), "client"),
        (
            mixed(
                "rateLimitExceeded",
                detail="RATE_LIMIT_EXCEEDED",
                metadata={"quota_limit": "defaultPerMinutePerUser"},
            ),
            "user",
        ),
        (
            mixed(
                "rateLimitExceeded",
                detail="RATE_LIMIT_EXCEEDED",
                metadata={"quota_limit": "defaultPerMinutePerProject"},
            ),
            "client",
        ),
    ],
)
def test_whom_a_quota_holds_back(body, scope):
    error = api_error(403, {}, body, cursor_sent=False)
    assert isinstance(error, ThrottledError)
    assert error.scope == scope


def test_long_quotas_name_their_wait():
    assert api_error(403, {}, classic("quotaExceeded"), cursor_sent=False).retry_after == 14_400
    told = api_error(403, {"Retry-After": "7"}, classic("quotaExceeded"), cursor_sent=False)
    assert told.retry_after == 7


def test_the_decisive_reason_is_the_code():
    body = mixed("forbidden", detail="SERVICE_DISABLED")
    error = api_error(403, {}, body, cursor_sent=False)
    assert error.code == "SERVICE_DISABLED"
    assert error.reasons == {"SERVICE_DISABLED", "forbidden", "PERMISSION_DENIED"}
    assert (
        str(error) == "Google refuses the OAuth client or its project. (HTTP 403, SERVICE_DISABLED)"
    )


def test_a_challenge_gives_a_reason():
    headers = {
        "WWW-Authenticate": 'Bearer realm="https://x/", error="insufficient_scope", scope="s"'
    }
    assert type(api_error(403, headers, b"", cursor_sent=False)) is ScopeMissingError


def test_subtype_is_kept():
    error = token_error(400, {}, oauth("invalid_grant", error_subtype="invalid_rapt"))
    assert (error.code, error.subtype) == ("invalid_grant", "invalid_rapt")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://console.developers.google.com/apis/api/x/overview?project=1", True),
        ("https://console.cloud.google.com/apis", True),
        ("https://console.developers.google.com.evil.example/", False),
        ("http://console.developers.google.com/", False),
        ("javascript:alert(1)", False),
        (7, False),
    ],
)
def test_only_googles_console_is_linked_to(url, kept):
    body = mixed("accessNotConfigured", detail="SERVICE_DISABLED", metadata={"activationUrl": url})
    error = api_error(403, {}, body, cursor_sent=False)
    assert error.activation_url == (url if kept else "")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "120"}, 120),
        ({"Retry-After": "999999999"}, 86_400),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "soon"}, None),
        (
            {
                "Retry-After": "Wed, 25 Nov 2026 12:01:00 GMT",
                "Date": "Wed, 25 Nov 2026 12:00:00 GMT",
            },
            60,
        ),
        ({"Retry-After": "Wed, 25 Nov 2026 12:01:00 GMT"}, None),
        (
            {
                "Retry-After": "Wed, 25 Nov 2026 11:00:00 GMT",
                "Date": "Wed, 25 Nov 2026 12:00:00 GMT",
            },
            0,
        ),
        (
            {"Retry-After": "Wed, 25 Nov 2026 12:01:00", "Date": "Wed, 25 Nov 2026 12:00:00 GMT"},
            None,
        ),
    ],
)
def test_retry_after(headers, seconds):
    assert token_error(503, headers, b"").retry_after == seconds


def test_free_text_never_becomes_a_reason():
    body = oauth("token ya29.secret is bad", error_subtype="1//secret token")
    error = token_error(400, {}, body)
    assert error.reasons == frozenset()
    assert "secret" not in str(error)


def leaves(base=GoogleError):
    for leaf in base.__subclasses__():
        if leaf.__module__ == errors.__name__:
            yield leaf
            yield from leaves(leaf)


def test_every_meaning_has_its_own_name():
    kinds = [leaf.kind for leaf in leaves()]
    assert len(kinds) == len(set(kinds)) == 17
    for leaf in leaves():
        assert leaf.__name__ in errors.__doc__


@pytest.mark.parametrize(
    "error",
    [
        TransientError("No.", status=503, code="x", retry_after=3.0),
        ThrottledError(scope="client", status=429, reasons={"a"}),
        ConsentAnswerError("issuer"),
        DeadlineExceeded(),
    ],
)
def test_errors_survive_pickling(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert vars(copy) == vars(error)
    assert str(copy) == str(error)


def test_rows_name_their_source():
    for row in (*verdicts.TOKEN_ROWS, *verdicts.API_ROWS):
        assert row.source
        assert (
            row.reasons or row.statuses is not verdicts.Row.__dataclass_fields__["statuses"].default
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "errors", "details", "reason", "metadata", "status", "error_subtype"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    status=st.integers(300, 599), body=JSON.map(json.dumps).map(str.encode) | st.binary(max_size=60)
)
def test_no_body_crashes_a_verdict(status, body):
    for error in (
        token_error(status, {}, body),
        exchange_error(status, {}, body),
        api_error(status, {}, body, cursor_sent=True),
    ):
        assert isinstance(error, GoogleError)
        assert str(error)
