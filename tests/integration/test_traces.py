"""One trace from the producer to the verdict, through real topics, as a collector receives it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.read_topic import read_topic
from kafka_cluster.records import Anomaly
from kafka_cluster.tracing import extract
from tests.integration.collector import Collector, Got
from tests.integration.conftest import Lab
from tests.programs import Events, Program

pytestmark = pytest.mark.integration
STEP_MS = 300_000  # of the series
LONGER_NS = 1_000  # times are floats of seconds: so near together their order says nothing


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


class Programs:
    """The lab's programs as processes, on the lab's topics."""

    def __init__(self, lab: Lab, endpoint: str) -> None:
        self._folder, self._running = lab.folder, list[Program]()
        common = {**lab.common, **lab.models, "prediction_group": lab.group, "traces": "otlp"}
        common |= {"dataset": lab.folder / "data" / "dataset.json", "otel_exporter_otlp_endpoint": endpoint}
        self._common = {name.upper(): str(value) for name, value in common.items()}

    def start(self, name: str, **settings: Any) -> Program:
        given = {setting.upper(): str(value) for setting, value in settings.items()}
        self._running.append(Program(name, self._folder, **self._common | given))
        return self._running[-1]

    def run(self, name: str, **settings: Any) -> Events:
        status, events = self.start(name, **settings).end()
        assert status == 0, events
        return events

    def kill(self) -> None:
        for program in self._running:
            program.kill()


@pytest.fixture
def programs(lab: Lab, collector: Collector) -> Iterator[Programs]:
    lab.lay_data(nab_checkouts=())
    started = Programs(lab, f"http://127.0.0.1:{collector.port}")
    yield started
    started.kill()


def instant(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat()


def marked(lab: Lab) -> list[Anomaly]:
    """The anomaly of the one record that went out under the data set's name alone."""
    return [one for one in lab.anomalies() if "-" not in (one.key or "")]


def only(spans: list[Got]) -> Got:
    assert len(spans) == 1, [span.name for span in spans]
    return spans[0]


def test_a_records_trace_goes_from_the_producer_to_the_verdict(
    lab: Lab, collector: Collector, programs: Programs
) -> None:
    member = programs.start("consumer_prediction", consumer_id="one")
    programs.run("producer", replay_keys=8, trace_sample=0.02, trace_limit=100_000)
    programs.run("consumer_training")
    lab.wait(lambda: len(lab.anomalies()) > 0, "anomalies")
    strange = lab.anomalies()[0]
    page = programs.start("dashboard", dashboard_port=0)
    lab.wait(lambda: page.said("page") != [], "the page")
    (lab.folder / "alerts.yaml").write_text("storm: {limit: 0}\nchannels:\n  log: {type: log}\n")
    alerts = programs.start("consumer_alerts", consumer_id="one", alerts_file=lab.folder / "alerts.yaml")
    again = {"replay_from": instant(strange.timestamp), "replay_to": instant(strange.timestamp + STEP_MS)}
    programs.run("producer", **again, trace_sample=1)
    lab.wait(lambda: marked(lab) != [], "the anomaly of the traced record")
    (traced,) = marked(lab)
    verdict = {"verdict": "TRUE_ALARM", "by": "somebody", "why": ""}
    url = f"{page.said('page')[0]['url']}/api/v1/anomalies/{traced.id}/verdict"
    lab.wait(lambda: httpx2.put(url, json=verdict, headers={"x-lab-page": "1"}, timeout=30).is_success, "the verdict")
    lab.wait(lambda: any(told["key"] == traced.key for told in alerts.said("told")), "the alert")
    assert page.end(ask=True)[0] == 0
    assert alerts.end(ask=True)[0] == 0
    status, events = member.end(ask=True)
    assert status == 0
    assert collector.refused == []

    sent = max(collector.of("producer", f"send {lab.settings.metrics_topic}"), key=lambda span: span.start)
    whole = [span for span in collector.spans if span.trace == sent.trace]
    trace = {span.name.split("-")[0]: span for span in whole if span.service != "consumer_alerts"}
    way = ["send metrics", "process metrics", "send anomalies", "process anomalies", "send verdicts"]
    assert sorted(trace) == sorted(way)
    services = ["producer", "consumer_prediction", "consumer_prediction", "dashboard", "dashboard"]
    assert [trace[name].service for name in way] == services
    kinds = ["PRODUCER", "CONSUMER", "PRODUCER", "CONSUMER", "PRODUCER"]
    assert [trace[name].kind for name in way] == kinds
    assert [trace[name].parent for name in way] == ["", *(trace[name].id for name in way[:-1])]
    starts = [trace[name].start for name in way]
    assert all(later >= earlier - LONGER_NS for earlier, later in pairwise(starts))
    assert all(span.end >= span.start for span in trace.values())
    assert trace["send verdicts"].start >= trace["process metrics"].end  # it was said after it was committed
    for name in ("send metrics", "process metrics"):
        place = trace[name].attributes
        assert place["messaging.destination.partition.id"] == str(traced.partition)
        assert place["messaging.kafka.offset"] == traced.offset
    assert trace["process metrics"].attributes["lab.model.version"] == traced.model_version
    assert trace["process anomalies"].attributes["lab.anomaly.id"] == traced.id
    (logged,) = (event for event in events if event["event"] == "anomaly" and event["id"] == traced.id)
    assert logged["trace_id"] == sent.trace
    assert (logged["key"], logged["partition"], logged["offset"], logged["model_version"]) == (
        traced.key, traced.partition, traced.offset, traced.model_version,
    )  # fmt: skip
    check_alert(whole, trace["send anomalies"], traced)
    check_batches(lab, collector)
    check_training(lab, collector)
    check_every_anomaly_has_a_trace(lab, collector)


