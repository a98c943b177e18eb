"""What tests of several kinds share: the embedded cluster, started once a session."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import hypothesis
import pytest
import structlog

from kafka_cluster.embedded.cluster import Cluster, ClusterInfo
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.embedded.ring import Ring
from kafka_cluster.embedded.settings import LabSettings

hypothesis.settings.register_profile("lab", deadline=None)  # how long an example takes says nothing here
hypothesis.settings.load_profile("lab")


@pytest.fixture(autouse=True)
def every_event_is_said() -> None:
    """The test before may have run a command that wants silence."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))


@pytest.fixture(scope="session")
def cluster_settings(tmp_path_factory: pytest.TempPathFactory) -> LabSettings:
    """Ports that nobody uses and a folder of its own; the downloads are the user's."""
    zookeeper, broker, registry = pick_free(3)
    return LabSettings.read(
        lab_var=tmp_path_factory.mktemp("cluster") / "var",
        lab_port_offset=0,
        lab_zookeeper_port=zookeeper,
        lab_broker_port=broker,
        lab_registry_port=registry,
    )


@pytest.fixture(scope="session")
def cluster(cluster_settings: LabSettings) -> Iterator[ClusterInfo]:
    """A running cluster for the whole session; it dies with pytest, whatever becomes of that."""
    servers = Cluster(cluster_settings)
    yield servers.up(leashed=True)
    servers.down()


@pytest.fixture(scope="session")
def cassandra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """One Cassandra for the whole session, started by the first test that asks; gives the variables to reach it by."""
    native, storage = pick_free(2)
    settings = LabSettings.read(
        lab_var=tmp_path_factory.mktemp("cassandra") / "var",
        lab_port_offset=0,
        lab_cassandra_port=native,
        lab_cassandra_storage_port=storage,
    )
    one = Ring(settings, ["127.0.0.1"], heap_mb=512)
    one.up()
    yield {"cassandra_contact_points": "127.0.0.1", "cassandra_port": str(native)}
    one.down()
