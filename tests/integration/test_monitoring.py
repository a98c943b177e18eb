"""The files of deploy/monitoring in the real Prometheus, which scrapes every component at work."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import yaml

from kafka_cluster import metrics, metrics_server
from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded.cluster import ClusterInfo
from tests.integration.conftest import Lab
from tests.integration.monitored import ALERTMANAGER, MONITORING, PROMETHEUS, Load, Server, watched

pytestmark = [pytest.mark.integration, pytest.mark.slow]
WAIT_S = 120.0
GRAFANAS_OWN = {"$__rate_interval": "20s", "$__range": "15m"}


class Query(NamedTuple):
    """One query of a panel."""

    where: str
    expression: str


def panel_queries() -> list[Query]:
    """Every query of every provisioned dashboard, with what Grafana would put in."""
    found = []
    for file in sorted((MONITORING / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                expression = target["expr"]
                for name, value in GRAFANAS_OWN.items():
                    expression = expression.replace(name, value)
                found.append(Query(f"{file.stem}: {panel['title']}: {target['legendFormat']}", expression))
    return found


def records() -> list[Query]:
    """Every series that is recorded."""
    groups = yaml.safe_load((MONITORING / "prometheus" / "records.yml").read_text())["groups"]
    return [Query(rule["record"], rule["record"]) for group in groups for rule in group["rules"]]


@pytest.fixture(scope="module")
def prometheus(cluster: ClusterInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    for program in (PROMETHEUS, ALERTMANAGER):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} here (Debian's package of that name)")
    folder = tmp_path_factory.mktemp("monitored")
    load = Load(Lab(cluster, folder))
    with pytest.MonkeyPatch.context() as patch:
        # What ends by itself would go after one more scrape; here it serves until all of it is stopped.
        patch.setattr(metrics_server, "_linger", lambda _meter, limit_s, _clock, stop: stop.wait(limit_s))
        load.start()
        try:
            with watched(load, folder) as server:
                yield server
        finally:
            load.stop()


def wait(open_ones: Callable[[], list[str]]) -> list[str]:
    """What is left open after a while at most."""
    clock = SystemClock()
    deadline = clock.monotonic() + WAIT_S
    while (left := open_ones()) and clock.monotonic() < deadline:
        clock.sleep(1)
    return left


def without_data(server: Server, queries: list[Query]) -> list[str]:
    """Those that give nothing, or no number; each is asked until it gives one."""
    left = list(queries)

    def ask() -> list[str]:
        left[:] = [query for query in left if not any(map(math.isfinite, server.query(query.expression)))]
        return [query.where for query in left]

    return wait(ask)


def test_every_component_is_found_and_scraped(prometheus: Server) -> None:
    def missing() -> list[str]:
        targets = prometheus.get("/api/v1/targets")["activeTargets"]
        up = {one["labels"]["job"] for one in targets if one["health"] == "up"}
        return sorted({*metrics.ALL, PROMETHEUS, "alertmanager"} - up)

    assert wait(missing) == []
    assert wait(lambda: [] if prometheus.get("/api/v1/alertmanagers")["activeAlertmanagers"] else ["none"]) == []


def test_a_job_is_what_its_program_calls_itself(prometheus: Server) -> None:
    def nameless() -> list[str]:
        return [
            name
            for name in metrics.ALL
            if prometheus.query(f'lab_program_info{{job="{name}", program="{name}"}}') != [1.0]
        ]

    assert wait(nameless) == []


def test_every_metric_that_is_declared_is_served_by_each_program_that_it_names(prometheus: Server) -> None:
    declared = [
        Query(f"{metric.name} of {program}", f'{{__name__=~"{metric.name}(_count)?", job="{program}"}}')
        for metric in metrics.VOCABULARY
        for program in metric.by
    ]
    assert without_data(prometheus, declared) == []


def test_every_metric_that_is_served_is_declared_and_its_labels_are_bounded(prometheus: Server) -> None:
    declared = {metric.name: metric for metric in metrics.VOCABULARY}
    bases = {f"{name}{end}": metric for name, metric in declared.items() for end in ("", "_bucket", "_count", "_sum")}
    series = prometheus.get("/api/v1/series", **{"match[]": '{__name__=~"lab_.*"}'})
    assert series
    assert {one["__name__"] for one in series} - bases.keys() == set()
    for one in series:
        metric = bases[one["__name__"]]
        assert one["job"] in metric.by
        assert set(one) - {"__name__", "job", "instance", "le"} == {label.name for label in metric.labels}


def test_training_and_who_uses_its_model_tell_the_same(prometheus: Server) -> None:
    announced = 'lab_training_models_announced_total{job="consumer_training"}'
    assert wait(lambda: [] if prometheus.query(announced) == [1.0] else ["no model"]) == []
    assert prometheus.query("sum(lab_training_rows)") == prometheus.query("lab_training_records_total")
    assert len(prometheus.query("lab_training_duration_seconds > 0")) == len(metrics.STEP.values)
    for name in ("alert_ratio", "false_alarms", "delay_seconds", "windows"):
        metric = f"lab_model_evaluation_{name}"
        one, other = (f'{metric}{{job="{job}"}}' for job in (metrics.TRAINING, metrics.PREDICTION))
        on = "on (outcome)" if name == "windows" else "on ()"
        same = f"{one} == {on} {other}"
        assert wait(lambda same=same: [] if prometheus.query(same) else [same]) == []  # type: ignore[misc] # the loop's own


def test_every_query_of_every_panel_returns_data(prometheus: Server) -> None:
    queries = panel_queries()
    assert len(queries) > 60
    assert without_data(prometheus, queries) == []


def test_every_recorded_series_has_data_and_every_rule_is_evaluated(prometheus: Server) -> None:
    assert without_data(prometheus, records()) == []
    rules = [rule for group in prometheus.get("/api/v1/rules")["groups"] for rule in group["rules"]]
    assert {rule["name"]: rule.get("lastError", "") for rule in rules if rule["health"] != "ok"} == {}


def test_a_healthy_run_fires_no_alert(prometheus: Server) -> None:
    assert [
        one["labels"]["alertname"] for one in prometheus.get("/api/v1/alerts")["alerts"] if one["state"] == "firing"
    ] == []
