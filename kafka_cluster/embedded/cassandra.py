"""Cassandra: the durable history. One node on the loopback address, or one of a ring on several of them."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kafka_cluster.embedded.artifacts import ArtifactStore
from kafka_cluster.embedded.server import ASK_TIMEOUT_S, HOST, WIPE, Server
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.errors import LabError

DATACENTER = "datacenter1"  # the name that a node of SimpleSnitch gives itself
# OPTIONS of the native protocol, version 4, and the SUPPORTED that a node which serves answers with.
ASK_OPTIONS = bytes([0x04, 0, 0, 0, 0x05, 0, 0, 0, 0])
SUPPORTED = 0x06
OPCODE_AT = 4
FRAME_HEADER_BYTES = 9

# What Cassandra 5 reaches into on Java 17: the list of its own jvm17-server.options.
EXPORTS = (
    "java.base/java.lang.ref", "java.base/jdk.internal.misc", "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry", "java.rmi/sun.rmi.server", "java.sql/java.sql", "jdk.unsupported/sun.misc",
)  # fmt: skip
OPENS = (
    "java.base/java.io", "java.base/java.lang", "java.base/java.lang.module", "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util", "java.base/java.util.concurrent", "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.loader", "java.base/jdk.internal.math", "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref", "java.base/jdk.internal.reflect", "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch", "jdk.management/com.sun.management.internal",
)  # fmt: skip


@dataclass(frozen=True)
class Node:
    """Where one node stands: its own loopback address, and the addresses of those that it asks for the ring."""

    name: str = "cassandra"
    host: str = HOST
    seeds: tuple[str, ...] = (HOST,)
    heap_mb: int = 640
    options: Mapping[str, object] = field(default_factory=dict)  # of cassandra.yaml, over the lab's own


class Cassandra(Server):
    """Ready when it answers a client's first question."""

    name = "cassandra"
    artifacts = "cassandra"
    port_variable = "LAB_CASSANDRA_PORT"

    def __init__(
        self, settings: LabSettings, store: ArtifactStore, port: int, storage_port: int, node: Node | None = None
    ) -> None:
        self.node = node or Node()
        self.name = self.node.name
        self.host = self.node.host
        self._storage_port = storage_port
        super().__init__(settings, store, port)

    @property
    def other_ports(self) -> Mapping[str, int]:
        """Where the nodes of a ring talk to each other."""
        return {"LAB_CASSANDRA_STORAGE_PORT": self._storage_port}

    def check(self) -> None:
        """A first start that was cut short leaves a data folder without the system's tables."""
        if (self.data / "data").is_dir() and not (self.data / "data" / "system").is_dir():
            raise LabError(str(self.data), "half-written: no system tables", WIPE)

    def prepare(self) -> None:
        """Write cassandra.yaml and logback.xml."""
        super().prepare()
        (self.home / "cassandra.yaml").write_text(json.dumps(self._settings(), indent=1) + "\n")  # JSON is YAML
        (self.home / "logback.xml").write_text(LOGBACK)

    def _settings(self) -> dict[str, object]:
        """What differs from the defaults of the server's own Config class."""
        seeds = {"seeds": ",".join(f"{seed}:{self._storage_port}" for seed in self.node.seeds)}
        folders = ("commitlog", "saved_caches", "hints", "cdc_raw")
        return {
            "cluster_name": "kafka-anomaly-lab",
            "num_tokens": 8,
            "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
            "endpoint_snitch": "SimpleSnitch",
            "data_file_directories": [str(self.data / "data")],
            **{f"{name}_directory": str(self.data / name) for name in folders},
            # An acknowledged write is on the disk: the usual way, now and then, loses the last ones when it is killed.
            "commitlog_sync": "batch",
            "commit_failure_policy": "stop",
            "disk_failure_policy": "stop",
            "listen_address": self.host,
            "rpc_address": self.host,
            "storage_port": self._storage_port,
            "native_transport_port": self.port,
            "seed_provider": [{"class_name": "org.apache.cassandra.locator.SimpleSeedProvider", "parameters": [seeds]}],
            # Of a request, whose rows are all of one partition, a trie takes twice as many a second as the skip list.
            "memtable_heap_space": f"{self.node.heap_mb // 4}MiB",
            "memtable_offheap_space": f"{self.node.heap_mb // 4}MiB",
            "memtable_allocation_type": "offheap_buffers",
            "memtable": {"configurations": {"default": {"class_name": "TrieMemtable"}}},
            "file_cache_size": "32MiB",
            "commitlog_segment_size": "32MiB",
            "commitlog_total_space": "256MiB",
            "concurrent_compactors": 1,
            "compaction_throughput": "64MiB/s",
            "row_cache_size": "0MiB",
            "key_cache_size": "8MiB",
            "counter_cache_size": "0MiB",
            # A ring on one machine: a node that was killed is to be noticed soon.
            "write_request_timeout": "4000ms",
            "read_request_timeout": "10000ms",
            "range_request_timeout": "20000ms",
            "materialized_views_enabled": False,
            **self.node.options,
        }

    def command(self) -> Sequence[str]:
        """A fixed heap; nothing listens but the two ports of the settings (no JMX)."""
        jars = self.store.jars(self.artifacts)
        agent = next(jar for jar in jars if jar.name.startswith("jamm-"))
        heap = f"{self.node.heap_mb}m"
        return [
            *self.java(f"-javaagent:{agent}", f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseParallelGC", "-Xss256k"),
            *(f"--add-exports={package}=ALL-UNNAMED" for package in EXPORTS),
            *(f"--add-opens={package}=ALL-UNNAMED" for package in OPENS),
            "-Djdk.attach.allowAttachSelf=true",
            f"-Dcassandra.config=file://{self.home}/cassandra.yaml",
            f"-Dcassandra.storagedir={self.data}",
            f"-Dlogback.configurationFile={self.home}/logback.xml",
            "-Dcassandra.skip_wait_for_gossip_to_settle=0",
            "-Dcassandra.superuser_setup_delay_ms=0",
            "-Dcassandra.ring_delay_ms=2000",  # between nodes of one machine news needs no 30 s
            "-Dcassandra.consistent.rangemovement=false",
            "-Dcassandra-foreground=yes",
            "-cp",
            ":".join(str(jar) for jar in jars),
            "org.apache.cassandra.service.CassandraDaemon",
        ]

    def is_ready(self) -> bool:
        """Ask for its options, as any driver does first. It listens only when it serves."""
        try:
            with socket.create_connection((self.host, self.port), timeout=ASK_TIMEOUT_S) as connection:
                connection.sendall(ASK_OPTIONS)
                with connection.makefile("rb") as answer:
                    header = answer.read(FRAME_HEADER_BYTES)
        except OSError:
            return False
        return len(header) == FRAME_HEADER_BYTES and header[OPCODE_AT] == SUPPORTED

    def way_out(self, log_tail: str) -> str:
        """Name what is known."""
        if "Saved cluster name" in log_tail or "CommitLogReplayException" in log_tail:
            return WIPE
        return super().way_out(log_tail)


LOGBACK = """\
<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>[%date{yyyy-MM-dd HH:mm:ss,SSS}] %level %msg%n</pattern></encoder>
  </appender>
  <logger name="org.apache.cassandra.config.YamlConfigurationLoader" level="WARN"/>
  <logger name="org.apache.cassandra.config.DatabaseDescriptor" level="WARN"/>
  <root level="INFO"><appender-ref ref="OUT"/></root>
</configuration>
"""
