from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from kafka_cluster.clock import ManualClock, Stop
from kafka_cluster.errors import LabError
from kafka_cluster.heartbeat import Heartbeat
from producer.sources.source import Reading, SourceAwayError
from producer.sources.watch import Watch, Watched

AWAY = SourceAwayError("exporter e", "does not answer (refused)")
Step = Sequence[Reading] | LabError


class Script:
    """A source that gives one step a look, and then asks for the end."""

    name, behind = "script", False
    metrics: tuple[str, ...] = ("cpu",)

    def __init__(self, steps: Iterable[Step], clock: ManualClock, stop: Stop) -> None:
        self._steps, self._clock, self._stop = list(steps), clock, stop
        self.looked_at: list[float] = []

    def poll(self) -> list[Reading]:
        self.looked_at.append(self._clock.monotonic())
        step = self._steps.pop(0)
        if not self._steps:
            self._stop.request()
        if isinstance(step, LabError):
            raise step
        return list(step)

    def close(self) -> None:
        pass


class Sender:
    def __init__(self) -> None:
        self.delivered, self.failed, self.flushes = 0, 0, 0
        self.sent: list[tuple[str, int, tuple[float, ...]]] = []

    def send(self, key: str, time_ms: int, values: Sequence[float]) -> None:
        self.sent.append((key, time_ms, tuple(values)))
        self.delivered += 1

    def flush(self) -> None:
        self.flushes += 1


def at(*times_ms: int, key: str = "h") -> list[Reading]:
    return [Reading(key, time_ms, (1.0,)) for time_ms in times_ms]


class Run:
    """A watch over a script, run to its end."""

    def __init__(self, *steps: Step, every_s: float = 10.0, beat: Path | None = None) -> None:
        self.clock, stop = ManualClock(100.0), Stop()
        self.source, self.sender = Script(steps, self.clock, stop), Sender()
        heartbeat = Heartbeat(beat, self.clock, program="producer")
        with capture_logs() as self.said:
            self.done: Watched = Watch(self.source, self.sender, every_s, self.clock, stop, heartbeat).run()

    def events(self) -> list[str]:
        return [str(event["event"]) for event in self.said]


def test_it_looks_at_once_and_then_at_its_pace_and_sends_what_it_gets_in_order() -> None:
    run = Run(at(1), at(2, 3), [], at(4))
    assert run.source.looked_at == [100.0, 110.0, 120.0, 130.0]
    assert [time_ms for _, time_ms, _ in run.sender.sent] == [1, 2, 3, 4]
    assert run.sender.flushes == 1
    assert run.done == Watched(delivered=4, looks=4, away=0, left_out=0)


def test_a_look_that_took_long_is_followed_by_the_next_on_the_grid_and_none_is_made_up_for() -> None:
    class Slow(Script):
        def poll(self) -> list[Reading]:
            found = super().poll()
            self._clock.sleep(25.0)
            return found

    clock, stop = ManualClock(0.0), Stop()
    source = Slow([at(1), at(2), at(3)], clock, stop)
    Watch(source, Sender(), 10.0, clock, stop, Heartbeat(None, clock)).run()
    assert source.looked_at == [0.0, 30.0, 60.0]


def test_a_source_that_is_away_is_said_once_tried_again_ever_more_slowly_and_said_when_it_is_back() -> None:
    run = Run(at(1), *[AWAY] * 6, at(2), [])
    assert run.events() == ["source away", "source answers again"]
    gaps = [b - a for a, b in zip(run.source.looked_at, run.source.looked_at[1:], strict=False)]
    assert gaps == [10.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 10.0]
    assert run.said[1]["attempts"] == 6
    assert run.done.away == 1


def test_nothing_is_sent_for_the_time_that_it_was_away() -> None:
    run = Run(at(1), AWAY, AWAY, at(50_000))
    assert [time_ms for _, time_ms, _ in run.sender.sent] == [1, 50_000]


def test_what_no_waiting_mends_ends_it_after_what_was_sent_is_delivered() -> None:
    clock, stop, sender = ManualClock(), Stop(), Sender()
    source = Script([at(1), LabError("series.yaml, line 3", "no such function"), []], clock, stop)
    with pytest.raises(LabError, match="no such function"):
        Watch(source, sender, 10.0, clock, stop, Heartbeat(None, clock)).run()
    assert (len(sender.sent), sender.flushes) == (1, 1)


def test_a_source_that_is_behind_is_asked_again_at_once() -> None:
    class Behind(Script):
        @property
        def behind(self) -> bool:  # type: ignore[override] # a class attribute in the script
            return len(self._steps) > 1

    clock, stop = ManualClock(0.0), Stop()
    source = Behind([at(1), at(2), at(3), at(4)], clock, stop)
    Watch(source, Sender(), 10.0, clock, stop, Heartbeat(None, clock)).run()
    assert source.looked_at == [0.0, 0.0, 0.0, 10.0]


def test_a_clock_set_back_a_little_is_waited_for_and_far_back_it_counts() -> None:
    run = Run(at(100_000), at(99_000), at(100_000), at(101_000), at(5_000))
    assert [time_ms for _, time_ms, _ in run.sender.sent] == [100_000, 101_000, 5_000]
    assert run.done.left_out == 2
    assert run.events() == ["clock set back: records wait for it"]


def test_keys_have_times_of_their_own() -> None:
    run = Run(at(9_000, key="a"), at(8_000, key="b"))
    assert [key for key, _, _ in run.sender.sent] == ["a", "b"]


def test_a_long_time_without_records_is_said_once_and_so_is_its_end() -> None:
    run = Run(at(1), *[[]] * 8, at(2))
    assert run.events() == ["no record so far: a metric is not known", "records again"]


@pytest.mark.parametrize(("steps", "states"), [((at(1), []), {"up": True}), ((at(1), AWAY, AWAY, AWAY), {"up": False})])
def test_the_heartbeat_goes_on_and_tells_whether_the_source_is_there(
    steps: tuple[Step, ...], states: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(Heartbeat, "beat", lambda _self, state, **fields: beats.append((state, fields)))
    Run(*steps, beat=tmp_path / "beat.json")
    assert beats[-1][0] == "stopped"
    assert beats[-1][1].items() >= states.items()
    assert len(beats) > 20  # in the ten seconds between two looks too


def test_the_heartbeat_file_has_what_lab_status_and_the_demo_read(tmp_path: Path) -> None:
    Run(at(1), at(2), beat=tmp_path / "beat.json")
    beat = json.loads((tmp_path / "beat.json").read_text())
    expected = {"program": "producer", "state": "stopped", "source": "script", "delivered": 2, "failed": 0, "away": 0}
    assert beat.items() >= expected.items()


def test_a_stop_ends_it_before_the_next_look() -> None:
    clock, stop = ManualClock(0.0), Stop()
    source = Script([at(1), at(2)], clock, stop)
    stop.request()
    watched = Watch(source, Sender(), 10.0, clock, stop, Heartbeat(None, clock)).run()
    assert watched.looks == 0
