"""What deploy/monitoring holds: checked by Prometheus' and Alertmanager's tools, and against the rest of the tree."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands import metrics_page
from commands.grafana_dashboards import GRAFANA, dashboards
from kafka_cluster import metrics
from kafka_cluster.metric_kinds import Histogram

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "monitoring" / "prometheus"
DOCUMENT = ROOT / "docs" / "how-to" / "monitoring.md"
METRIC = re.compile(r"\blab_[a-z0-9_]+")
RECORDED = re.compile(r"\b[a-z_]+:lab_[a-z0-9_]+:[a-z0-9_]+")
# By job, the service of the compose files whose name Docker resolves.
WITHOUT_SERVICE = {metrics.TRAFFIC, metrics.CONNECTIONS}
SERVICES = {program: program for program in metrics.ALL if program not in WITHOUT_SERVICE} | {metrics.EVENTS: "events"}


def rules(name: str) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load((FOLDER / name).read_text())["groups"] for rule in group["rules"]]


def run(*command: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]} here (Debian's packages prometheus, prometheus-alertmanager)")
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_rules() -> None:
    run("promtool", "check", "rules", "--lint-fatal", "records.yml", "alerts.yml")


def test_every_alert_fires_when_it_must_and_not_before() -> None:
    run("promtool", "test", "rules", "tests.yml")


def test_alertmanager_takes_its_file() -> None:
    run("amtool", "check-config", "../alertmanager/alertmanager.yml")


def test_prometheus_takes_its_file(tmp_path: Path) -> None:
    """With the rules where the container has them."""
    text = (FOLDER / "prometheus.yml").read_text().replace("/etc/prometheus/", f"{FOLDER}/")
    file = tmp_path / "prometheus.yml"
    file.write_text(text)
    run("promtool", "check", "config", str(file))


def test_every_alert_is_tried_both_ways() -> None:
    cases = [case for test in yaml.safe_load((FOLDER / "tests.yml").read_text())["tests"]
             for case in test.get("alert_rule_test", [])]  # fmt: skip
    tried = {(case["alertname"], bool(case["exp_alerts"])) for case in cases}
    assert tried == {(rule["alert"], fires) for rule in rules("alerts.yml") for fires in (True, False)}


def test_every_alert_says_what_how_bad_and_what_to_do() -> None:
    headings = {f"#{line[4:].strip().lower()}" for line in DOCUMENT.read_text().splitlines() if line.startswith("### ")}
    for rule in rules("alerts.yml"):
        assert rule["labels"]["severity"] in {"warning", "critical"}, rule["alert"]
        notes = rule["annotations"]
        assert notes.keys() == {"summary", "description", "runbook"}, rule["alert"]
        page, anchor = notes["runbook"].split("#")
        assert ROOT / page == DOCUMENT
        assert f"#{anchor}" in headings
        assert anchor == rule["alert"].lower()


def test_rules_and_panels_name_metrics_and_records_that_there_are() -> None:
    ends = ("_bucket", "_count", "_sum")
    served = {metric.name for metric in metrics.VOCABULARY}
    served |= {f"{one.name}{end}" for one in metrics.VOCABULARY if isinstance(one, Histogram) for end in ends}
    recorded = {rule["record"] for rule in rules("records.yml")}
    texts = [rule["expr"] for name in ("records.yml", "alerts.yml") for rule in rules(name)]
    texts += [(GRAFANA / "panels.yml").read_text()]
    for text in texts:
        assert set(RECORDED.findall(text)) <= recorded
        assert set(METRIC.findall(RECORDED.sub("", text))) <= served


def test_the_dashboards_are_what_the_command_writes() -> None:
    written = {file.name: file.read_text() for file in (GRAFANA / "dashboards").iterdir()}
    assert written == dashboards(), "run `python -m commands.grafana_dashboards`"


def test_every_program_is_scraped_at_its_service_of_the_compose_files() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    found = {
        job["job_name"]: (job["dns_sd_configs"][0]["names"], job["dns_sd_configs"][0]["port"])
        for job in config["scrape_configs"]
        if "dns_sd_configs" in job
    }
    assert found == {program: ([service], 9400) for program, service in SERVICES.items()}
    for file in ("docker-compose.yml", "docker-compose.kraft.yml"):
        services = yaml.safe_load((ROOT / file).read_text())["services"]
        for service in SERVICES.values():
            served = services[service]["environment"]
            assert (served["METRICS_PORT"], served["METRICS_HOST"]) == (9400, "0.0.0.0"), service  # noqa: S104 - in the network of the containers


def test_the_page_of_metrics_is_current() -> None:
    assert metrics_page.PAGE.read_text() == metrics_page.page(), "run `python -m commands.reference`"
