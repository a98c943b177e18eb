"""The embedded cluster itself. Each test brings its cluster up as it needs it, so that their order is free."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from urllib.request import urlopen

import psutil
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from kafka_cluster.embedded.cluster import Cluster, ClusterInfo, ServerStatus
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.embedded.process import running
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.errors import LabError

pytestmark = [pytest.mark.integration, pytest.mark.slow]

MEMORY_LIMIT_BYTES = 1.5e9
CASSANDRA_LIMIT_BYTES = 1.3e9


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> LabSettings:
    zookeeper, broker, registry, cassandra, storage = pick_free(5)
    return LabSettings.read(
        lab_var=tmp_path_factory.mktemp("own") / "var",
        lab_port_offset=0,
        lab_zookeeper_port=zookeeper,
        lab_broker_port=broker,
        lab_registry_port=registry,
        lab_cassandra_port=cassandra,
        lab_cassandra_storage_port=storage,
    )


@pytest.fixture(scope="module")
def own(settings: LabSettings) -> Iterator[Cluster]:
    """A cluster that these tests may break."""
    made = Cluster(settings)
    yield made
    made.down()


def by_name(cluster: Cluster) -> dict[str, ServerStatus]:
    return {server.name: server for server in cluster.status()}


def pids(cluster: Cluster) -> dict[str, int]:
    return {name: server.pid for name, server in by_name(cluster).items()}


def kill(cluster: Cluster, *names: str) -> None:
    for name in names:
        pid = pids(cluster)[name]
        os.kill(pid, signal.SIGKILL)
        psutil.Process(pid).wait(10)


def topics(info: ClusterInfo) -> set[str]:
    client = AdminClient({"bootstrap.servers": info.bootstrap_servers})
    return set(client.list_topics(timeout=10).topics)


def make_topic(info: ClusterInfo, name: str) -> None:
    client = AdminClient({"bootstrap.servers": info.bootstrap_servers})
    client.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])[name].result(10)


def test_everything_answers_on_loopback_alone_and_within_the_memory_limit(own: Cluster) -> None:
    own.up(leashed=True)
    servers = own.status()
    assert [server.name for server in servers] == ["zookeeper", "broker", "registry"]
    assert all(server.healthy for server in servers)
    assert sum(server.rss_bytes for server in servers) < MEMORY_LIMIT_BYTES
    assert_on_loopback_alone(servers)


def assert_on_loopback_alone(servers: list[ServerStatus]) -> None:
    for server in servers:
        listening = [
            connection.laddr[0]
            for connection in psutil.Process(server.pid).net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert listening
        assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_cassandra_comes_when_asked_for_beside_what_runs_and_goes_with_it(own: Cluster) -> None:
    own.up(leashed=True)
    before = pids(own)
    info = own.up(leashed=True, extra=["cassandra"])
    assert info.started == ("cassandra",)
    assert own.info.env() == info.env()
    assert info.env()["CASSANDRA_CONTACT_POINTS"] == "127.0.0.1"
    assert pids(own).items() >= before.items()
    (cassandra,) = [server for server in own.status() if server.name == "cassandra"]
    assert cassandra.healthy
    assert cassandra.rss_bytes < CASSANDRA_LIMIT_BYTES
    assert_on_loopback_alone([cassandra])
    assert own.up(leashed=True, extra=["cassandra"]).started == ()
    assert own.down() == ["cassandra", "registry", "broker", "zookeeper"]
    assert "CASSANDRA_CONTACT_POINTS" not in own.info.env()


def test_a_second_up_reuses_what_runs(own: Cluster) -> None:
    own.up(leashed=True)
    before = pids(own)
    assert own.up(leashed=True).started == ()
    assert pids(own) == before


def test_a_killed_broker_is_started_again_alone_and_its_topics_are_there(own: Cluster) -> None:
    info = own.up(leashed=True)
    make_topic(info, "survivor")
    before = pids(own)
    kill(own, "broker")
    assert not by_name(own)["broker"].running
    assert own.up(leashed=True).started == ("broker",)
    after = pids(own)
    assert {name for name in after if after[name] != before[name]} == {"broker"}
    assert "survivor" in topics(info)


def test_schemas_and_topics_survive_a_kill_of_everything(own: Cluster) -> None:
    info = own.up(leashed=True)
    make_topic(info, "kept")
    schema = {"type": "record", "name": "Kept", "fields": [{"name": "x", "type": "long"}]}
    subject = f"{info.registry_url}/subjects"
    register(info, "kept-value", schema)
    kill(own, "registry", "broker", "zookeeper")
    assert own.up(leashed=True).started == ("zookeeper", "broker", "registry")
    assert "kept" in topics(info)
    with urlopen(subject, timeout=10) as answer:  # noqa: S310 - the test's own server
        assert "kept-value" in json.load(answer)


def register(info: ClusterInfo, subject: str, schema: object) -> None:
    with SchemaRegistryClient({"url": info.registry_url}) as client:
        client.register_schema(subject, Schema(json.dumps(schema), "AVRO"))


def test_the_registry_begins_at_backward_compatibility(own: Cluster) -> None:
    info = own.up(leashed=True)
    with urlopen(f"{info.registry_url}/config", timeout=10) as answer:  # noqa: S310 - the test's own server
        assert json.load(answer) == {"compatibilityLevel": "BACKWARD"}


def test_no_topic_is_made_by_asking_for_it(own: Cluster) -> None:
    info = own.up(leashed=True)
    client = AdminClient({"bootstrap.servers": info.bootstrap_servers})
    client.list_topics("nobody-made-me", timeout=10)
    assert "nobody-made-me" not in topics(info)


def test_down_leaves_no_process_and_no_data_is_lost(own: Cluster, settings: LabSettings) -> None:
    info = own.up(leashed=True)
    make_topic(info, "durable")
    assert own.down() == ["registry", "broker", "zookeeper"]
    for name in ("registry", "broker", "zookeeper"):
        assert list(running(f"-Dlab.server={settings.lab_var}/cluster/{name}")) == []
    assert own.status() == []
    assert "durable" in topics(own.up(leashed=True))


def test_a_zookeeper_that_forgot_its_broker_is_found_before_the_start_and_wipe_helps(
    own: Cluster, settings: LabSettings
) -> None:
    info = own.up(leashed=True)
    make_topic(info, "doomed")
    own.down()
    (settings.lab_var / "cluster" / "zookeeper").rename(settings.lab_var / "lost")
    with pytest.raises(LabError, match="ZooKeeper no longer knows"):
        own.up(leashed=True)
    assert own.status() == []
    own.wipe()
    assert "doomed" not in topics(own.up(leashed=True))


def test_a_broker_of_another_cluster_is_explained_from_its_log(own: Cluster, settings: LabSettings) -> None:
    own.up(leashed=True)
    own.down()
    identity = settings.lab_var / "cluster" / "broker" / "data" / "meta.properties"
    lines = identity.read_text().splitlines()
    identity.write_text("\n".join("cluster.id=other" if "cluster.id" in line else line for line in lines))
    with pytest.raises(LabError, match=r"broker: ended while it was starting; .*Invalid cluster.id.*--wipe"):
        own.up(leashed=True)
    assert own.status() == []
    own.wipe()


def test_the_shared_cluster_is_ready_for_every_test(cluster: ClusterInfo) -> None:
    assert topics(cluster) >= set()
