from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kafka_cluster.clock import ManualClock, Stop
from kafka_cluster.errors import SettingsError
from producer.event_run import BATCH, TICK_S, Sent, _Run
from producer.event_settings import EventSettings
from producer.event_walks import Events, Walks

SENDING_S = 0.002  # that a batch takes


class Sink:
    """Takes events, and takes its time."""

    failed = 0

    def __init__(self, clock: ManualClock, stop: Stop, stop_at: float = 1e9) -> None:
        self._clock, self._stop, self._stop_at = clock, stop, stop_at
        self.batches: list[Events] = []
        self.at_s: list[float] = []

    def send(self, events: Events) -> None:
        self.batches.append(events)
        self.at_s.append(self._clock.monotonic())
        self._clock.sleep(SENDING_S)
        if self._clock.monotonic() > self._stop_at:
            self._stop.request()

    def flush(self) -> None:
        pass


def go(stop_at: float = 1e9, **settings: Any) -> tuple[Sink, Sent]:
    read = EventSettings.read(**{"event_keys": 5, "event_start_ms": 0, **settings})
    clock, stop = ManualClock(), Stop()
    sink = Sink(clock, stop, stop_at)
    sender: Any = sink
    return sink, _Run(read, clock, stop, Walks(read.plan()), sender, None).go()


def test_a_paced_run_sends_what_is_due_and_no_more() -> None:
    sink, sent = go(event_rate="50000/s", event_seconds=2)
    assert sent.delivered == 100_000
    due = np.cumsum([len(batch.keys) for batch in sink.batches])
    assert (due <= np.asarray(sink.at_s) * 50_000).all()
    assert (due >= (np.asarray(sink.at_s) - 2 * TICK_S - SENDING_S) * 50_000).all()


def test_event_times_follow_the_rate_from_the_start_on() -> None:
    sink, _ = go(event_rate=2_000, event_records=100, event_start_ms=10**12)
    times = np.concatenate([batch.times_ms for batch in sink.batches])
    assert times.tolist() == [10**12 + at // 2 for at in range(100)]


def test_an_unpaced_run_ends_after_its_records_or_its_time() -> None:
    assert go(event_records=BATCH + 1)[1].delivered == BATCH + 1
    by_time, sent = go(event_seconds=0.1)
    assert sent.delivered == BATCH * len(by_time.batches)
    assert by_time.at_s[-1] < 0.1


def test_a_stop_ends_it_after_the_batch_in_hand() -> None:
    sink, sent = go(stop_at=0.05)
    assert sent.delivered == BATCH * len(sink.batches)
    assert sink.at_s[-1] <= 0.05


def test_labels_are_written_one_a_line(tmp_path: Any) -> None:
    path = tmp_path / "new" / "labels.jsonl"
    _, sent = go(event_records=20_000, event_anomalies=1.0, event_labels=path)
    assert sent.labels == len(path.read_text().splitlines()) > 50
    assert '"kind": "drift"' in path.read_text()


@pytest.mark.parametrize("wrong", [{"event_keys": 0}, {"event_rate": "fast"}, {"event_anomalies": 2.0}])
def test_wrong_settings_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong)).upper()):
        EventSettings.read(**wrong)
