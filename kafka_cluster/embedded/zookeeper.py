"""ZooKeeper, standalone: where the broker keeps its topics and its cluster id."""

from __future__ import annotations

from collections.abc import Sequence

from kafka_cluster.embedded.server import HOST, Server, four_letters, write_properties


class ZooKeeper(Server):
    """Ready when it says in which mode it serves."""

    name = "zookeeper"
    artifacts = "kafka"
    port_variable = "LAB_ZOOKEEPER_PORT"

    def prepare(self) -> None:
        """Write zookeeper.properties."""
        super().prepare()
        write_properties(
            self.home / "zookeeper.properties",
            {
                "dataDir": self.data,
                "clientPort": self.port,
                "clientPortAddress": HOST,
                "tickTime": 2000,
                "maxClientCnxns": 0,  # no limit: everything comes from one address
                "admin.enableServer": "false",
                "4lw.commands.whitelist": "srvr,ruok,dump",
                "autopurge.snapRetainCount": 3,
                "autopurge.purgeInterval": 1,  # hours
            },
        )

    def command(self) -> Sequence[str]:
        """A small heap, and no compiler beyond the first tier: it has next to nothing to do."""
        return [
            *self.java_with_jars("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            str(self.home / "zookeeper.properties"),
        ]

    def is_ready(self) -> bool:
        """`srvr` names the mode only when requests are served."""
        return "Mode: standalone" in four_letters(self.port, "srvr")
