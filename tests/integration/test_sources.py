"""Live sources through the real broker: sent, trained on, scored; a real Prometheus server's past among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.heartbeat import read as read_beat
from kafka_cluster.read_topic import read_topic
from producer.sources.run import watch
from producer.sources.settings import SourceSettings
from producer.sources.watch import Watched
from tests.integration.conftest import Lab
from tests.prometheus_server import PrometheusServer

pytestmark = pytest.mark.integration
SERIES = """\
metrics:
  network: {select: 'lab_test_bytes_total{direction=~"in|out"}', rate: true, combine: sum}
  disk: {select: lab_test_disk_bytes_total, rate: true}
  cpu: {select: lab_test_cpu}
"""
PROMQL = """\
key: instance
metrics:
  network: {select: 'sum by (instance) (lab_test_bytes_total)', missing: 0}
  disk: {select: 'rate(lab_test_disk_bytes_total[2s])', missing: 0}
  cpu: {select: lab_test_cpu}
"""


class Exporter:
    """A little program with metrics, on a real socket."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._bytes = Counter("lab_test_bytes", "Bytes.", ["direction"], registry=registry)
        self._disk = Counter("lab_test_disk_bytes", "Bytes.", registry=registry)
        self._cpu = Gauge("lab_test_cpu", "Percent.", registry=registry)
        self._server, self._thread = start_http_server(0, "127.0.0.1", registry)
        self.address = f"127.0.0.1:{self._server.server_port}"

    def work(self) -> None:
        for direction in ("in", "out", "dropped"):
            self._bytes.labels(direction).inc(1_000)
        self._disk.inc(500)
        self._cpu.set(42)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def watched(lab: Lab, count: int, work: Callable[[], None] = lambda: None, **settings: Any) -> Watched:
    """Watch a source until so many records are delivered, then stop; `work` is done again and again meanwhile."""
    beat, stop = lab.folder / "producer.json", Stop()
    beat.unlink(missing_ok=True)
    read = SourceSettings.read(**lab.common, heartbeat_file=beat, **settings)

    def reached() -> bool:
        work()
        assert not done.done(), done.exception()
        return beat.exists() and int(read_beat(beat).get("delivered", 0)) >= count

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(watch, read, SystemClock(stop), stop)
        try:
            lab.wait(reached, f"{count} records")
        finally:
            stop.request()
        return done.result()


def sent(lab: Lab) -> list[tuple[str, dict[str, Any]]]:
    read = read_topic(lab.settings, lab.settings.metrics_topic)
    return [(record.key, record.value) for record in read if record.key is not None and record.value is not None]


def series_file(lab: Lab, text: str = SERIES) -> Path:
    path = lab.folder / "series.yaml"
    path.write_text(text)
    return path


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    made = Exporter()
    made.work()
    yield made
    made.close()


def test_a_page_becomes_records_and_a_few_minutes_of_them_train_a_model_that_scores(
    lab: Lab, exporter: Exporter
) -> None:
    """Sixty looks stand for minutes: what counts is how few they are."""
    url = f"http://{exporter.address}/metrics"
    page = {"source": "exporter", "source_url": url, "source_series": series_file(lab), "source_every_s": 0.05}
    done = watched(lab, 60, exporter.work, **page)
    records = sent(lab)
    assert len(records) == done.delivered >= 60
    assert {key for key, _ in records} == {exporter.address}
    assert all(value["cpu"] == 42 for _, value in records)
    busy = [value for _, value in records if value["disk"] > 0]
    assert busy
    assert all(value["network"] == pytest.approx(4 * value["disk"], rel=1e-5) for value in busy)  # in and out alone
    trained = lab.train(training_min_rows=20)
    assert trained.training_rows == int(0.6 * len(records))
    member = lab.member("one")
    lab.wait(lambda: member.counts.scored >= trained.test_rows, "scores")
    assert member.end().dead_letters == 0


def test_a_servers_past_is_filled_in_and_a_restart_goes_on_without_a_gap_or_a_repetition(
    lab: Lab, exporter: Exporter
) -> None:
    server = PrometheusServer(lab.folder, [exporter.address])
    server.start()
    try:
        server.wait_for("lab_test_cpu")
        for _ in range(12):
            exporter.work()
            lab.clock.sleep(0.25)
        more = {
            "source": "prometheus", "source_url": server.url, "source_every_s": 0.5, "source_backfill_s": 600,
            "source_series": series_file(lab, PROMQL),
        }  # fmt: skip
        began_ms = 1_000 * lab.clock.now()
        watched(lab, 4, exporter.work, **more)
        lab.clock.sleep(1.5)  # nobody watches
        watched(lab, 4, exporter.work, **more)
    finally:
        server.stop()
    times = [value["timestamp"] for _, value in sent(lab)]
    assert times[0] < began_ms - 1_000
    assert times == list(range(times[0], times[0] + 500 * len(times), 500))
    assert {key for key, _ in sent(lab)} == {exporter.address}  # the label instance


def test_this_host_fits_the_topics_as_they_are_made(lab: Lab) -> None:
    done = watched(lab, 30, source="host", source_every_s=0.05, source_key="this-host")
    records = sent(lab)
    assert len(records) == done.delivered
    assert {key for key, _ in records} == {"this-host"}
    assert all(0 <= value["cpu"] <= 100 for _, value in records)
    assert lab.train(training_min_rows=10, training_contamination=0.1).test_rows > 0
