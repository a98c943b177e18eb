"""Settings of everything that runs on this machine: where it writes, what it listens on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from platformdirs import user_cache_path
from pydantic import AfterValidator, Field

from kafka_cluster.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[2]

Port = Annotated[int, Field(ge=1, le=65535)]
# Made absolute at once: servers run in folders of their own.
AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


class LabSettings(Settings):
    """Where the lab keeps its things and on which loopback ports its servers listen."""

    # Everything that lab commands write: data, logs, state, models. Safe to remove while nothing runs.
    lab_var: AbsolutePath = CHECKOUT / "var"
    # Downloads, shared by all checkouts of this user.
    lab_cache: AbsolutePath = Field(default_factory=lambda: user_cache_path("kafka-anomaly-lab"))
    # Folder of CSV series in NAB's layout; found by itself when not set.
    lab_data: AbsolutePath | None = None

    # Added to every port, so that one number moves the whole lab.
    lab_port_offset: int = Field(default=0, ge=0, le=50000)
    lab_zookeeper_port: Port = 2181
    lab_broker_port: Port = 9092
    lab_registry_port: Port = 8081
    lab_cassandra_port: Port = 9042
    lab_cassandra_storage_port: Port = 7000  # where the nodes of a ring talk to each other

    # Base URL of the Maven repository that the servers' files come from; the public one when not set.
    lab_maven_repository: str | None = None
    # A Java 17 to use in place of the one that comes as a Python package.
    lab_java: AbsolutePath | None = None

    @property
    def zookeeper_port(self) -> int:
        """The port that ZooKeeper listens on: base plus offset."""
        return self.lab_zookeeper_port + self.lab_port_offset

    @property
    def broker_port(self) -> int:
        """The port that the broker listens on: base plus offset."""
        return self.lab_broker_port + self.lab_port_offset

    @property
    def registry_port(self) -> int:
        """The port that the Schema Registry listens on: base plus offset."""
        return self.lab_registry_port + self.lab_port_offset

    @property
    def cassandra_port(self) -> int:
        """The port on which Cassandra serves clients: base plus offset."""
        return self.lab_cassandra_port + self.lab_port_offset

    @property
    def cassandra_storage_port(self) -> int:
        """The port that Cassandra's nodes use between them: base plus offset."""
        return self.lab_cassandra_storage_port + self.lab_port_offset

    @property
    def logs(self) -> Path:
        """Folder of the log files, one a process."""
        return self.lab_var / "logs"
