"""What every live source promises: this host, exporters' pages and Prometheus servers, and their fakes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import httpx2
import psutil
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from kafka_cluster.clock import Clock, ManualClock, SystemClock
from kafka_cluster.embedded.ports import pick_free
from producer.sources import machine as machines
from producer.sources.host import HostSource
from producer.sources.machine import Traffic, Work
from producer.sources.open import open_source
from producer.sources.settings import SourceSettings
from producer.sources.source import Reading, Source, SourceAwayError
from tests.prometheus_server import PrometheusServer
from tests.unit.producer.sources.conftest import FakeMachine

EVERY_S = 0.2
LOOKS = 200  # at most, until something is there
SERIES = """\
metrics:
  level: {select: lab_test_level}
  work: {select: lab_test_work_total, rate: true}
"""


class World(Protocol):
    """A source, and the power over what it looks at."""

    source: Source
    clock: Clock

    def work(self) -> None:
        """Let what is looked at go on, and time pass until the next look."""

    def vanish(self) -> None:
        """Let it not answer."""

    def come_back(self) -> None:
        """Let it answer again."""

    def close(self) -> None:
        """Leave nothing behind."""


class FakeHost:
    def __init__(self, _folder: Path) -> None:
        self.clock: Clock = ManualClock(1_000.0)
        self._machine = FakeMachine()
        self.source: Source = HostSource("fake", ("cpu", "network"), EVERY_S, self.clock, self._machine)

    def work(self) -> None:
        before = self._machine.network["eth0"].in_bytes
        busy = self._machine.busy
        self._machine.busy = Work(busy.busy_s + 0.1, busy.total_s + 0.4)
        self._machine.network = {"eth0": Traffic(before + 100, 0)}
        self.clock.sleep(EVERY_S)

    def vanish(self) -> None:
        self._machine.error = OSError("no /proc")

    def come_back(self) -> None:
        self._machine.error = None

    def close(self) -> None:
        pass


class RealHost:
    def __init__(self, _folder: Path) -> None:
        self.clock: Clock = SystemClock()
        self.source: Source = HostSource("this", ("cpu", "memory", "load"), EVERY_S, self.clock)
        self._patch = pytest.MonkeyPatch()

    def work(self) -> None:
        self.clock.sleep(EVERY_S)

    def vanish(self) -> None:
        def denied() -> None:
            raise psutil.AccessDenied

        self._patch.setattr(machines.psutil, "cpu_times", denied)  # type: ignore[attr-defined] # psutil is imported there

    def come_back(self) -> None:
        self._patch.undo()

    def close(self) -> None:
        self._patch.undo()


def settings(kind: str, url: str, folder: Path, every_s: float = EVERY_S) -> SourceSettings:
    file = folder / "series.yaml"
    file.write_text(SERIES)
    return SourceSettings.read(source=kind, source_url=url, source_series=file, source_every_s=every_s)


class FakePage:
    """An exporter's page, made up."""

    kind, path = "exporter", "/metrics"

    def __init__(self, folder: Path) -> None:
        self.clock: Clock = ManualClock(1_000.0)
        self._count, self._away = 0, False
        url = f"http://127.0.0.1:9{self.path}"
        transport = httpx2.MockTransport(self._answer)
        self.source: Source = open_source(settings(self.kind, url, folder), self.clock, transport=transport)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if self._away:
            raise httpx2.ConnectError("refused")
        return self.answer(request)

    def answer(self, _request: httpx2.Request) -> httpx2.Response:
        text = f"# TYPE lab_test_level gauge\nlab_test_level 3\nlab_test_work_total {self._count}\n"
        return httpx2.Response(200, text=text)

    def work(self) -> None:
        self._count += 1
        self.clock.sleep(EVERY_S)

    def vanish(self) -> None:
        self._away = True

    def come_back(self) -> None:
        self._away = False

    def close(self) -> None:
        self.source.close()


