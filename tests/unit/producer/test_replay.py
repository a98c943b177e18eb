from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from kafka_cluster.clock import ManualClock, Stop
from kafka_cluster.errors import LabError, SettingsError
from kafka_cluster.exporter import Exporter
from kafka_cluster.metrics import PRODUCER
from producer.merge import Merged
from producer.pace import Pace
from producer.replay import WEEK_MS, part, replay
from producer.settings import ReplaySettings

STEP_MS = 300_000


class Sender:
    """Takes the place of MetricSender: notes what was sent, and when on the manual clock."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.delivered, self.failed = clock, 0, 0
        self.sent: list[tuple[str, int, list[float]]] = []
        self.at: list[float] = []
        self.flushed_at: list[int] = []

    def send(self, key: str, time_ms: int, values: list[float]) -> None:
        self.sent.append((key, time_ms, values))
        self.at.append(self.clock.now())
        self.delivered += 1

    def flush(self) -> None:
        self.flushed_at.append(len(self.sent))


def merged(count: int) -> Merged:
    times = STEP_MS * np.arange(count, dtype=np.int64)
    return Merged(("cpu",), times, times[:, None] / 10, (), (-1, STEP_MS * count))


def replayed(count: int = 10, stop: Stop | None = None, **settings: Any) -> Sender:
    clock = ManualClock(1_000)
    sender = Sender(clock)
    replay(merged(count), "host", sender, ReplaySettings.read(**settings), clock, stop or Stop())  # type: ignore[arg-type]
    return sender


def test_everything_goes_out_once_in_order_at_once() -> None:
    sender = replayed()
    assert [time for _, time, _ in sender.sent] == merged(10).times_ms.tolist()
    assert [values for _, _, values in sender.sent] == merged(10).values.tolist()
    assert set(sender.at) == {1_000}
    assert sender.flushed_at == [10]


def test_a_rate_is_kept() -> None:
    assert replayed(replay_rate="4/s").at == pytest.approx([1_000 + at / 4 for at in range(10)])


def test_a_speed_is_event_time_over_real_time() -> None:
    assert replayed(replay_speed="300x").at == pytest.approx([1_000.0 + at for at in range(10)])


def test_the_history_goes_out_first_unpaced_and_is_delivered_before_anything_live() -> None:
    sender = replayed(replay_history=0.6, replay_rate=2)
    assert sender.at == pytest.approx([1_000.0] * 6 + [1_000.0, 1_000.5, 1_001.0, 1_001.5])
    assert sender.flushed_at == [6, 10]


def test_keys_take_turns() -> None:
    assert {key for key, _, _ in replayed().sent} == {"host"}
    assert [key for key, _, _ in replayed(4, replay_keys=3).sent] == ["host-0", "host-1", "host-2", "host-0"]


def test_a_loop_goes_on_whole_weeks_later_so_that_hours_and_days_keep_their_meaning() -> None:
    stop = Stop()
    clock = ManualClock()
    sender = Sender(clock)

    def said(records: int) -> None:
        if records == 25:
            stop.request()

    replay(merged(10), "host", sender, ReplaySettings.read(replay_loop=True), clock, stop, said=said)  # type: ignore[arg-type]
    times = [time for _, time, _ in sender.sent]
    assert len(times) == 25
    assert times[10:20] == [time + WEEK_MS for time in times[:10]]
    assert times[20] == times[0] + 2 * WEEK_MS
    assert times == sorted(times)


def test_a_stop_ends_it_and_what_was_sent_is_flushed() -> None:
    stop = Stop()
    stop.request()
    sender = replayed(stop=stop, replay_rate=1)
    assert sender.sent == []
    assert sender.flushed_at == [0]


def test_from_is_inside_and_to_is_not() -> None:
    settings = ReplaySettings.read(replay_from="1970-01-01T00:10", replay_to="1970-01-01T00:20:00+00:00")
    assert part(merged(10), settings).times_ms.tolist() == [600_000, 900_000]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"replay_rate": "-2"}, "REPLAY_RATE must be > 0, got '-2'"),
        ({"replay_rate": "5/m"}, "REPLAY_RATE must be a valid number"),
        ({"replay_speed": "x300"}, "REPLAY_SPEED must be a valid number"),
        ({"replay_rate": 1, "replay_speed": 1}, "REPLAY_RATE and REPLAY_SPEED exclude each other"),
        ({"replay_keys": 0}, "REPLAY_KEYS must be >= 1, got 0"),
        ({"replay_history": 1.5}, "REPLAY_HISTORY must be <= 1, got 1.5"),
        ({"replay_from": "yesterday"}, "REPLAY_FROM must be a valid datetime"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        ReplaySettings.read(**given)
    assert complaint in str(caught.value)


def test_no_pace_means_no_waiting() -> None:
    assert Pace().due_s(1_000_000, 10**12) == 0.0


def test_what_the_topic_holds_already_is_left_out_and_the_rest_is_paced_from_its_own_start() -> None:
    clock = ManualClock(1_000)
    sender = Sender(clock)
    held = {"host-0": 4 * STEP_MS, "host-1": 1 * STEP_MS}
    settings = ReplaySettings.read(replay_keys=2, replay_rate=1)
    replay(merged(8), "host", sender, settings, clock, Stop(), held=held)  # type: ignore[arg-type]
    assert [time // STEP_MS for _, time, _ in sender.sent] == [3, 5, 6, 7]
    assert sender.at == pytest.approx([1_000, 1_001, 1_002, 1_003])


def test_undelivered_records_are_an_error() -> None:
    class Failing(Sender):
        def flush(self) -> None:
            raise LabError("topic 'metrics'", "3 of 10 records were not delivered")

    clock = ManualClock()
    with pytest.raises(LabError, match="3 of 10"):
        replay(merged(10), "host", Failing(clock), ReplaySettings.read(), clock, Stop())  # type: ignore[arg-type]


class SlowSender(Sender):
    """Needs a second for each record, and looks at what the metrics say before each."""

    def __init__(self, clock: ManualClock, meter: Exporter) -> None:
        super().__init__(clock)
        self.meter, self.late_s = meter, list[float]()

    def send(self, key: str, time_ms: int, values: list[float]) -> None:
        (line,) = re.findall(r"^lab_producer_lateness_seconds (\S+)", self.meter.text(), re.MULTILINE)
        self.late_s.append(float(line))
        super().send(key, time_ms, values)
        self.clock.sleep(1)


def test_how_late_a_record_goes_out_is_told_and_the_pace_that_was_asked_for() -> None:
    clock, meter = ManualClock(), Exporter(PRODUCER)
    sender = SlowSender(clock, meter)
    settings = ReplaySettings.read(replay_rate="2/s")
    replay(merged(5), "host", sender, settings, clock, Stop(), meter=meter)  # type: ignore[arg-type]
    assert sender.late_s == pytest.approx([0, 0.5, 1, 1.5, 2])
    assert "\nlab_producer_pace_records_per_second 2.0\n" in meter.text()
    punctual = SlowSender(clock, meter)
    settings = ReplaySettings.read(replay_rate="0.5/s")
    replay(merged(5), "host", punctual, settings, clock, Stop(), meter=meter)  # type: ignore[arg-type]
    assert punctual.late_s == pytest.approx([0] * 5)
