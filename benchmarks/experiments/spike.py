"""A load spike: for some seconds ten times the usual rate, and more than the consumer can store.

Kafka holds what comes; the lag rises and drains; while it is high, fewer events are checked, and all are stored. Two
generators send: one at the usual rate from beginning to end, one with the rest of the spike.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from benchmarks.experiments.ground import Ground, Say, ground
from commands.demo_processes import Program, start, wait_for
from commands.lab_settings import LabSettings
from kafka_cluster import clients
from kafka_cluster.errors import LabError

PARTITIONS = 4
GENERATOR, NAME = "producer.events", "spike"
LOOK_EVERY_S, REQUEST_TIMEOUT_S = 0.25, 10.0
START_TIMEOUT_S, DRAIN_TIMEOUT_S = 60.0, 180.0
DRAINED = 0.5  # seconds of the usual rate
RATE_OVER_S = 1.0  # rates are differences over so long
BATCH = 10_000  # smaller than usual, so that there are several commits a second


@dataclass(frozen=True)
class Plan:
    """How much, for how long."""

    store: str = "rows"
    rate: int = 8_000  # events/s in normal times
    factor: int = 10
    spike_s: float = 8.0
    calm_s: float = 8.0  # before it, and after it is drained
    keys: int = 10_000
    shed_from_s: float = 1.0


@dataclass(frozen=True)
class Sample:
    """What broker and consumer say at one moment."""

    at_s: float  # since the first one
    arrived: int  # events in the topic
    processed: int  # of them stored and committed
    lag_s: float  # age of the newest event taken
    check_share: float

    @property
    def lag(self) -> int:
        """Events that wait."""
        return max(0, self.arrived - self.processed)


def run(lab: LabSettings, plan: Plan, say: Say) -> dict[str, Any]:
    """Calm, spike, drain, calm. Raises LabError when it does not drain."""
    with ground(lab, PARTITIONS, say, cassandra=plan.store != "memory") as on:
        on.consumer(
            NAME, HISTORY_STORE=plan.store, SHED_FROM_S=plan.shed_from_s, HISTORY_BATCH=BATCH, HEARTBEAT_EVERY_S=0.1
        )
        asker = clients.consumer(on.settings, f"{NAME}-watch")  # asks only: it is no member
        try:
            samples, began_s = _Watch(on, plan, asker, say).go()
        finally:
            asker.close()
    return summary(plan, samples, began_s)


class _Watch:
    def __init__(self, on: Ground, plan: Plan, asker: Consumer, say: Say) -> None:
        self._on, self._plan, self._asker, self._say = on, plan, asker, say
        self._samples: list[Sample] = []
        self._start_s = on.clock.monotonic()

    def go(self) -> tuple[list[Sample], float]:
        plan = self._plan
        usual = self._generator("usual", plan.rate, None)
        rest: Program | None = None
        try:
            self._look(plan.calm_s)
            self._say(f"{plan.factor} times the rate for {plan.spike_s:g} s")
            rest = self._generator("rest", plan.rate * (plan.factor - 1), plan.spike_s)
            began_s = self._on.clock.monotonic() - self._start_s
            self._look(plan.spike_s)
            self._drain()
            self._look(plan.calm_s)
        finally:
            for program in (usual, rest):
                if program is not None:
                    program.stop()
        self._until_all_is_stored()
        return self._samples, began_s

    def _generator(self, name: str, rate: int, seconds: float | None) -> Program:
        """A generator that has begun to send."""
        env = {"EVENT_RATE": f"{rate}/s", "EVENT_KEYS": str(self._plan.keys), "LOG_LEVEL": "WARNING"}
        if seconds is not None:
            env["EVENT_SECONDS"] = str(seconds)
        program = start(GENERATOR, name, self._on.lab.lab_var, self._on.addresses | env, leashed=True)
        if self._samples:
            deadline = self._on.clock.monotonic() + START_TIMEOUT_S
            while "sent" not in program.beat() and self._on.clock.monotonic() < deadline:
                self._sample()
        wait_for(program, lambda beat: "sent" in beat, "events", START_TIMEOUT_S, self._on.clock)
        return program

    def _look(self, seconds: float) -> None:
        ends_s = self._on.clock.monotonic() + seconds
        while self._on.clock.monotonic() < ends_s:
            self._sample()

    def _drain(self) -> None:
        self._until(lambda last: last.lag <= DRAINED * self._plan.rate, "the lag does not drain")

    def _until_all_is_stored(self) -> None:
        self._until(lambda last: last.lag == 0, "some events are not stored")

    def _until(self, reached: Any, complaint: str) -> None:
        deadline = self._on.clock.monotonic() + DRAIN_TIMEOUT_S
        while not reached(last := self._sample()):
            if self._on.clock.monotonic() > deadline:
                raise LabError("spike", f"{complaint}: {last.lag:,} wait", "try a smaller --rate")

    def _sample(self) -> Sample:
        self._on.clock.sleep(LOOK_EVERY_S)
        beat = self._on.beat(NAME)
        arrived = sum(self._end(partition) for partition in range(PARTITIONS))
        at_s = self._on.clock.monotonic() - self._start_s
        sample = Sample(round(at_s, 3), arrived, int(beat["stored"]), float(beat["lag_s"]), float(beat["check_share"]))
        self._samples.append(sample)
        return sample

    def _end(self, partition: int) -> int:
        at = TopicPartition(self._on.settings.events_topic, partition)
        return int(self._asker.get_watermark_offsets(at, timeout=REQUEST_TIMEOUT_S)[1])


def summary(plan: Plan, samples: list[Sample], began_s: float) -> dict[str, Any]:
    """The figures, and what the picture is drawn from."""
    arrivals, processed = rates(samples, "arrived"), rates(samples, "processed")
    peak = max(samples, key=lambda sample: sample.lag)
    drained = next(one for one in samples if one.at_s >= peak.at_s and one.lag <= DRAINED * plan.rate)
    return {
        **asdict(plan),
        "events": samples[-1].arrived,
        "not_stored": samples[-1].lag,
        "highest_arrival_per_s": round(max(arrivals)),
        "highest_processed_per_s": round(max(processed)),
        "peak_lag": peak.lag,
        "peak_lag_s": max(sample.lag_s for sample in samples),
        "drained_after_s": round(drained.at_s - began_s, 1),
        "lowest_check_share": min(sample.check_share for sample in samples),
        "last_check_share": samples[-1].check_share,
        "drawn": {
            "began_s": round(began_s, 3),
            "samples": [{**asdict(sample), "lag": sample.lag} for sample in samples],
            "arrivals_per_s": [round(rate) for rate in arrivals],
            "processed_per_s": [round(rate) for rate in processed],
        },
    }


def rates(samples: list[Sample], name: str) -> list[float]:
    """Of each sample, the rate over the RATE_OVER_S before it; 0 for the first."""
    found, first = [0.0], 0
    for at in range(1, len(samples)):
        while samples[at].at_s - samples[first + 1].at_s >= RATE_OVER_S:
            first += 1
        seconds = samples[at].at_s - samples[first].at_s
        found.append((getattr(samples[at], name) - getattr(samples[first], name)) / seconds)
    return found


def lines(result: dict[str, Any]) -> list[str]:
    """The result for a person."""
    highest = f"{result['highest_arrival_per_s']:,}"
    return [
        f"arrival     {result['rate']:,} events/s, for {result['spike_s']:g} s up to {highest}",
        f"processed   up to {result['highest_processed_per_s']:,} events/s ({result['store']})",
        f"lag         at most {result['peak_lag']:,} events, {result['peak_lag_s']:.1f} s",
        f"drained     {result['drained_after_s']:g} s after the spike began",
        f"checked     {result['lowest_check_share']:.0%} at the least, {result['last_check_share']:.0%} at the end",
        f"not stored  {result['not_stored']} of {result['events']:,} events",
    ]
