from __future__ import annotations

import threading

import pytest

from dashboard import followers
from dashboard.followers import Followers
from kafka_cluster.clock import Stop
from kafka_cluster.errors import LabError

WAIT_S = 10.0


def test_a_life_that_ends_in_an_outage_is_told_and_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "AGAIN_S", 0.0)
    stop, lives, told, third = Stop(), list[int](), list[tuple[str, str | None]](), threading.Event()

    def life() -> None:
        lives.append(len(lives))
        if len(lives) < 3:
            raise LabError("registry", "away")
        third.set()
        stop.wait(WAIT_S)

    made = Followers({"records": life}, lambda where, what: told.append((where, what)), stop)
    made.start()
    assert third.wait(WAIT_S)
    assert made.turn()
    stop.request()
    made.join()
    assert told == [("records", "registry: away")] * 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_is_no_outage_it_ends_the_thread_and_shows_in_the_health() -> None:
    def life() -> None:
        raise RuntimeError("a bug")

    made = Followers({"records": life}, lambda *_: None, Stop())
    made.start()
    made.join()
    assert not made.turn()
