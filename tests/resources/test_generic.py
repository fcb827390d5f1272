"""The engine knows nothing of calendars: a list that Google never had is pulled by a class of forty lines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_goffline import resources
from django_goffline.models import ScheduledPull, SeenItem
from django_goffline.protocol.calendar import ApiRequest
from django_goffline.protocol.payloads import compact_json, fingerprint
from django_goffline.protocol.scopes import OPENID
from django_goffline.resources import Resource, Row, Rows
from django_goffline.testing.fake_google.wire import ApiError, json_response
from tests.pulling import Puller
from tests.resources.models import Label

pytestmark = pytest.mark.django_db

PATH = "users/me/labels"


class Labels(Resource):
    """All that a list takes."""

    name = "labels"
    scopes = (frozenset({OPENID}),)
    model = Label
    interval = 600

    def first_request(self, pull, page_token):
        return ApiRequest("GET", PATH, _given(pageToken=page_token))

    def next_request(self, pull, cursor, page_token):
        return ApiRequest("GET", PATH, _given(syncToken=cursor, pageToken=page_token))

    def rows(self, items, *, parent, now):
        return Rows(rows=[_row(item) for item in items])


def _given(**query):
    return tuple((name, value) for name, value in query.items() if value)


def _row(item):
    if item.get("deleted"):
        return Row(google_id=item["id"], removed=True)
    return Row(
        google_id=item["id"],
        fingerprint=fingerprint(item),
        columns={"name": item["name"], "payload": compact_json(item)},
    )


class LabelsAtGoogle:
    """The list's other side: two items a page; a token is the number of the change that it knows."""

    def __init__(self):
        self.number = 0
        self.changes = []
        self.expired = False
        """Whether the next sync token is refused."""
        self.answered = []

    def put(self, key, name=None):
        item = {"id": key, "deleted": True} if name is None else {"id": key, "name": name}
        self.forget(key)
        self.number += 1
        self.changes.append((self.number, item))

    def forget(self, key):
        """Gone without a tombstone: only a full list shows it."""
        self.changes = [change for change in self.changes if change[1]["id"] != key]

    def answer(self, query):
        since, start = int(query.get("syncToken", 0)), int(query.get("pageToken", 0))
        self.answered.append((since, start))
        if since and self.expired:
            self.expired = False
            raise ApiError(410, "fullSyncRequired", "Sync token is no longer valid")
        items = [
            item
            for number, item in self.changes
            if number > since and (since or not item.get("deleted"))
        ]
        page = {"items": items[start : start + 2]}
        if start + 2 < len(items):
            return page | {"nextPageToken": str(start + 2)}
        return page | {"nextSyncToken": str(self.number)}


@pytest.fixture
def labels(fake_google, monkeypatch):
    """The list at Google; the resource is registered for this test, and nothing else is."""
    ours = LabelsAtGoogle()
    others = fake_google._answered

    def with_labels(request):
        if not request.path.endswith(PATH):
            return others(request)
        try:
            return json_response(ours.answer(dict(request.query)))
        except ApiError as error:
            return error.response()

    monkeypatch.setattr(fake_google, "_answered", with_labels)
    monkeypatch.setattr(resources, "_REGISTRY", {})
    resources.register(Labels())
    return ours


@pytest.fixture
def ada(fake_google, labels):
    return Puller(fake_google)


def stored():
    return dict(Label.objects.filter(removed_at=None).values_list("google_id", "name"))


def test_pages_cursor_and_tombstones(ada, labels):
    for number in range(5):
        labels.put(f"l{number}", f"Label {number}")
    ada.settle()
    assert labels.answered == [(0, 0), (0, 2), (0, 4)]
    assert stored() == {f"l{number}": f"Label {number}" for number in range(5)}
    pull = ScheduledPull.objects.get()
    assert (pull.resource, pull.key, pull.cursor, pull.last_changes) == ("labels", "", "5", 5)
    assert pull.due_at - ada.now <= timedelta(seconds=750)

    labels.put("l1")
    labels.put("l2", "Renamed")
    ada.later()
    assert labels.answered[3:] == [(5, 0)]
    assert "l1" not in stored() and stored()["l2"] == "Renamed"
    assert Label.objects.get(google_id="l1").removed_at == ada.now
    assert ScheduledPull.objects.get().last_changes == 2


def test_a_dead_cursor_ends_in_a_sweep(ada, labels):
    for number in range(3):
        labels.put(f"l{number}", f"Label {number}")
    ada.settle()
    labels.forget("l0")
    labels.put("l3", "New")
    ada.later()
    assert set(stored()) == {"l0", "l1", "l2", "l3"}

    labels.expired = True
    labels.forget("l1")
    before = len(labels.answered)
    ada.later()
    # Refused; the full run; what changed while it ran; then the sweep, which asks for nothing.
    assert labels.answered[before:] == [(4, 0), (0, 0), (4, 0)]
    assert set(stored()) == {"l2", "l3"}
    assert not SeenItem.objects.exists()
    assert ScheduledPull.objects.get().last_full_at == ada.now


def test_a_resource_that_is_gone_parks_its_pulls(ada, labels):
    labels.put("l0", "Label 0")
    ada.settle()
    resources.unregister("labels")
    labels.put("l0")
    ada.later()
    assert ScheduledPull.objects.get().due_at is None
    assert set(stored()) == {"l0"}


def test_a_name_is_taken_once(labels):
    class Other(Labels):
        pass

    resources.register(Labels())
    with pytest.raises(ValueError, match="labels"):
        resources.register(Other())
