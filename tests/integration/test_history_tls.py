"""A Cassandra that asks for a password and speaks TLS, and what a client with the wrong ones is told."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consumer_history.cassandra_rows import RowStore
from consumer_history.cassandra_settings import CassandraSettings
from consumer_history.connection import Connection
from consumer_history.migrate import migrate
from consumer_history.store import EventBatch, StoreAwayError
from kafka_cluster.clock import SystemClock
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.embedded.ring import Ring
from kafka_cluster.embedded.server import java
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.errors import LabError

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PASSWORD = "of-this-test"  # noqa: S105 - of a keystore that lives as long as the test
OTHER = "127.0.0.2"
SUPERUSER = {"cassandra_username": "cassandra", "cassandra_password": "cassandra"}  # Cassandra's own, on a new node


def keytool(lab: LabSettings, *arguments: str) -> None:
    command = [str(java(lab).with_name("keytool")), *arguments, "-storepass", PASSWORD]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def certified(lab: LabSettings, folder: Path, name: str) -> tuple[Path, Path]:
    """A keystore with a key of its own for 127.0.0.1, and its certificate as a PEM file."""
    store, pem = folder / f"{name}.p12", folder / f"{name}.pem"
    key = ("-genkeypair", "-alias", "node", "-keyalg", "EC", "-validity", "2", "-dname", f"CN={name}")
    keytool(lab, *key, "-ext", "san=ip:127.0.0.1", "-ext", "bc:c", "-storetype", "PKCS12", "-keystore", str(store))
    keytool(lab, "-exportcert", "-rfc", "-alias", "node", "-keystore", str(store), "-file", str(pem))
    return store, pem


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Settings of a client that is let in. TLS is offered, not demanded: the lab asks without it whether it is up."""
    folder = tmp_path_factory.mktemp("secured")
    native, storage = pick_free(2)
    lab = LabSettings.read(
        lab_var=folder / "var", lab_port_offset=0, lab_cassandra_port=native, lab_cassandra_storage_port=storage
    )
    store, pem = certified(lab, folder, "node")
    _, foreign = certified(lab, folder, "foreign")
    encryption = {"enabled": True, "optional": True, "keystore": str(store), "keystore_password": PASSWORD}
    options = {
        "authenticator": "PasswordAuthenticator", "authorizer": "CassandraAuthorizer",
        # It answers at every loopback address, and its certificate names one of them.
        "rpc_address": "0.0.0.0",  # noqa: S104 - asks for a password, and ends with the test
        "broadcast_rpc_address": "127.0.0.1",
        "client_encryption_options": {**encryption, "store_type": "PKCS12"},
    }  # fmt: skip
    ring = Ring(lab, ["127.0.0.1"], heap_mb=320, options=options)
    ring.up()
    yield {
        "cassandra_contact_points": "127.0.0.1", "cassandra_port": native, "cassandra_tls_ca": pem,
        "foreign": foreign, **SUPERUSER,
    }  # fmt: skip
    ring.down()


def settings(secured: dict[str, Any], **changed: Any) -> CassandraSettings:
    return CassandraSettings.read(**{**secured, "history_attempts": 1, **changed})


def refused(given: CassandraSettings) -> LabError:
    with pytest.raises(LabError) as caught:
        Connection(given, SystemClock(), keyspace=False)
    return caught.value


def test_events_are_stored_by_a_user_with_a_password_over_tls(secured: dict[str, Any]) -> None:
    given = settings(secured)
    migrate(given, SystemClock())
    n = np.arange(100, dtype=np.int64)
    events = EventBatch(n, n, n / 7, np.zeros(100, np.int32), n)
    with Connection(given, SystemClock()) as connection:
        store = RowStore(connection, "events")
        store.append(events)
        (found,) = store.last({0: 100}, 50)
        clients = set(connection.session.execute("SELECT username, ssl_enabled FROM system_views.clients"))
    assert found.values.tobytes() == events.values.tobytes()
    assert clients == {("cassandra", True)}


def test_who_has_no_password_or_a_wrong_one_is_told_so_and_does_not_wait(secured: dict[str, Any]) -> None:
    for wrong in ({"cassandra_password": "guessed"}, {"cassandra_username": None, "cassandra_password": None}):
        error = refused(settings(secured, **wrong))
        assert not isinstance(error, StoreAwayError)
        assert "CASSANDRA_USERNAME" in str(error)


def test_a_server_that_the_ca_does_not_know_is_a_mistake_and_no_outage(secured: dict[str, Any]) -> None:
    error = refused(settings(secured, cassandra_tls_ca=secured["foreign"]))
    assert not isinstance(error, StoreAwayError)
    assert "CASSANDRA_TLS_CA" in str(error)


def test_the_address_is_to_be_in_the_certificate_unless_told_not_to(secured: dict[str, Any]) -> None:
    elsewhere = settings(secured, cassandra_contact_points=OTHER)
    try:
        socket.create_connection((OTHER, elsewhere.cassandra_port)).close()
    except OSError:
        pytest.skip(f"the loopback interface has no {OTHER}")
    assert "CASSANDRA_TLS_CHECK_HOST" in str(refused(elsewhere))
    Connection(elsewhere.model_copy(update={"cassandra_tls_check_host": False}), SystemClock(), keyspace=False).close()
