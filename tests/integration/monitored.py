"""A short load on all components, in threads of the test's process, and a real Prometheus that scrapes each."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml

from consumer_alerts.run import run as run_alerts
from consumer_alerts.settings import AlertsSettings
from consumer_history.run import run as run_history
from consumer_history.settings import HistorySettings
from consumer_prediction.run import run as run_prediction
from consumer_prediction.settings import PredictionSettings
from consumer_traffic.run import run as run_traffic
from consumer_traffic.settings import TrafficSettings
from consumer_training.settings import TrainingSettings
from consumer_training.train import train
from dashboard.run import run as run_page
from dashboard.settings import DashboardSettings
from kafka_cluster import metrics
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.embedded import leash
from kafka_cluster.embedded.ports import pick_free
from producer.connection_run import run as run_connections
from producer.connection_settings import ConnectionSettings
from producer.event_run import run as run_events
from producer.event_settings import EventSettings
from producer.run import run as run_producer
from producer.settings import ReplaySettings
from tests.integration.conftest import Lab

MONITORING = Path(__file__).resolve().parents[2] / "deploy" / "monitoring"
PROMETHEUS, ALERTMANAGER = "prometheus", "prometheus-alertmanager"
EVERY, START_TIMEOUT_S = "1s", 30.0


class Load:
    """Programs that run until the stop is requested. `ports` are where each serves its metrics, by job."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._stop = lab, Stop()
        self.ports = dict(zip(metrics.ALL, pick_free(len(metrics.ALL)), strict=True))
        self._threads: list[threading.Thread] = []
        self.errors: dict[str, BaseException] = {}

    def start(self) -> None:
        """The data set at once, so that there is something to train on; then all of them."""
        lab = self._lab
        dataset = lab.lay_data(nab_checkouts=())
        lab.produce(replay_keys=32)
        replay = {"dataset": dataset, "replay_rate": 300, "replay_loop": True, "replay_keys": 32}
        training = {"training_dataset": dataset, "metrics_linger_s": 600}
        page = {"dashboard_port": 0, "dashboard_dataset": dataset}
        self._run(metrics.TRAINING, TrainingSettings, train, **lab.models, **training)
        self._run(metrics.PREDICTION, PredictionSettings, run_prediction, **lab.models, prediction_group=lab.group)
        self._run(metrics.PRODUCER, ReplaySettings, run_producer, **replay)
        self._run(metrics.EVENTS, EventSettings, run_events, event_rate=500, event_keys=50, event_anomalies=0.3)
        self._run(metrics.HISTORY, HistorySettings, run_history, history_store="memory", history_group=f"h-{lab.group}")
        self._run(metrics.CONNECTIONS, ConnectionSettings, run_connections, connection_minutes=40, metrics_linger_s=600)
        self._run(metrics.TRAFFIC, TrafficSettings, run_traffic, traffic_group=f"t-{lab.group}")
        self._run(metrics.ALERTS, AlertsSettings, run_alerts, alerts_group=f"a-{lab.group}")
        self._run(metrics.PAGE, DashboardSettings, run_page, **lab.models, **page, prediction_group=lab.group)

    def stop(self) -> None:
        """All of them, and wait for their ends."""
        self._stop.request()
        for thread in self._threads:
            thread.join(60)
        assert not self.errors, self.errors

    def _run(self, name: str, kind: Any, run: Callable[[Any, SystemClock, Stop], object], **settings: Any) -> None:
        read = kind.read(**self._lab.common, **settings, metrics_port=self.ports[name])

        def work() -> None:
            try:
                run(read, SystemClock(self._stop), self._stop)
            except BaseException as error:  # noqa: BLE001 - told when it is stopped
                self.errors[name] = error

        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)


class Server:
    """Prometheus or Alertmanager by its API."""

    def __init__(self, port: int) -> None:
        self._api = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)

    def ready(self) -> bool:
        """True once it answers."""
        try:
            return bool(self._api.get("/-/ready").status_code == 200)
        except httpx2.HTTPError:
            return False

    def get(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer."""
        answer = self._api.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def query(self, expression: str) -> list[float]:
        """The values of an instant query."""
        found = self.get("/api/v1/query", query=expression)["result"]
        return [float(one["value"][1]) for one in found]

    def close(self) -> None:
        self._api.close()


@contextmanager
def watched(load: Load, folder: Path) -> Iterator[Server]:
    """Prometheus and Alertmanager with the files of deploy/monitoring, but for addresses and how often they look."""
    here, people = pick_free(2)
    given = MONITORING / "alertmanager" / "alertmanager.yml"
    alertmanager = [
        ALERTMANAGER, f"--config.file={given}", f"--storage.path={folder / 'alerts'}",
        f"--web.listen-address=127.0.0.1:{people}", "--cluster.listen-address=",
    ]  # fmt: skip
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(_config(load.ports | {PROMETHEUS: here, "alertmanager": people})))
    prometheus = [
        PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{here}", "--log.level=warn",
    ]  # fmt: skip
    server = Server(here)
    with _running(alertmanager, folder / "alertmanager.log"), _running(prometheus, folder / "prometheus.log"):
        clock = SystemClock()
        deadline = clock.monotonic() + START_TIMEOUT_S
        while not server.ready():
            assert clock.monotonic() < deadline, (folder / "prometheus.log").read_text()
            clock.sleep(0.1)
        yield server
        server.close()


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    """For as long as the block lasts, and no longer than this process."""
    leashed = [sys.executable, "-I", "-S", str(Path(leash.__file__)), str(os.getpid()), *command]
    with log.open("w") as said, subprocess.Popen(leashed, stdout=said, stderr=said) as process:
        try:
            yield
        finally:
            process.terminate()


def _config(ports: dict[str, int]) -> dict[str, Any]:
    """The project's own, with these addresses in place of Docker's names; programs without a service come on top."""
    config: dict[str, Any] = yaml.safe_load((MONITORING / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY}
    config["rule_files"] = [str(MONITORING / "prometheus" / Path(name).name) for name in config["rule_files"]]
    config["alerting"] = {"alertmanagers": [{"static_configs": [_at(ports["alertmanager"])]}]}
    assert {one["job_name"] for one in config["scrape_configs"]} <= ports.keys()
    config["scrape_configs"] = [{"job_name": job, "static_configs": [_at(port)]} for job, port in ports.items()]
    return config


def _at(port: int) -> dict[str, list[str]]:
    return {"targets": [f"127.0.0.1:{port}"]}
