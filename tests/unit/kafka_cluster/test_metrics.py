"""The vocabulary of metrics, and the meter that counts in it and serves it."""

from __future__ import annotations

import ast
import re
import socket
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from kafka_cluster import metrics
from kafka_cluster.clock import ManualClock, Stop
from kafka_cluster.errors import LabError
from kafka_cluster.exporter import Exporter
from kafka_cluster.meter import OFF
from kafka_cluster.metric_kinds import OTHER, Counter, Gauge, Histogram, Label
from kafka_cluster.metrics_server import serving
from kafka_cluster.settings import KafkaSettings
from kafka_cluster.tally import MANY, tally

ROOT = Path(__file__).resolve().parents[3]
UNITS = ("seconds", "bytes", "records", "ratio", "timestamp_seconds", "records_per_second")
# Counts of things, and things without a unit, that say so by their last word.
THINGS = (
    "info", "loaded", "up", "partitions", "score", "threshold", "keys", "streams", "rows", "windows", "false_alarms",
    "incidents", "messages",
)  # fmt: skip
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    """By name and labels."""
    families = text_string_to_metric_families(text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


@pytest.fixture
def meter() -> Exporter:
    return Exporter(metrics.PREDICTION, "one")


def test_every_name_is_declared_once_and_ends_in_its_unit() -> None:
    names = [metric.name for metric in metrics.VOCABULARY]
    assert len(names) == len(set(names))
    ends = [name.removesuffix("_total") for name in names if not name.endswith("_total")]
    assert [name for name in ends if not name.endswith((*UNITS, *THINGS))] == []
    assert all(metric.help.endswith(".") for metric in metrics.VOCABULARY)


def test_every_metric_is_counted_by_each_program_that_it_names() -> None:
    """By its name in the program's folder, or in the wire's, which counts for all."""
    named = {name: value for name, value in vars(metrics).items() if value in metrics.VOCABULARY}
    used = {folder: names_in(ROOT / folder) for folder in {by.partition(".")[0] for by in metrics.ALL}}
    shared = names_in(ROOT / "kafka_cluster")
    missing = [
        f"{name} of {by}"
        for name, metric in named.items()
        for by in metric.by
        if name not in used[by.partition(".")[0]] | shared
    ]
    assert missing == []


def names_in(folder: Path) -> set[str]:
    """Attributes and names that the code of a folder reads; the vocabulary's own file does not count."""
    files = [file for file in folder.rglob("*.py") if file.name != "metrics.py"]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return attributes | {node.id for node in nodes if isinstance(node, ast.Name)}


def test_what_was_counted_is_what_is_served(meter: Exporter) -> None:
    meter.add(metrics.PREDICTION_RECORDS, 1_000)
    meter.add(metrics.PREDICTION_RECORDS, 23)
    meter.add_all(metrics.ANOMALIES, {("forest", "LOW"): 2, ("cusum", "HIGH"): 1})
    meter.add_all(metrics.ANOMALIES, {("forest", "LOW"): 5})
    meter.set(metrics.CONSUMER_PARTITIONS, 4)
    found = samples(meter.text())
    assert found["lab_prediction_records_total", ()] == 1_023
    assert found["lab_anomalies_total", (("detector", "forest"), ("severity", "LOW"))] == 7
    assert found["lab_anomalies_total", (("detector", "cusum"), ("severity", "HIGH"))] == 1
    assert found["lab_consumer_partitions", ()] == 4
    assert found["lab_program_info", (("id", "one"), ("program", "consumer_prediction"))] == 1


def test_a_counter_is_served_from_the_start_a_gauge_once_it_is_set(meter: Exporter) -> None:
    found = samples(meter.text())
    assert found["lab_prediction_records_total", ()] == 0
    assert found["lab_transactions_total", (("outcome", "aborted"),)] == 0
    assert ("lab_model_threshold", ()) not in found


def test_a_counter_never_goes_down(meter: Exporter) -> None:
    with pytest.raises(ValueError, match="cannot go down"):
        meter.add(metrics.PREDICTION_RECORDS, -1)


def test_a_bucket_holds_its_bound_and_one_pass_counts_like_one_by_one() -> None:
    several, single = Exporter(metrics.PREDICTION), Exporter(metrics.PREDICTION)
    random = np.random.default_rng(0)
    for n in (0, 1, 100, MANY, 10 * MANY):
        values = np.concatenate([random.random(n), [0.3, 0.5, 1.0]])
        several.observe_all(metrics.PREDICTION_SCORE, values)
        for value in values.tolist():
            single.observe(metrics.PREDICTION_SCORE, value)
    one, other = samples(several.text()), samples(single.text())
    bucket = "lab_prediction_score_bucket"
    assert {key: value for key, value in one.items() if key[0] == bucket} == {
        key: value for key, value in other.items() if key[0] == bucket
    }
    assert one[bucket, (("le", "+Inf"),)] == one["lab_prediction_score_count", ()] == 11 * MANY + 101 + 5 * 3
    assert one["lab_prediction_score_sum", ()] == pytest.approx(other["lab_prediction_score_sum", ()])


@pytest.mark.parametrize("n", [0, 1, MANY - 1, MANY, 3 * MANY])
def test_a_tally_is_what_a_search_for_each_value_gives(n: int) -> None:
    bounds = np.array([-1.0, 0.25, 0.5, 2.0])
    values = np.random.default_rng(n).choice([*bounds, -5.0, 0.3, 9.0], n)
    expected = np.bincount(np.searchsorted(bounds, values), minlength=5)
    assert tally(values, bounds).tolist() == expected.tolist()


def test_labels_are_bounded_what_is_beyond_counts_as_other(meter: Exporter) -> None:
    meter.add_all(metrics.ANOMALIES, {(f"rule-{number}", "LOW"): 1 for number in range(1_000)})
    meter.add_all(metrics.ANOMALIES, {("rule-0", "no such severity"): 3})
    found = [(dict(labels), value) for (name, labels), value in samples(meter.text()).items() if "anomalies" in name]
    assert len({labels["detector"] for labels, _ in found}) == metrics.DETECTOR.bound == 65
    assert sum(value for labels, value in found if labels["detector"] == OTHER) == 1_000 - 64
    assert sum(value for labels, value in found if labels["severity"] == OTHER) == 3


def test_of_too_many_partitions_those_with_the_largest_lag_are_served(meter: Exporter) -> None:
    meter.replace(metrics.CONSUMER_LAG_RECORDS, {(str(number),): number for number in range(1_000)})
    found = {int(labels[0][1]) for (name, labels) in samples(meter.text()) if name == "lab_consumer_lag_records"}
    assert found == set(range(1_000 - 256, 1_000))
    meter.replace(metrics.CONSUMER_LAG_RECORDS, {("7",): 1})
    assert [labels for name, labels in samples(meter.text()) if name == "lab_consumer_lag_records"] == [
        (("partition", "7"),)
    ]


def test_what_is_followed_is_asked_for_at_every_look(meter: Exporter) -> None:
    state: dict[str, float | None] = {"is": 1}
    meter.follow(metrics.PREDICTION_RECORDS, lambda: state["is"])
    assert samples(meter.text())["lab_prediction_records_total", ()] == 1
    state["is"] = 5
    assert samples(meter.text())["lab_prediction_records_total", ()] == 5
    state["is"] = None
    assert ("lab_prediction_records_total", ()) not in samples(meter.text())


def test_a_label_or_metric_that_is_not_declared_is_a_bug(meter: Exporter) -> None:
    with pytest.raises(KeyError):
        meter.add(metrics.ANOMALIES, detector="forest")
    with pytest.raises(KeyError):
        meter.add(metrics.HISTORY_EVENTS)  # another program's
    with pytest.raises(ValueError, match="not the name of a counter"):
        Counter("lab_records", "Help.", ("x",))
    with pytest.raises(ValueError, match="not the name of a gauge"):
        Gauge("lab_records_total", "Help.", ("x",))
    with pytest.raises(ValueError, match="buckets must ascend"):
        Histogram("lab_records", "Help.", ("x",), buckets=(2.0, 1.0))


def test_known_values_are_every_combination() -> None:
    labels = (Label("a", ("x", "y")), Label("b", ("1", "2")))
    assert len(Counter("lab_x_total", "Help.", ("x",), labels).known) == 4
    assert Counter("lab_x_total", "Help.", ("x",), (Label("a"),)).known == []


def test_without_a_port_nothing_is_served_and_nothing_counted() -> None:
    with serving(KafkaSettings.read(), metrics.PREDICTION, ManualClock(), Stop()) as meter:
        assert meter is OFF
        meter.add(metrics.PREDICTION_RECORDS)
        with meter.timed(metrics.PREDICTION_SCORING_SECONDS):
            pass


def test_a_free_port_is_told_in_the_log_and_answers_until_the_end() -> None:
    settings = KafkaSettings.read(metrics_port=0)
    with capture_logs() as said, serving(settings, metrics.PRODUCER, ManualClock(), Stop()) as meter:
        meter.add(metrics.PRODUCER_RECORDS, 7)
        url = said[0]["url"]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/metrics", url)
        text = urllib.request.urlopen(url, timeout=10).read().decode()  # noqa: S310 - its own address
    assert samples(text)["lab_producer_records_total", ()] == 7
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=10)  # noqa: S310 - its own address


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = KafkaSettings.read(metrics_port=taken.getsockname()[1])
        with (
            pytest.raises(LabError, match=r"metrics 127\.0\.0\.1:\d+: address already in use; METRICS_PORT sets"),
            serving(settings, metrics.PRODUCER, ManualClock(), Stop()),
        ):
            pass


class Watched(ManualClock):
    """Somebody scrapes after some seconds."""

    meter: Exporter

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.now() >= 3:
            self.meter.text()


def test_a_program_that_ends_waits_for_one_more_scrape_and_no_longer_than_was_set() -> None:
    settings = KafkaSettings.read(metrics_port=0, metrics_linger_s=20)
    clock = ManualClock()
    with serving(settings, metrics.TRAINING, clock, Stop()):
        pass
    assert 20 <= clock.now() < 21
    seen = Watched()
    with serving(settings, metrics.TRAINING, seen, Stop()) as meter:
        assert isinstance(meter, Exporter)
        seen.meter = meter
    assert 3 <= seen.now() < 4
    stop, clock = Stop(), ManualClock()
    with serving(settings, metrics.TRAINING, clock, stop):
        stop.request()
    assert clock.now() == 0
