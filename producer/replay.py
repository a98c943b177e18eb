"""The replay: merged series go out as records, in order, at the pace that was asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

from kafka_cluster import metrics
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.heartbeat import Heartbeat
from kafka_cluster.log import get_logger
from kafka_cluster.meter import OFF, Meter
from producer.merge import Merged
from producer.pace import Pace
from producer.send import MetricSender
from producer.settings import ReplaySettings

WEEK_MS = 7 * 24 * 3_600_000
LONGEST_SLEEP_S = 0.5  # so that the heartbeat goes on and deliveries are answered
log = get_logger()


@dataclass(frozen=True)
class Replayed:
    """What a replay did."""

    delivered: int
    from_ms: int
    to_ms: int


def part(merged: Merged, settings: ReplaySettings) -> Merged:
    """The records from `replay_from` on, before `replay_to`."""
    first, last = _ms(settings.replay_from), _ms(settings.replay_to)
    keep = merged.times_ms == merged.times_ms
    if first is not None:
        keep &= merged.times_ms >= first
    if last is not None:
        keep &= merged.times_ms < last
    return replace(merged, times_ms=merged.times_ms[keep], values=merged.values[keep])


def replay(
    merged: Merged,
    name: str,
    sender: MetricSender,
    settings: ReplaySettings,
    clock: Clock,
    stop: Stop,
    *,
    held: Mapping[str, int] | None = None,
    said: Callable[[int], None] = lambda _: None,
    meter: Meter = OFF,
) -> Replayed:
    """Send `merged`; with `replay_loop`, again and again. `said` is told the number of records sent so far.

    `held` are the latest event times, by key, that the topic holds already: what is not later is left out. A
    requested stop ends the replay after the record in hand; what was handed to the client is delivered either way.
    Raises LabError when a record was not delivered.
    """
    heartbeat = Heartbeat(settings.heartbeat_file, clock, meter=meter, program="producer")
    live = _Live(Pace(settings.replay_rate, settings.replay_speed), clock, stop)
    meter.follow(metrics.PRODUCER_LATENESS_SECONDS, lambda: live.late_s)
    meter.set(metrics.PRODUCER_SOURCE_UP, 1)
    if settings.replay_rate is not None:
        meter.set(metrics.PRODUCER_PACE, settings.replay_rate)
    history = round(settings.replay_history * len(merged.times_ms))
    held = held or {}
    last_ms, sent = int(merged.times_ms[0]), 0
    for index, (time_ms, values) in enumerate(_records(merged, loop=settings.replay_loop)):
        if stop.requested:
            break
        key = name if settings.replay_keys == 1 else f"{name}-{index % settings.replay_keys}"
        if time_ms <= held.get(key, time_ms - 1):
            continue
        if index >= history:
            if index == history > 0:
                sender.flush()  # nothing live may overtake the history
                log.info("history replayed", records=sent)
            if not live.is_due(time_ms, lambda: heartbeat.beat("replaying", delivered=sender.delivered)):
                break
        sender.send(key, time_ms, values)
        last_ms, sent = time_ms, sent + 1
        said(sent)
    sender.flush()
    heartbeat.beat("stopped", delivered=sender.delivered, failed=sender.failed)
    return Replayed(sender.delivered, int(merged.times_ms[0]), last_ms)


class _Live:
    """Waits until each record of the live part is due. The first one is due at once."""

    def __init__(self, pace: Pace, clock: Clock, stop: Stop) -> None:
        self._pace, self._clock, self._stop = pace, clock, stop
        self._records = 0
        self._start = self._first_ms = 0.0
        self.late_s = 0.0  # how much later than it was due the newest record went out

    def is_due(self, time_ms: int, beat: Callable[[], None]) -> bool:
        """True once the next record, of that event time, is due; False when the stop is requested before."""
        if self._records == 0:
            self._start, self._first_ms = self._clock.monotonic(), time_ms
        due = self._start + self._pace.due_s(self._records, time_ms - int(self._first_ms))
        self._records += 1
        while (left := due - self._clock.monotonic()) > 0 and not self._stop.requested:
            beat()
            self._clock.sleep(min(left, LONGEST_SLEEP_S))
        self.late_s = max(0.0, -left)
        return not self._stop.requested


def _records(merged: Merged, *, loop: bool) -> Iterator[tuple[int, list[float]]]:
    """Each record's instant and values. A further round is whole weeks later: hours and days keep their meaning."""
    span_ms = int(merged.times_ms[-1] - merged.times_ms[0])
    shift_ms = (span_ms // WEEK_MS + 1) * WEEK_MS
    for turn in count():
        for time_ms, values in zip(merged.times_ms.tolist(), merged.values.tolist(), strict=True):
            yield time_ms + turn * shift_ms, values
        if not loop:
            return


def _ms(instant: dt.datetime | None) -> int | None:
    return None if instant is None else round(instant.timestamp() * 1000)
