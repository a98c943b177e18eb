from __future__ import annotations

import os
import socket

import pytest

from kafka_cluster.embedded import ports
from kafka_cluster.errors import LabError


def test_a_port_in_use_names_its_holder_and_both_ways_to_move() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(LabError) as caught:
            ports.require_free("broker", port, "LAB_BROKER_PORT")
    message = str(caught.value)
    assert f"port {port} is in use by" in message
    assert f"(pid {os.getpid()})" in message
    assert "LAB_PORT_OFFSET=100 ./lab up" in message
    assert "LAB_BROKER_PORT" in message


def test_a_port_held_on_every_address_is_not_free() -> None:
    with socket.create_server(("0.0.0.0", 0)) as listening:  # noqa: S104 - that is the case
        assert not ports.is_free(listening.getsockname()[1])


def test_picked_ports_are_free_and_different() -> None:
    picked = ports.pick_free(5)
    assert len(set(picked)) == 5
    assert all(ports.is_free(port) for port in picked)


def test_nobody_holds_a_free_port() -> None:
    assert ports.holder(ports.pick_free(1)[0]) is None
    assert ports.describe(None) == "another process"
