"""How long from a spike in Kafka to the real Alertmanager, and how many anomalies a second the core takes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import psutil

from benchmarks.page_stage import PageStage, Say, page_stage
from commands.demo_processes import start, wait_for
from commands.lab_settings import LabSettings
from consumer_alerts.desk import Desk
from consumer_alerts.rules import Rules
from kafka_cluster.clock import Clock, SystemClock
from kafka_cluster.embedded import process
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.errors import LabError
from kafka_cluster.records import Anomaly, Severity

SPIKES = 12
APART_S = 0.5
SEEN_WITHIN_S = 30.0
LOOK_EVERY_S = 0.005
TIMEOUT_S = 60.0
ANOMALIES, KEYS = 100_000, 1_000
BINARIES = ("prometheus-alertmanager", "alertmanager")
NOBODY = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


def run(lab: LabSettings, say: Say) -> dict[str, Any]:
    """The figures."""
    clock = SystemClock()
    core = taken_per_s(clock)
    with page_stage(lab, say) as stage, alertmanager(lab.lab_var, clock) as url:
        rules = lab.lab_var / "alerts.yaml"
        rules.write_text(f"channels: {{am: {{type: alertmanager, url: '{url}'}}}}\nstorm: {{limit: 0}}\n")
        env = {name.upper(): value for name, value in stage.settings.model_dump(include=ADDRESSES).items()}
        env |= {"ALERTS_FILE": str(rules), "CONSUMER_ID": "alerts-1"}
        stage.programs["alerts"] = start("consumer_alerts", "alerts", lab.lab_var, env, leashed=True)
        wait_for(stage.programs["alerts"], lambda beat: bool(beat.get("partitions")), "partitions", TIMEOUT_S, clock)
        stage.wait("training", lambda beat: beat["state"] == "done", "an evaluation")
        stage.programs["producer"].stop()
        say("measuring")
        took = [_seen_after_s(stage, url) for _ in range(SPIKES)]
    return {
        "spike_to_alertmanager_s": {"median": round(median(took), 3), "worst": round(max(took), 3)},
        "spikes": SPIKES,
        "core_anomalies_per_s": core,
        "load_average": psutil.getloadavg()[0],
    }


ADDRESSES = {"kafka_bootstrap_servers", "schema_registry_url"}


def taken_per_s(clock: Clock) -> int:
    """Anomalies a second, of many keys, into incidents, without Kafka and network."""
    desk = Desk(Rules())
    desk.start(0, [])
    found = [
        Anomaly(str(n), "m", 0, n, f"key-{n % KEYS}", 60_000 * (n // KEYS), "d", "v", 0.5, 0.4, Severity.LOW, (), "why")
        for n in range(ANOMALIES)
    ]
    began = clock.monotonic()
    for anomaly in found:
        desk.take(0, anomaly, 0, 0)
    desk.look(0, [0])
    return round(ANOMALIES / (clock.monotonic() - began))


@contextmanager
def alertmanager(folder: Path, clock: Clock) -> Iterator[str]:
    """The address of a real one that tells nobody. Raises LabError where it is not installed."""
    binary = next(filter(None, map(shutil.which, BINARIES)), None)
    if binary is None:
        raise LabError("Alertmanager", "is not installed", "Debian: apt-get install prometheus-alertmanager")
    (folder / "alertmanager.yml").write_text(NOBODY)
    (port,) = pick_free(1)
    command = [
        binary, f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    server = process.spawn("alertmanager", command, folder / "logs" / "alertmanager.log", leashed=True)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = clock.monotonic() + TIMEOUT_S
        while not _ready(url):
            if clock.monotonic() > deadline:
                raise LabError("Alertmanager", "does not answer", f"its log is {folder / 'logs' / 'alertmanager.log'}")
            clock.sleep(0.1)
        yield url
    finally:
        process.stop(server, TIMEOUT_S)


def _ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/-/ready").is_success
    except httpx2.TransportError:
        return False


def _seen_after_s(stage: PageStage, url: str) -> float:
    """From the call that produces a spike until Alertmanager lists its alert."""
    with httpx2.Client() as http:
        began = stage.clock.monotonic()
        key = stage.spike()
        asked = {"filter": f'key="{key}"'}
        while not http.get(f"{url}/api/v2/alerts", params=asked).json():
            if stage.clock.monotonic() - began > SEEN_WITHIN_S:
                raise LabError("Alertmanager", f"has no alert on {key} after {SEEN_WITHIN_S:.0f} s", "see the logs")
            stage.clock.sleep(LOOK_EVERY_S)
        took = stage.clock.monotonic() - began
    stage.clock.sleep(APART_S)
    return took
