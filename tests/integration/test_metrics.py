"""What members say of themselves on /metrics is what they were given, and what the topics hold."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from consumer_history.memory import MemoryStore
from consumer_history.settings import HistorySettings
from consumer_history.worker import Worker
from kafka_cluster import metrics
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.exporter import Exporter
from kafka_cluster.prepare import wait_for_registry
from producer.event_run import run as send_events
from producer.event_settings import EventSettings
from tests.integration.conftest import Lab
from tests.integration.test_guarantees import UndoneAtFirst
from tests.integration.test_pipeline import GOOD, encoder, trained_lab
from tests.integration.threaded import Threaded

pytestmark = pytest.mark.integration
BATCH, TRUNCATED, TRAILING = 60, 7, 4
EVENTS, KEYS = 12_000, 60


class Told:
    """What a program serves, read as Prometheus reads it."""

    def __init__(self, meter: Exporter) -> None:
        families = list(text_string_to_metric_families(meter.text()))
        self.samples = [sample for family in families for sample in family.samples]

    def total(self, name: str, **labels: str) -> float:
        """The sum over all samples of that name and these labels. Raises KeyError where there is none."""
        found = [one.value for one in self.samples if one.name == name and labels.items() <= one.labels.items()]
        if not found:
            raise KeyError(name)
        return sum(found)

    def by(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """The values above 0, by labels."""
        return {
            tuple(one.labels[label] for label in labels): one.value
            for one in self.samples
            if one.name == name and one.value > 0
        }

    def has_caught_up(self) -> bool:
        """True once the lag of each of four partitions is known, and is 0."""
        return [one.value for one in self.samples if one.name == "lab_consumer_lag_records"] == [0] * 4

    def missing(self, program: str) -> set[str]:
        """Metrics declared for a program without a sample."""
        names = {one.name for one in self.samples}
        return {
            metric.name
            for metric in metrics.VOCABULARY
            if program in metric.by and not {metric.name, f"{metric.name}_count"} & names
        }

    def undeclared(self, program: str) -> set[str]:
        """Names that are neither this program's in the vocabulary nor the client's own on its process."""
        ends = ("_bucket", "_count", "_sum")
        declared = {metric.name for metric in metrics.VOCABULARY if program in metric.by}
        names = {one.name for one in self.samples if not one.name.startswith("process_")}
        return {name for name in names if name not in declared and name.removesuffix(_end(name, ends)) not in declared}


def _end(name: str, ends: tuple[str, ...]) -> str:
    return next((end for end in ends if name.endswith(end)), "")


def test_a_member_tells_what_it_scored_found_refused_and_had_to_do_twice(lab: Lab) -> None:
    """So many records, dead letters and anomalies; every second transaction is undone, and counts nothing."""
    test_rows = trained_lab(lab, training_contamination=0.1)
    good = encoder(lab).encode(GOOD)
    lab.send(*[good[:-2]] * TRUNCATED, *[good + b"\0"] * TRAILING)
    records = test_rows + TRUNCATED + TRAILING
    meter = Exporter(metrics.PREDICTION, "one")
    member = lab.member("one", UndoneAtFirst, meter, prediction_batch=BATCH, dead_letter_limit=1.0)
    lab.wait(lambda: member.counts.scored + member.counts.dead_letters >= records, "scores")
    lab.wait(lambda: Told(meter).has_caught_up(), "no lag")
    live = Told(meter)
    member.end()
    told, anomalies = Told(meter), lab.anomalies()

    assert told.total("lab_prediction_records_total") == test_rows
    assert told.total("lab_prediction_score_count") == test_rows
    assert told.total("lab_consumer_batch_records_sum") == records
    assert told.by("lab_dead_letters_total", "error") == {("undecodable",): TRUNCATED, ("trailing-bytes",): TRAILING}
    assert len(lab.dead_letters()) == TRUNCATED + TRAILING
    found = Counter((one.detector, str(one.severity)) for one in anomalies)
    assert told.by("lab_anomalies_total", "detector", "severity") == found
    assert found

    undone, committed = (told.total("lab_transactions_total", outcome=one) for one in ("aborted", "committed"))
    assert committed >= records / BATCH
    assert undone - committed in (0, 1)  # each batch is undone once, and then committed
    assert told.total("lab_transaction_seconds_count") == undone + committed
    assert told.total("lab_consumer_batch_seconds_count") == undone + committed
    assert told.total("lab_consumer_delay_seconds_count") == committed

    threshold = told.total("lab_model_threshold")
    assert {one.threshold for one in anomalies} == {threshold}
    assert told.by("lab_model_info", "version").keys() == {(one.model_version,) for one in anomalies}
    assert live.total("lab_consumer_partitions") == 4
    assert told.total("lab_consumer_partitions") == 0  # at its end it has given them up
    assert told.undeclared(metrics.PREDICTION) == set()


def test_a_lag_is_the_records_that_came_and_are_not_committed(lab: Lab) -> None:
    test_rows = trained_lab(lab)
    meter = Exporter(metrics.PREDICTION, "one")
    member = lab.member("one", meter=meter, dead_letter_limit=0.01, dead_letter_window=1)
    lab.wait(lambda: member.counts.scored >= test_rows, "scores")
    lab.wait(lambda: Told(meter).has_caught_up(), "no lag")
    member.worker._turn = lambda _champion: member.worker._beat("scoring")  # type: ignore[attr-defined] # works on nothing more
    lab.send(*[encoder(lab).encode(GOOD)] * 30, key=b"one")
    lab.send(*[encoder(lab).encode(GOOD)] * 12, key=b"another")
    lab.wait(lambda: sum(Told(meter).by("lab_consumer_lag_records", "partition").values()) == 42, "a lag of 42")
    first = sum(Told(meter).by("lab_consumer_lag_seconds", "partition").values())
    assert first > 0
    lab.wait(lambda: sum(Told(meter).by("lab_consumer_lag_seconds", "partition").values()) > first, "a lag that ages")


def test_a_history_member_tells_what_it_stored_checked_and_found(lab: Lab) -> None:
    given: dict[str, Any] = {"event_keys": KEYS, "event_seed": 7, "event_anomalies": 0.3, "event_start_ms": 0}
    send_events(EventSettings.read(**lab.common, event_records=EVENTS, **given), lab.clock, Stop())
    meter, stop = Exporter(metrics.HISTORY, "one"), Stop()
    file = lab.folder / "history.json"
    own = {"history_group": lab.group, "history_store": "memory", "history_batch": 1_000, "heartbeat_file": file}
    settings = HistorySettings.read(**lab.common, **own, consumer_id="one", check_probability="1/4")
    clock = SystemClock(stop)
    registry = wait_for_registry(settings, clock)
    worker = Worker(settings, registry, MemoryStore(), clock, stop, meter=meter)
    member = Threaded(worker, registry, stop, file)
    member.start()
    lab.wait(lambda: worker.counts.stored >= EVENTS, "events stored")
    lab.wait(lambda: Told(meter).has_caught_up(), "no lag")
    lab.wait(lambda: Told(meter).total("lab_history_keys") == KEYS, "all keys")
    live = Told(meter)
    counts = member.end()
    told = Told(meter)
    assert told.total("lab_history_events_total") == EVENTS
    assert told.total("lab_history_checks_total") == counts.checked
    assert EVENTS / 8 < counts.checked < EVENTS / 2
    assert told.total("lab_consumer_batch_records_sum") == EVENTS
    assert told.total("lab_history_store_seconds_count") == told.total("lab_transactions_total", outcome="committed")
    found = Counter(str(one.severity) for one in lab.anomalies())
    assert {severity: count for (severity,), count in told.by("lab_anomalies_total", "severity").items()} == found
    assert told.total("lab_history_shed_ratio") == 0
    assert live.missing(metrics.HISTORY) == set()
    assert told.undeclared(metrics.HISTORY) == set()


def test_the_champion_is_told_with_its_evaluation_and_replaced_by_the_next(lab: Lab) -> None:
    dataset = lab.lay_data(nab_checkouts=())
    lab.produce(replay_keys=32)
    meter = Exporter(metrics.PREDICTION, "one")
    member = lab.member("one", meter=meter)
    lab.wait(lambda: Told(meter).total("lab_wait_seconds_total", what="model") > 0, "a wait for the model")
    assert Told(meter).total("lab_model_loaded") == 0
    trained = lab.train(training_dataset=dataset)
    lab.wait(lambda: member.counts.scored >= trained.test_rows, "scores")
    lab.wait(lambda: Told(meter).missing(metrics.PREDICTION) == set(), "every metric that is declared")
    told = Told(meter)
    evaluation = trained.evaluation
    assert evaluation is not None
    assert told.total("lab_model_evaluation_alert_ratio") == pytest.approx(evaluation.alert_rate)
    assert told.total("lab_model_evaluation_false_alarms") == evaluation.false_alarms
    assert told.total("lab_model_evaluation_windows", outcome="found") == evaluation.found
    assert told.total("lab_model_evaluation_windows", outcome="missed") == evaluation.missed
    assert told.total("lab_model_evaluation_delay_seconds") == pytest.approx(evaluation.median_delay_s)
    assert abs(told.total("lab_model_timestamp_seconds") - lab.clock.now()) < 600
    new = lab.train(training_seed=1).version  # without labels
    lab.wait(lambda: Told(meter).by("lab_model_info", "version") == {(new,): 1}, "the new champion")
    assert Told(meter).total("lab_model_swaps_total") == 2
    with pytest.raises(KeyError):
        Told(meter).total("lab_model_evaluation_false_alarms")
