"""What the page knows of incidents."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard import incidents as module
from dashboard.incidents import IncidentBook
from kafka_cluster.incident import Incident, Kind, Phase, State, Told
from kafka_cluster.records import Severity
from tests.unit.dashboard.conftest import Page


def incident(number: int, state: State = State.OPEN, **changes: Any) -> Incident:
    made = Incident(
        f"{number:032x}", Kind.INCIDENT, f"host-{number}", state, Severity.HIGH, 3, 0.9, f"{number + 100:032x}",
        "network 41x the usual", 1_000 * number, 2_000 * number, ("isolation-forest",), seen_at=10 * number,
        opened_at=5,
    )  # fmt: skip
    return made._replace(**changes)


@pytest.fixture
def book() -> IncidentBook:
    return IncidentBook()


def put(book: IncidentBook, *all_of_them: Incident) -> None:
    for one in all_of_them:
        book.put(one.id, one)


def test_the_last_state_of_an_incident_counts(book: IncidentBook) -> None:
    put(book, incident(1), incident(1, total=4), incident(2), incident(2, State.RESOLVED))
    assert [(one.id, one.total) for one in book.open()] == [(incident(1).id, 4)]
    assert len(book) == 2
    book.put(incident(1).id, None)
    book.put(incident(1).id, None)
    assert (book.open(), len(book)) == ([], 1)


def test_open_ones_come_first_and_then_what_is_over_each_from_the_last_one_found(book: IncidentBook) -> None:
    put(
        book,
        incident(1),
        incident(9, State.RESOLVED),
        incident(3),
        incident(8, State.RESOLVED),
        incident(4, State.PENDING),
    )
    assert [one.seen_at // 10 for one in book.newest(9)] == [3, 1, 9, 8]
    assert [one.seen_at // 10 for one in book.newest(3)] == [3, 1, 9]


def test_pending_ones_and_storms_are_no_open_incidents(book: IncidentBook) -> None:
    put(book, incident(1, State.PENDING), incident(2, kind=Kind.STORM), incident(3))
    assert [one.id for one in book.open()] == [incident(3).id]
    assert [one.kind for one in book.newest(9)] == [Kind.INCIDENT, Kind.STORM]


def test_one_is_untold_until_every_channel_knows(book: IncidentBook) -> None:
    knows, waits = Told("slack", Phase.OPEN), Told("pager", Phase.NOTHING)
    put(book, incident(1, told=(knows, waits)), incident(2, told=(knows,)), incident(3))
    assert book.untold() == 1
    put(book, incident(1, told=(knows, waits._replace(phase=Phase.OPEN))))
    assert book.untold() == 0


def test_what_is_over_is_kept_up_to_a_limit_and_what_goes_on_always(
    book: IncidentBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OVER_KEPT", 2)
    put(book, *(incident(number, State.RESOLVED) for number in range(5)), *(incident(number) for number in range(5, 9)))
    assert [one.seen_at // 10 for one in book.newest(99)] == [8, 7, 6, 5, 4, 3]


def test_the_api_tells_who_knows_what(page: Page) -> None:
    one = incident(1, told=(Told("slack", Phase.OPEN, at=7), Told("pager")), storm="s")
    with page.board.lock:
        put(page.board.incidents, one, incident(2, State.RESOLVED))
    first, second = page.client.get("/api/v1/incidents").json()["incidents"]
    assert (first["id"], first["state"], first["held_back"], first["peak_id"]) == (one.id, "OPEN", True, one.peak_id)
    assert [tuple(told.values()) for told in first["told"]] == [("slack", "OPEN", 7), ("pager", "NOTHING", None)]
    assert (second["state"], second["held_back"]) == ("RESOLVED", False)
    assert len(page.client.get("/api/v1/incidents", params={"limit": 1}).json()["incidents"]) == 1