def check_alert(trace: list[Got], sent: Got, traced: Anomaly) -> None:
    """The alert goes on in the same trace: from the anomaly by its incident to the channel."""
    alerted, told = sorted((span for span in trace if span.service == "consumer_alerts"), key=lambda span: span.start)
    assert (alerted.kind, alerted.parent, told.kind, told.parent) == ("CONSUMER", sent.id, "CLIENT", alerted.id)
    assert alerted.attributes["lab.anomaly.id"] == traced.id
    assert (told.name, told.attributes["lab.news"], told.failed) == ("tell log", "opened", False)
    assert sent.start <= alerted.start <= told.start


def check_batches(lab: Lab, collector: Collector) -> None:
    """Batches are linked to the traced records in them, and their steps follow each other."""
    wholes = collector.of("consumer_prediction", f"process batch of {lab.settings.metrics_topic}")
    records = {(span.trace, span.id) for span in collector.of("producer", f"send {lab.settings.metrics_topic}")}
    assert wholes
    assert {link for whole in wholes for link in whole.links} <= records
    assert any(whole.links for whole in wholes)
    for whole in wholes:
        steps = sorted((span for span in collector.spans if span.parent == whole.id), key=lambda span: span.start)
        named = [span.name for span in steps if not span.name.startswith("send")]
        assert named == ["poll", "decode", "judge", "commit"]
        assert all(whole.start <= span.start <= span.end <= whole.end for span in steps)
        assert not whole.failed


def check_training(lab: Lab, collector: Collector) -> None:
    """The fit is linked to records it read, and goes on with the member that takes the model up."""
    fit = only(collector.of("consumer_training", "train model"))
    inside = [span for span in collector.spans if span.trace == fit.trace and span.service == "consumer_training"]
    announced = only(collector.of("consumer_training", f"send {lab.settings.models_topic}"))
    taken = only(collector.of("consumer_prediction", "take up model"))
    assert {"read", "fit", "evaluate"} < {span.name for span in inside}
    assert all(span.start >= fit.start and span.end <= fit.end for span in inside)
    assert 0 < len(fit.links) <= 32
    assert (announced.parent, taken.parent, taken.trace) == (fit.id, announced.id, fit.trace)
    assert taken.attributes["lab.model.version"] == fit.attributes["lab.model.version"]


def check_every_anomaly_has_a_trace(lab: Lab, collector: Collector) -> None:
    ids = {(int(span.trace, 16), int(span.id, 16)) for span in collector.spans}
    for record in read_topic(lab.settings, lab.settings.anomalies_topic):
        context = extract(dict(record.headers))
        assert context is not None
        assert (context.trace_id, context.span_id) in ids


def test_off_no_record_has_a_header(lab: Lab) -> None:
    lab.lay_data(nab_checkouts=())
    lab.produce(replay_keys=4)
    test_rows = lab.train().test_rows
    member = lab.member("one")
    lab.wait(lambda: member.counts.scored >= test_rows, "scores")
    member.end()
    topics = lab.settings.metrics_topic, lab.settings.models_topic, lab.settings.anomalies_topic
    for topic in topics:
        read = list(read_topic(lab.settings, topic))
        assert read
        assert all(record.headers == {} for record in read)


@pytest.mark.parametrize("collector_is", ["closed", "hanging"])
def test_a_collector_that_is_away_holds_nothing_up_and_is_said_once(lab: Lab, collector_is: str) -> None:
    lab.lay_data(nab_checkouts=())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        (closed,) = pick_free(1)
        port = closed if collector_is == "closed" else listening.getsockname()[1]
        programs = Programs(lab, f"http://127.0.0.1:{port}")
        events = programs.run("producer", replay_rate=500, replay_to="2024-01-05T00:00", trace_sample=0.5)
    (replayed,) = (event for event in events if event["event"] == "replayed")
    read = list(read_topic(lab.settings, lab.settings.metrics_topic))
    assert replayed["delivered"] == len(read)
    assert any("traceparent" in record.headers for record in read)
    assert sum(event["event"] == "traces are not delivered" for event in events) == 1
    assert not any(event["event"] in ("library", "unhandled error") for event in events)


def test_events_carry_a_trace_of_their_batch(lab: Lab, collector: Collector, tmp_path: Path) -> None:
    programs = Programs(lab, f"http://127.0.0.1:{collector.port}")
    programs.run("producer.events", event_keys=10, event_records=20_000, event_labels=tmp_path / "labels")
    batches = collector.of("producer", f"send {lab.settings.events_topic}")
    first = collector.of("producer", f"create {lab.settings.events_topic}")
    assert {one.parent for one in first} == {one.id for one in batches}
    assert batches[0].attributes["messaging.batch.message_count"] == 10_000
    carried = [extract(dict(one.headers)) for one in read_topic(lab.settings, lab.settings.events_topic) if one.headers]
    assert {f"{one.span_id:016x}" for one in carried if one} == {one.id for one in first}
