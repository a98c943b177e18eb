"""The embedded cluster: up, down, status. The same servers as in production, as processes of this machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kafka_cluster.clock import Clock, Stop, SystemClock
from kafka_cluster.embedded import ports, process
from kafka_cluster.embedded.artifacts import ArtifactStore
from kafka_cluster.embedded.broker import Broker
from kafka_cluster.embedded.cassandra import Cassandra
from kafka_cluster.embedded.checks import require_room
from kafka_cluster.embedded.registry import Registry
from kafka_cluster.embedded.server import Server
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.embedded.start import Starter
from kafka_cluster.embedded.state import Entry, State
from kafka_cluster.embedded.zookeeper import ZooKeeper
from kafka_cluster.errors import LabError

Say = Callable[[str], None]

STOP_TIMEOUT_S = 15.0
OPTIONAL = (Cassandra.name,)  # started only when asked for


@dataclass(frozen=True)
class ServerStatus:
    """One server as it is now. `healthy` means that it answered."""

    name: str
    pid: int
    port: int
    log: str
    running: bool
    healthy: bool
    rss_bytes: int
    uptime_s: float
    leashed_to: int | None


@dataclass(frozen=True)
class ClusterInfo:
    """How to reach the cluster, and which servers this call of `up` started (the others ran already)."""

    bootstrap_servers: str
    registry_url: str
    zookeeper: str
    started: tuple[str, ...] = ()
    cassandra: tuple[str, int] | None = None  # host and port, where it is part of the cluster

    def env(self) -> dict[str, str]:
        """The environment variables that the programs of the lab read."""
        kafka = {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers, "SCHEMA_REGISTRY_URL": self.registry_url}
        if self.cassandra is None:
            return kafka
        host, port = self.cassandra
        return kafka | {"CASSANDRA_CONTACT_POINTS": host, "CASSANDRA_PORT": str(port)}


class Cluster:
    """The servers of one LAB_VAR. `say` is told, in one line each, what happens to which server."""

    def __init__(
        self,
        settings: LabSettings,
        *,
        clock: Clock | None = None,
        stop: Stop | None = None,
        say: Say = lambda _line: None,
    ) -> None:
        self._settings = settings
        self._stop = stop or Stop()
        self._clock = clock or SystemClock(self._stop)
        self._say = say
        self._state = State(settings.lab_var)
        self._store = ArtifactStore(settings.lab_cache, settings.lab_maven_repository)
        self._broker = Broker(settings, self._store, settings.broker_port, settings.zookeeper_port)
        self._registry = Registry(settings, self._store, settings.registry_port, self._broker.address)
        self._zookeeper = ZooKeeper(settings, self._store, settings.zookeeper_port)
        self._cassandra = Cassandra(settings, self._store, settings.cassandra_port, settings.cassandra_storage_port)
        # In the order of starting; stopped in the reverse order.
        self._servers: tuple[Server, ...] = (self._zookeeper, self._broker, self._registry, self._cassandra)

    @property
    def info(self) -> ClusterInfo:
        """The addresses, whether it runs or not; Cassandra's when it was started and not stopped."""
        return self._info(self._state.read(), ())

    def _info(self, entries: Mapping[str, Entry], started: tuple[str, ...]) -> ClusterInfo:
        cassandra = (self._cassandra.host, self._cassandra.port) if self._cassandra.name in entries else None
        addresses = (self._broker.address, self._registry.url, self._zookeeper.address)
        return ClusterInfo(*addresses, started, cassandra)

    def up(self, leashed: bool = False, extra: Sequence[str] = ()) -> ClusterInfo:
        """Start what does not run, and return when everything answers. Main thread only when `leashed`.

        `extra` names those of OPTIONAL that are wanted too.

        Leashed servers die with this process, whatever becomes of it. Raises LabError; then, and on
        Ctrl-C, what this call started is stopped again.
        """
        with self._state.alone():
            entries = self._state.read()
            wanted = [one for one in self._servers if one.name not in OPTIONAL or one.name in extra]
            to_start = [server for server in wanted if not self._reusable(server, entries)]
            if to_start:
                require_room(self._settings)
                self._store.ensure(sorted({server.artifacts for server in to_start}))
                self._start(to_start, entries, leashed)
            return self._info(entries, tuple(server.name for server in to_start))

    def down(self) -> list[str]:
        """Stop every server, last started first; returns the names of those that ran."""
        with self._state.alone():
            return self._down()

    def wipe(self) -> list[str]:
        """Stop every server and remove their data: topics, schemas, offsets."""
        with self._state.alone():
            stopped = self._down()
            shutil.rmtree(self._settings.lab_var / "cluster", ignore_errors=True)
            return stopped

    def status(self) -> list[ServerStatus]:
        """The servers that were started and not stopped. Raises LabError on a state file that is no such."""
        entries = self._state.read()
        return [self._status(server, entries[server.name]) for server in self._servers if server.name in entries]

    def _status(self, server: Server, entry: Entry) -> ServerStatus:
        running = entry.process.is_alive()
        return ServerStatus(
            name=entry.name,
            pid=entry.pid,
            port=entry.port,
            log=entry.log,
            running=running,
            healthy=running and server.port == entry.port and server.is_ready(),
            rss_bytes=entry.process.rss_bytes(),
            uptime_s=round(self._clock.now() - entry.since, 1) if running else 0.0,
            leashed_to=entry.leashed_to,
        )

    def _reusable(self, server: Server, entries: dict[str, Entry]) -> bool:
        """True for one that runs and answers; one that does not is stopped and forgotten."""
        entry = entries.get(server.name)
        if entry is None:
            return False
        if entry.process.is_alive() and entry.port == server.port and self._answers(server):
            ends = f", and ends with pid {entry.leashed_to}" if entry.leashed_to else ""
            self._say(f"{server.name}: runs already (pid {entry.pid}{ends})")
            return True
        if not entry.process.is_alive():
            self._say(f"{server.name}: had died (pid {entry.pid}, {entry.log}), starting it again")
        else:
            moved = entry.port != server.port
            why = f"listens on {entry.port}, not {server.port}" if moved else "does not answer"
            self._say(f"{server.name}: {why} (pid {entry.pid}), starting it again")
            process.stop(entry.process, STOP_TIMEOUT_S)
        del entries[server.name]
        return False

    def _answers(self, server: Server) -> bool:
        return any(server.is_ready() for _ in range(3))  # a busy machine may miss one

    def _start(self, servers: list[Server], entries: dict[str, Entry], leashed: bool) -> None:
        for server in servers:
            server.check()
            for variable, port in {server.port_variable: server.port, **server.other_ports}.items():
                ports.require_free(server.name, port, variable, server.host)
        starter = Starter(self._state, entries, self._clock, self._stop, self._say)
        try:
            starter.start(servers, leashed)
        except BaseException:  # Ctrl-C too
            for server in reversed(servers):
                if server.name in entries:
                    process.stop(entries.pop(server.name).process, STOP_TIMEOUT_S)
            self._state.write(entries)
            raise

    def _down(self) -> list[str]:
        try:
            entries = self._state.read()
        except LabError as error:
            self._say(str(error))
            entries = {}
        stopped = []
        for server in reversed(self._servers):
            noted = [entries[server.name].process] if server.name in entries else []
            for one in {found.pid: found for found in (*process.running(server.marker), *noted)}.values():
                ending = process.stop(one, STOP_TIMEOUT_S)
                if ending != "was not running":
                    self._say(f"{server.name}: {ending} (pid {one.pid})")
                    stopped.append(server.name)
        self._state.write({})
        return stopped
