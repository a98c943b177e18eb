from __future__ import annotations

import psutil
import pytest

from kafka_cluster.errors import LabError
from producer.sources import host, machine
from producer.sources.host import UNITS, HostSource, available
from producer.sources.machine import ThisMachine, Traffic, Work
from producer.sources.source import SourceAwayError
from tests.unit.producer.sources.conftest import FakeMachine, JumpingClock


def source(machine: FakeMachine, clock: JumpingClock, *metrics: str) -> HostSource:
    made = HostSource("db-7", metrics, 10.0, clock, machine)
    assert made.poll() == [] or not set(metrics) - {"memory", "swap", "load"}
    clock.sleep(10.0)
    return made


def values(made: HostSource) -> tuple[float, ...] | None:
    """Of the one record of a look; None where there is none."""
    found = made.poll()
    assert len(found) <= 1
    return found[0].values if found else None


def test_a_record_has_the_key_the_instant_and_the_metrics_in_order(machine: FakeMachine, clock: JumpingClock) -> None:
    made = source(machine, clock, "load", "cpu", "memory")
    machine.busy = Work(5.0, 20.0)
    (record,) = made.poll()
    assert record.key == "db-7"
    assert record.time_ms == round(clock.now() * 1000)
    assert record.values == (0.5, 25.0, 40.0)


def test_bytes_are_rates_by_direction_over_all_devices(machine: FakeMachine, clock: JumpingClock) -> None:
    machine.disk["sdb"] = Traffic(7, 7)
    made = source(machine, clock, "disk_read", "disk_write", "disk", "network_in", "network_out", "network", "loopback")
    machine.disk = {"sda": Traffic(1_000, 200), "sdb": Traffic(1_007, 7)}
    machine.network["eth0"], machine.lo["lo"] = Traffic(50, 10), Traffic(30, 30)
    assert values(made) == (200.0, 20.0, 220.0, 5.0, 1.0, 6.0, 6.0)


def test_an_interface_that_has_just_come_counts_from_the_next_look_on(
    machine: FakeMachine, clock: JumpingClock
) -> None:
    made = source(machine, clock, "network")
    machine.network = {"eth0": Traffic(100, 0), "wg0": Traffic(1_000_000, 0)}
    assert values(made) == (10.0,)
    clock.sleep(10.0)
    machine.network = {"eth0": Traffic(200, 0), "wg0": Traffic(1_000_300, 0)}
    assert values(made) == (40.0,)


def test_a_device_whose_counter_fell_leaves_the_look_without_a_record(
    machine: FakeMachine, clock: JumpingClock
) -> None:
    """Without it the sum would be too low, and nobody would know."""
    machine.disk = {"sda": Traffic(0, 500), "sdb": Traffic(0, 500)}
    made = source(machine, clock, "disk")
    machine.disk = {"sda": Traffic(0, 10), "sdb": Traffic(0, 900)}
    assert values(made) is None
    clock.sleep(10.0)
    machine.disk = {"sda": Traffic(0, 20), "sdb": Traffic(0, 900)}
    assert values(made) == (1.0,)


def test_after_the_machine_slept_the_first_look_has_no_record(machine: FakeMachine, clock: JumpingClock) -> None:
    made = source(machine, clock, "network")
    clock.set_by += 7_200
    machine.network["eth0"] = Traffic(10**9, 0)
    assert values(made) is None
    clock.sleep(10.0)
    machine.network["eth0"] = Traffic(10**9 + 100, 0)
    assert values(made) == (10.0,)


def test_without_a_tick_between_two_looks_the_processor_is_not_said_to_be_idle(
    machine: FakeMachine, clock: JumpingClock
) -> None:
    made = source(machine, clock, "cpu")
    assert values(made) is None


def test_a_machine_that_does_not_tell_is_away_and_comes_back(machine: FakeMachine, clock: JumpingClock) -> None:
    made = source(machine, clock, "cpu")
    machine.error = PermissionError(13, "Permission denied", "/proc/stat")
    with pytest.raises(SourceAwayError, match=r"host db-7: does not tell its metrics .*Permission denied"):
        made.poll()
    machine.error = None
    machine.busy = Work(10.0, 10.0)
    made.poll()
    clock.sleep(10.0)
    machine.busy = Work(20.0, 30.0)
    assert values(made) == (50.0,)


def test_what_the_machine_lacks_and_what_is_no_metric_is_named_with_what_there_is(
    machine: FakeMachine, clock: JumpingClock
) -> None:
    machine.disk = {}
    with pytest.raises(LabError, match="metric 'disk_read': is not told by this machine; METRICS may name cpu, memory"):
        HostSource("h", ["cpu", "disk_read"], 1.0, clock, machine)
    with pytest.raises(LabError, match="metric 'cpus': is no metric of a host"):
        HostSource("h", ["cpus"], 1.0, clock, machine)
    assert available(machine) == tuple(name for name in UNITS if not name.startswith("disk"))


def test_the_metrics_of_the_default_schema_are_metrics_of_a_host(machine: FakeMachine, clock: JumpingClock) -> None:
    assert HostSource("h", ("network", "disk", "cpu"), 1.0, clock, machine).metrics == ("network", "disk", "cpu")


def test_partitions_mappers_and_what_is_no_disk_are_not_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counters:
        read_bytes, write_bytes, bytes_recv, bytes_sent = 1, 2, 3, 4

    disks = ("nvme0n1", "nvme0n1p1", "dm-0", "loop3", "zram0")
    monkeypatch.setattr(psutil, "disk_io_counters", lambda **_how: dict.fromkeys(disks, Counters()))
    monkeypatch.setattr(machine, "_is_whole_disk", lambda name: not name.endswith("p1"))
    networks = ("eth0", "lo", "docker0", "veth12", "br-1")
    monkeypatch.setattr(psutil, "net_io_counters", lambda **_how: dict.fromkeys(networks, Counters()))
    assert ThisMachine().disks() == {"nvme0n1": Traffic(1, 2)}
    assert ThisMachine().networks() == {"eth0": Traffic(3, 4)}
    assert ThisMachine().loopback() == {"lo": Traffic(3, 4)}


def test_every_metric_has_a_unit_and_every_unit_a_line_in_the_table() -> None:
    assert all(name in (host.__doc__ or "") for name in UNITS)
