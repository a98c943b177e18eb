from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from kafka_cluster.embedded.artifacts import ArtifactStore
from kafka_cluster.embedded.broker import Broker
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.errors import LabError


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    port, zookeeper_port = pick_free(2)
    settings = LabSettings(lab_var=tmp_path / "var", lab_cache=tmp_path / "cache")
    return Broker(settings, ArtifactStore(settings.lab_cache), port, zookeeper_port)


def zookeeper_knows(broker: Broker) -> None:
    (broker.home.parent / "zookeeper" / "data" / "version-2").mkdir(parents=True)


def test_an_untouched_folder_and_an_empty_one_are_fine(broker: Broker) -> None:
    broker.check()
    broker.prepare()
    broker.check()
    (broker.data / ".lock").touch()  # killed before it wrote anything
    broker.check()


def test_partitions_without_an_identity_are_half_written(broker: Broker) -> None:
    (broker.data / "metrics-0").mkdir(parents=True)
    with pytest.raises(LabError, match=r"half-written: partitions, but no meta.properties; `\./lab down --wipe`"):
        broker.check()


def test_an_identity_without_a_cluster_is_half_written(broker: Broker) -> None:
    broker.data.mkdir(parents=True)
    (broker.data / "meta.properties").write_text("")
    with pytest.raises(LabError, match="half-written: it names no cluster"):
        broker.check()


def test_data_of_a_cluster_that_zookeeper_forgot_is_found_before_the_start(broker: Broker) -> None:
    broker.data.mkdir(parents=True)
    (broker.data / "meta.properties").write_text("cluster.id=abc\n")
    with pytest.raises(LabError, match=r"ZooKeeper no longer knows; .*--wipe"):
        broker.check()
    zookeeper_knows(broker)
    broker.check()


def test_it_may_start_at_once_when_nobody_ever_registered(broker: Broker) -> None:
    assert broker.may_start()


def test_it_waits_for_a_zookeeper_that_may_remember_its_predecessor(broker: Broker) -> None:
    zookeeper_knows(broker)
    assert not broker.may_start()


def test_it_listens_on_loopback_alone_and_makes_no_topics_by_itself(broker: Broker) -> None:
    broker.prepare()
    written = dict(line.split("=", 1) for line in (broker.home / "server.properties").read_text().splitlines())
    assert written["listeners"] == written["advertised.listeners"] == f"PLAINTEXT://127.0.0.1:{broker.port}"
    assert written["auto.create.topics.enable"] == "false"
    assert written["log.retention.ms"] == "-1"


@pytest.mark.parametrize(
    ("folders", "listed", "ready"),
    [
        ((), set(), True),
        (("metrics-0", "__consumer_offsets-3"), set(), False),
        (("metrics-0",), {"metrics"}, True),
        (("host-a-0",), {"host-a"}, True),
        (("gone-0.41f3-delete", "cleaner"), set(), True),
    ],
)
def test_it_is_ready_when_it_knows_the_topics_that_it_had(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, folders: tuple[str, ...], listed: set[str], ready: bool
) -> None:
    for name in folders:
        (broker.data / name).mkdir(parents=True)
    metadata = SimpleNamespace(brokers={0: "it"}, controller_id=0, topics=dict.fromkeys(listed))
    client = SimpleNamespace(list_topics=lambda timeout: metadata)  # noqa: ARG005 - the client's signature
    monkeypatch.setattr("kafka_cluster.embedded.broker.AdminClient", lambda *_given, **_named: client)
    monkeypatch.setattr("kafka_cluster.embedded.broker.listens", lambda _port: True)
    assert broker.is_ready() is ready
