"""The nine faults. Each is a function that breaks a running lab and mends what an operator would mend."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from benchmarks.faults.run import SESSION_TIMEOUT_S, TRANSACTION_TIMEOUT_S, Run
from commands.demo_processes import Program
from kafka_cluster.embedded.cluster import ServerStatus
from kafka_cluster.errors import LabError

Blow = Callable[[Run], None]
BREAKS_WITHIN_S = 15.0
OUTAGE_S = 2.0
REGISTRY_OUTAGE_S = 3.0


def nothing(run: Run) -> None:
    """The undisturbed run."""
    run.strike()


def consumer_killed(run: Run) -> None:
    """SIGKILL inside a transaction, then a restart under the same id."""
    _break(run, "one", "SIGKILL")
    run.wait(lambda: run.restarts > 0, BREAKS_WITHIN_S)


def consumer_stopped(run: Run) -> None:
    """SIGSTOP inside a transaction until group and coordinator have given it up, then SIGCONT: back from the dead."""
    _break(run, "one", "SIGSTOP")
    run.sleep(max(SESSION_TIMEOUT_S, TRANSACTION_TIMEOUT_S) + 2.0)
    _signal(run.members["one"], signal.SIGCONT)


def broker_killed(run: Run) -> None:
    """SIGKILL of the broker, a pause, a restart on the same data."""
    run.strike()
    kill_server(run, "broker")
    run.sleep(OUTAGE_S)
    run.cluster.up(leashed=True)


def registry_down(run: Run) -> None:
    """No registry while records of an unknown schema come in and a member starts afresh."""
    run.strike()
    kill_server(run, "registry")
    run.send_evolved()
    _signal(run.members["two"], signal.SIGKILL)
    run.sleep(REGISTRY_OUTAGE_S)
    run.cluster.up(leashed=True)


def rebalance_storm(run: Run) -> None:
    """1 → 4 → 2 → 3 members, one of those that go killed, one stopped cleanly."""
    run.strike()
    for name in ("two", "three", "four"):
        run.start_member(name)
    run.wait(lambda: all(one.beat().get("partitions") for one in run.members.values()), BREAKS_WITHIN_S)
    gone = run.members.pop("four")
    _signal(gone, signal.SIGKILL)
    run.members.pop("one").stop()
    run.sleep(1.0)
    run.start_member("five")


def poison(run: Run) -> None:
    """One record in a hundred that nobody can read."""
    run.send_poison()
    run.strike()  # from the last of it on


def producer_killed(run: Run) -> None:
    """SIGKILL of the producer, then a second one that goes on after what the topic holds."""
    run.strike()
    if run.producer is not None:
        _signal(run.producer, signal.SIGKILL)
    run.sleep(0.5)
    run.start_producer(resume=True)


def model_swapped(run: Run) -> None:
    """A new champion in the middle of the stream."""
    run.strike()
    run.announce("second")


def server(run: Run, name: str) -> ServerStatus:
    """One of the run's servers as it is now."""
    (found,) = (one for one in run.cluster.status() if one.name == name)
    return found


def kill_server(run: Run, name: str) -> None:
    """SIGKILL, and nothing else: what it left behind stays as it is."""
    os.kill(server(run, name).pid, signal.SIGKILL)


def _break(run: Run, name: str, how: str) -> None:
    run.break_in_transaction(name, how)
    if not run.wait(lambda: run.broke(name), BREAKS_WITHIN_S):
        raise LabError(f"member {name}", "no transaction with an anomaly to break", "raise --records")
    run.strike()


def _signal(program: Program, number: signal.Signals) -> None:
    found = program.process.find()
    if found is not None:
        os.kill(found.pid, number)


ORDINARY: dict[str, Blow] = {
    "consumer-killed": consumer_killed,
    "consumer-stopped": consumer_stopped,
    "broker-killed": broker_killed,
    "registry-down": registry_down,
    "rebalance-storm": rebalance_storm,
    "poison": poison,
    "producer-killed": producer_killed,
    "model-swapped": model_swapped,
}
