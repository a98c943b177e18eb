from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.embedded import process
from kafka_cluster.embedded.artifacts import ArtifactStore
from kafka_cluster.embedded.server import Server
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.embedded.start import Starter
from kafka_cluster.embedded.state import Entry, State
from kafka_cluster.errors import LabError

READY = "print('ready', flush=True); import time; time.sleep(600)"


class PythonServer(Server):
    """A server of one line of Python, ready when its log says so."""

    artifacts = ""
    port_variable = "LAB_BROKER_PORT"

    def __init__(self, settings: LabSettings, name: str, code: str) -> None:
        self.name, self.code, self.settled = name, code, 0
        super().__init__(settings, ArtifactStore(settings.lab_cache), 1)

    def command(self) -> Sequence[str]:
        """The line."""
        return [sys.executable, "-c", self.code, self.marker]

    def is_ready(self) -> bool:
        """It said so."""
        return "ready" in self.log.read_text()

    def settle(self) -> None:
        """Counted."""
        self.settled += 1


@pytest.fixture
def settings(tmp_path: Path) -> LabSettings:
    return LabSettings(lab_var=tmp_path / "var", lab_cache=tmp_path / "cache")


@pytest.fixture
def entries() -> Iterator[dict[str, Entry]]:
    made: dict[str, Entry] = {}
    yield made
    for entry in made.values():
        process.stop(entry.process)


def start(settings: LabSettings, entries: dict[str, Entry], *servers: Server, stop: Stop | None = None) -> list[str]:
    said: list[str] = []
    stop = stop or Stop()
    Starter(State(settings.lab_var), entries, SystemClock(stop), stop, said.append).start(servers, leashed=True)
    return said


def test_ready_servers_are_settled_once_said_and_noted(settings: LabSettings, entries: dict[str, Entry]) -> None:
    one, two = PythonServer(settings, "one", READY), PythonServer(settings, "two", READY)
    said = start(settings, entries, one, two)
    assert (one.settled, two.settled) == (1, 1)
    assert sorted(line.split(":")[0] for line in said) == ["one", "two"]
    assert State(settings.lab_var).read() == entries


def test_a_server_that_ends_is_named_with_the_errors_of_its_log(
    settings: LabSettings, entries: dict[str, Entry]
) -> None:
    code = r"print('INFO hello\nERROR no space left\n\tat some.Frame\nINFO bye'); raise SystemExit(1)"
    with pytest.raises(LabError) as caught:
        start(settings, entries, PythonServer(settings, "one", code))
    log = settings.logs / "one.log"
    assert str(caught.value) == f"one: ended while it was starting; its log says: ERROR no space left; see {log}"


def test_the_log_of_the_start_before_is_kept_apart(settings: LabSettings, entries: dict[str, Entry]) -> None:
    settings.logs.mkdir(parents=True)
    (settings.logs / "one.log").write_text("ERROR of yesterday\n")
    start(settings, entries, PythonServer(settings, "one", READY))
    assert (settings.logs / "one.log").read_text() == "ready\n"
    assert (settings.logs / "one.log.1").read_text() == "ERROR of yesterday\n"


def test_a_server_that_may_not_start_yet_is_asked_again(settings: LabSettings, entries: dict[str, Entry]) -> None:
    class Patient(PythonServer):
        asked = 0

        def may_start(self) -> bool:
            self.asked += 1
            return self.asked > 2

    patient = Patient(settings, "patient", READY)
    start(settings, entries, patient)
    assert patient.asked == 3


def test_a_requested_stop_ends_the_wait(settings: LabSettings, entries: dict[str, Entry]) -> None:
    stop = Stop()
    stop.request()
    never = PythonServer(settings, "never", "import time; time.sleep(600)")
    with pytest.raises(LabError, match="stopped on request"):
        start(settings, entries, never, stop=stop)


def test_variables_that_would_reconfigure_a_server_are_kept_from_it(
    settings: LabSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1k")
    monkeypatch.setenv("QUARKUS_HTTP_PORT", "1")
    monkeypatch.setenv("HOME", "here")
    environment = PythonServer(settings, "one", READY).environment()
    assert "HOME" in environment
    assert not {"JAVA_TOOL_OPTIONS", "QUARKUS_HTTP_PORT"} & set(environment)