class FakeServer(FakePage):
    """A Prometheus server's API, made up."""

    kind, path = "prometheus", ""

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        now, params = self.clock.now(), request.url.params
        if request.url.path.endswith("/query"):
            return success({"resultType": "scalar", "result": [now, str(now)]})
        start, end, step = (float(params[name]) for name in ("start", "end", "step"))
        value = {"lab_test_level": "3", "lab_test_work_total": str(self._count)}[params["query"]]
        values = [[start + step * number, value] for number in range(round((end - start) / step) + 1)]
        return success({"resultType": "matrix", "result": [{"metric": {"job": "x"}, "values": values}]})


def success(data: object) -> httpx2.Response:
    return httpx2.Response(200, text=json.dumps({"status": "success", "data": data}))


class RealPage:
    """A program of its own with prometheus_client, over a real socket."""

    def __init__(self, folder: Path) -> None:
        self.clock: Clock = SystemClock()
        self._registry = CollectorRegistry()
        self._level = Gauge("lab_test_level", "A level.", registry=self._registry)
        self._work = Counter("lab_test_work", "Work done.", registry=self._registry)
        (self.port,) = pick_free(1)
        self.come_back()
        url = f"http://127.0.0.1:{self.port}/metrics"
        self.source: Source = open_source(settings("exporter", url, folder), self.clock)

    def work(self) -> None:
        self._level.set(3)
        self._work.inc()
        self.clock.sleep(EVERY_S)

    def vanish(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def come_back(self) -> None:
        self._server, self._thread = start_http_server(self.port, "127.0.0.1", self._registry)

    def close(self) -> None:
        self.source.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class RealServer:
    """A Prometheus server that scrapes such a program."""

    def __init__(self, folder: Path) -> None:
        self.clock: Clock = SystemClock()
        self._page = RealPage(folder)
        self._page.work()
        self._server = PrometheusServer(folder, [f"127.0.0.1:{self._page.port}"])
        self._server.start()
        self._server.wait_for("lab_test_level")
        self.source: Source = open_source(settings("prometheus", self._server.url, folder), self.clock)

    def work(self) -> None:
        self._page.work()

    def vanish(self) -> None:
        self._server.stop()

    def come_back(self) -> None:
        self._server.start()

    def close(self) -> None:
        self.source.close()
        self._server.stop()
        self._page.close()


REAL_SERVER = pytest.param(RealServer, marks=pytest.mark.integration)


@pytest.fixture(params=[FakeHost, RealHost, FakePage, RealPage, FakeServer, REAL_SERVER])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made: World = request.param(tmp_path)
    yield made
    made.close()


def records(world: World, count: int) -> list[Reading]:
    """So many records, looked for at the source's pace."""
    found: list[Reading] = []
    for _ in range(LOOKS):
        found += world.source.poll()
        if len(found) >= count:
            return found
        world.work()
    pytest.fail(f"{len(found)} records in {LOOKS} looks, not {count}")


def test_there_are_records_of_its_metrics_after_some_looks(world: World) -> None:
    for record in records(world, 3):
        assert record.key
        assert len(record.values) == len(world.source.metrics)
        assert all(math.isfinite(value) for value in record.values)


def test_no_instant_of_a_key_comes_twice_or_out_of_order(world: World) -> None:
    found = records(world, 3) + world.source.poll() + world.source.poll()
    times = [record.time_ms for record in found if record.key == found[0].key]
    assert times == sorted(set(times))


def test_instants_are_those_of_the_looks(world: World) -> None:
    before_ms = 1_000 * (world.clock.now() - 2 * EVERY_S)
    found = records(world, 3)
    assert before_ms <= found[0].time_ms
    assert found[-1].time_ms <= 1_000 * (world.clock.now() + 2 * EVERY_S)


def test_one_that_is_away_says_so_by_name_and_comes_back_with_later_records_and_none_made_up(world: World) -> None:
    last_ms = records(world, 2)[-1].time_ms
    world.vanish()
    for _ in range(3):
        with pytest.raises(SourceAwayError) as caught:
            world.source.poll()
        assert caught.value.thing == world.source.name
        world.clock.sleep(EVERY_S)
    gone_ms = 1_000 * (world.clock.now() - 2 * EVERY_S)
    world.come_back()
    later = records(world, 1)
    assert later[0].time_ms > last_ms
    assert later[0].time_ms >= gone_ms


def test_a_second_close_does_nothing(world: World) -> None:
    world.source.close()
    world.source.close()
