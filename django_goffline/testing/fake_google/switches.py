"""Every question that the reference leaves open, as a switch.

Where Google's behaviour is unconfirmed or seen in more than one form and changes what a client stores
or does, the fake can show each form. Property tests draw the switches at random and must pass with
all of them. One field, one line of the table:

==============================  =====================================================================
switch                          what it decides (section of the working reference)
==============================  =====================================================================
iss_in_callback                 the callback names the issuer, RFC 9207 (2.3)
iss_in_error_callback           so does a callback with an error (2.3)
prompt_none_error               ``error`` of a ``prompt=none`` that needs a screen (2.3)
admin_block_redirects           an administrator's block returns to the client, not a page (2.3)
reused_code_revokes             a code used twice revokes what it gave (8.3)
rotate_refresh_tokens           a refresh answers a new refresh token as well (3.5, 8.3)
rotation_grace                  seconds that the rotated token lives on (8.3)
refresh_returns_id_token        a refresh answers an ID token if ``openid`` was granted (3.2)
refresh_returns_scope           a refresh answers ``scope`` (3.2)
refresh_reports_lifetime        a refresh repeats ``refresh_token_expires_in`` (3.2)
testing_reports_lifetime        so does an exchange of a project in Testing (3.2)
expires_in_is_string            ``expires_in`` is a JSON string (3.2)
openid_added                    ``openid`` is granted along with e-mail or profile (4.3)
aliases_in_callback             the callback lists aliases besides canonical scopes (2.3)
email_verified_is_string        the claim is ``"true"``, as in Google's sample (4.1)
issuer_without_scheme           ``iss`` of ID tokens is ``accounts.google.com`` (4.1)
granular_consent                a checkbox per scope; else all or nothing (2.4)
deleted_client_status           HTTP status of ``deleted_client`` (3.3)
admin_policy_status             HTTP status of ``admin_policy_enforced`` (3.3)
stranger_refresh_error          ``error`` of refreshing another client's token (3.3)
first_refresh_refused           a grant's first refresh is ``invalid_grant`` though it lives (3.3)
request_errors_redirect         wrong scopes return to the client, not a page (2.3)
revoke_twice_succeeds           revoking a dead token answers 200 (3.6)
unlisted_parameters_refused     unknown authorization parameters are an error (2.1)
unsynchronised_start_counts     a start that no rule generates is an instance too (5.5)
endless_series_days             how far ahead singleEvents=true expands endless series (5.3)
exceptions_outlive_rule_change  exceptions stay though their series leaves their start (5.5)
deleted_series_lists_exceptions  a deleted master's exceptions come in the delta too (5.5)
undeleted_series_lists_exceptions  so do those of a master that comes back (5.5)
deleted_events_keep_details     deleted events are more than ``id`` and ``status`` (5.5)
page_order                      order of a live list: stable, or a change moves an event (5.2)
largest_page                    pages hold no more items than this, whatever is asked (5.2)
empty_page_every                every n-th page of a run is empty (5.2); 0: never
page_token_seconds              life of a page token; 0: for ever (5.3)
dead_page_token_status          400 or 410 for a dead page token (5.3)
sync_token_days                 life of a sync token; 0: for ever (5.3)
new_token_when_unchanged        a delta without changes gives a new sync token (8.4)
acl_change_expires              whose sync tokens an ACL change kills (5.3)
generated_calendars_refuse_tokens  sync tokens of holidays, birthdays are always 410 (5.3)
filters_suppress_sync_token     no ``nextSyncToken`` with q, iCalUID, updatedMin, properties (5.3)
time_max_suppresses_sync_token  nor with timeMax (5.3)
single_events_suppress_sync_token  nor with singleEvents (5.3)
window_leavers                  events leaving the token's window: sent whole, or cancelled (5.3)
changed_query                   other parameters beside a sync token (8.3)
sync_conflict_reason            reason of the 400 for a parameter forbidden beside one (5.2)
updated_min_days                how old ``updatedMin`` may be before 410 (5.2)
lost_access_status              404 or 403 for a calendar that one lost (5.3)
unshared_calendar_in_delta      the calendar list's delta tells of a lost calendar (5.1)
free_busy_shows_recurrence      a freeBusyReader sees the rules of a series (5.1)
free_busy_shows_visibility      and ``visibility: private`` (5.1)
private_shows_visibility        so does who sees a private event without its details (5.1)
quota_says_retry_after          a quota refusal has ``Retry-After`` (6.3)
==============================  =====================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any

# The forms that `draw` chooses from, where a field is not a plain yes or no.
CHOICES: dict[str, tuple[Any, ...]] = {
    "prompt_none_error": ("interaction_required", "immediate_failed", "consent_required"),
    "stranger_refresh_error": ("unauthorized_client", "invalid_grant"),
    "rotation_grace": (0, 60),
    "deleted_client_status": (401, 400),
    "admin_policy_status": (400, 403),
    "endless_series_days": (365, 730, 1460),
    "page_order": ("stable", "moves_to_end", "moves_to_front"),
    "largest_page": (2, 10, 2500),
    "empty_page_every": (0, 2, 3),
    "page_token_seconds": (0, 3600),
    "dead_page_token_status": (400, 410),
    "sync_token_days": (0, 1, 30),
    "acl_change_expires": ("user", "calendar", "nobody"),
    "window_leavers": ("sent", "cancelled"),
    "changed_query": ("token_wins", "request_wins", "refused"),
    "sync_conflict_reason": ("invalid", "badRequest", "invalidParameter"),
    "updated_min_days": (20, 28, 90),
    "lost_access_status": (404, 403),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """One choice per open question; the defaults are what was observed most. See the table above."""

    iss_in_callback: bool = True
    iss_in_error_callback: bool = True
    prompt_none_error: str = "interaction_required"
    admin_block_redirects: bool = False
    reused_code_revokes: bool = True
    rotate_refresh_tokens: bool = False
    rotation_grace: int = 60
    refresh_returns_id_token: bool = True
    refresh_returns_scope: bool = True
    refresh_reports_lifetime: bool = True
    testing_reports_lifetime: bool = True
    expires_in_is_string: bool = False
    openid_added: bool = True
    aliases_in_callback: bool = True
    email_verified_is_string: bool = False
    issuer_without_scheme: bool = False
    granular_consent: bool = True
    deleted_client_status: int = 401
    admin_policy_status: int = 400
    stranger_refresh_error: str = "unauthorized_client"
    first_refresh_refused: bool = False
    request_errors_redirect: bool = True
    revoke_twice_succeeds: bool = False
    unlisted_parameters_refused: bool = False
    unsynchronised_start_counts: bool = True
    endless_series_days: int = 730
    exceptions_outlive_rule_change: bool = False
    deleted_series_lists_exceptions: bool = False
    undeleted_series_lists_exceptions: bool = True
    deleted_events_keep_details: bool = False
    page_order: str = "stable"
    largest_page: int = 2500
    empty_page_every: int = 0
    page_token_seconds: int = 0
    dead_page_token_status: int = 400
    sync_token_days: int = 0
    new_token_when_unchanged: bool = True
    acl_change_expires: str = "user"
    generated_calendars_refuse_tokens: bool = False
    filters_suppress_sync_token: bool = True
    time_max_suppresses_sync_token: bool = False
    single_events_suppress_sync_token: bool = False
    window_leavers: str = "cancelled"
    changed_query: str = "token_wins"
    sync_conflict_reason: str = "invalid"
    updated_min_days: int = 28
    lost_access_status: int = 404
    unshared_calendar_in_delta: bool = True
    free_busy_shows_recurrence: bool = True
    free_busy_shows_visibility: bool = False
    private_shows_visibility: bool = True
    quota_says_retry_after: bool = False

    @classmethod
    def draw(cls, random: Random) -> Switches:
        """A random combination; the same generator state gives the same switches."""
        drawn = {
            field.name: random.choice(CHOICES.get(field.name, (False, True)))
            for field in fields(cls)
        }
        return replace(cls(), **drawn)
