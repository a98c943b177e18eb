"""A Cassandra ring of its own on this machine: a node on each of several loopback addresses, apart from `lab up`."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from kafka_cluster.clock import Clock, Stop, SystemClock
from kafka_cluster.embedded import process
from kafka_cluster.embedded.artifacts import ArtifactStore
from kafka_cluster.embedded.cassandra import Cassandra, Node
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.embedded.start import Starter
from kafka_cluster.embedded.state import Entry, State

STOP_TIMEOUT_S = 15.0


class Ring:
    """The nodes; their data are under `settings.lab_var`, their ports the settings' Cassandra ports on each address.

    `options` are settings of their cassandra.yaml, over the lab's own. Where a system has only 127.0.0.1 on its
    loopback interface (macOS), the other addresses have to be added first.
    """

    def __init__(
        self,
        settings: LabSettings,
        hosts: Sequence[str] = ("127.0.0.1", "127.0.0.2", "127.0.0.3"),
        *,
        heap_mb: int = 320,
        options: Mapping[str, object] | None = None,
        clock: Clock | None = None,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._state, self._entries = State(settings.lab_var), dict[str, Entry]()
        self._store = ArtifactStore(settings.lab_cache, settings.lab_maven_repository)
        self._starter = Starter(self._state, self._entries, clock or SystemClock(), Stop(), say)
        # Every node is a seed: a new ring then has nothing to stream, and its nodes start at the same time.
        nodes = [Node(f"cassandra-{host}", host, tuple(hosts), heap_mb, options or {}) for host in hosts]
        ports = settings.cassandra_port, settings.cassandra_storage_port
        self._servers = {node.host: Cassandra(settings, self._store, *ports, node) for node in nodes}

    @property
    def hosts(self) -> tuple[str, ...]:
        """The addresses of all nodes, up or not."""
        return tuple(self._servers)

    @property
    def port(self) -> int:
        """Where each node serves clients."""
        return next(iter(self._servers.values())).port

    def up(self, *hosts: str) -> None:
        """Start these nodes, or all. They end with this process; main thread only. Raises LabError."""
        self._store.ensure(["cassandra"])
        try:
            self._starter.start([self._servers[host] for host in hosts or self.hosts], leashed=True)
        except BaseException:  # Ctrl-C too
            self.down()
            raise

    def kill(self, host: str) -> None:
        """SIGKILL one node, as a power cut would."""
        entry = self._entries.pop(self._servers[host].name)
        with suppress(ProcessLookupError):
            os.kill(entry.pid, signal.SIGKILL)
        process.stop(entry.process, STOP_TIMEOUT_S)  # waits for its end

    def freeze(self, host: str) -> None:
        """SIGSTOP one node: its connections stay open, and nothing answers."""
        os.kill(self._entries[self._servers[host].name].pid, signal.SIGSTOP)

    def thaw(self, host: str) -> None:
        """Let a frozen node go on."""
        os.kill(self._entries[self._servers[host].name].pid, signal.SIGCONT)

    def down(self) -> None:
        """Stop every node."""
        with ThreadPoolExecutor() as pool:  # each takes seconds to write its last tables
            list(pool.map(lambda entry: process.stop(entry.process, STOP_TIMEOUT_S), self._entries.values()))
        self._entries.clear()
        self._state.write({})
