"""From the measured cost of an event to the machines that a rate needs; no file is read and none written here.

Everything measured comes from `lab bench anomalia`; everything assumed stands in `Assumed`, with its reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from consumer_history.saving import EVENTS_A_VALUE
from consumer_history.settings import HistorySettings
from detectors.last_values import DEPTH
from kafka_cluster.errors import LabError

STATE_EVERY: int = HistorySettings.model_fields["history_state_every"].default
US, MB, GB, TB = 1e6, 1e6, 1e9, 1e12
HOUR_S, DAY_S = 3_600, 86_400
# Of one row in a request of the rows store, as `packed_batch.py` lays it out: 21 bytes of frame, 7 values.
ROW_REQUEST_BYTES = 21 + 7 * 4 + len("events") + 4 + 5 * 8


@dataclass(frozen=True)
class Assumed:
    """What no measurement on one machine gives."""

    replication: int = 3
    # Of every resource in normal times. With copies in three racks, the loss of one leaves the others at 75 %.
    utilisation: float = 0.5
    node_cores: int = 16
    node_disk_tb: float = 4.0
    node_network_mb_s: float = 1_250.0  # 10 Gbit/s, each way
    kafka_kept_s: int = 6 * HOUR_S  # long enough to mend whatever reads it
    history_ttl_s: int = 30 * DAY_S  # the default of HISTORY_TTL_S
    keys: int = 1_000_000  # of all partitions
    members_grow: int = 2  # times the members at the start, without a change of the partitions
    partitions_a_node: int = 8  # buckets written at a time for each Cassandra node, so that none is much busier


@dataclass(frozen=True)
class Cost:
    """Of one event, measured on one machine with one copy of everything."""

    store: str
    worker_us: float  # CPU
    broker_write_us: float  # CPU of the broker while the topic was filled
    broker_read_us: float  # CPU of the broker while one group read it
    cassandra_us: float  # CPU
    topic_bytes: float  # in the log of the broker, compressed
    disk_bytes: float  # in Cassandra's files
    request_bytes: float  # on the way to Cassandra
    rebuilt_per_s: float  # events that a member reads back in a second, the saved states among them
    key_bytes: float  # of a worker's memory


@dataclass(frozen=True)
class Tier:
    """One kind of machine."""

    cores: float  # busy
    disk_tb: float
    network_mb_s: float  # the busier way, of all nodes together
    nodes: int
    fullest: str  # resource, which asks for the most nodes
    full: float  # share of it that is used in normal times
    fewest: int  # nodes that there have to be whatever the rate

    @property
    def bound_by(self) -> str:
        """Why there are not fewer nodes."""
        return self.fullest if self.nodes > self.fewest else "the fewest"


@dataclass(frozen=True)
class Size:
    """What one rate needs."""

    rate: float  # events/s
    kafka: Tier
    cassandra: Tier
    workers: Tier
    members: int
    partitions: int
    member_full: float  # share of a core that a member is busy
    interval: int  # events of a partition between two saved states
    rebuild_s: float  # of all partitions of a member, each just before its next state would have been saved

    @property
    def cores(self) -> float:
        """Busy, of all."""
        return self.kafka.cores + self.cassandra.cores + self.workers.cores


def cost(store: str, bench: dict[str, Any]) -> Cost:
    """What `lab bench anomalia` measured of a store. Raises LabError where something is missing."""
    try:
        measured, rate = bench["measured"], bench["events_per_s"]
        cores, disk_bytes = measured["cores"], bench["history_mb"] * MB / measured["events"]
        return Cost(
            store=store,
            worker_us=cores["worker"] / rate * US,
            broker_write_us=measured["broker_us_per_event_written"],
            broker_read_us=cores["broker"] / rate * US,
            cassandra_us=cores["cassandra"] / rate * US,
            topic_bytes=measured["topic_bytes_per_event"],
            disk_bytes=disk_bytes,
            request_bytes=ROW_REQUEST_BYTES if store == "rows" else disk_bytes,
            rebuilt_per_s=measured["recovered_events"] / bench["recover_s"],
            key_bytes=measured["memory_mb"] * MB / measured["keys"],
        )
    except (KeyError, ZeroDivisionError) as error:
        way_out = "make it anew: lab bench anomalia --store all --json"
        raise LabError(f"bench of store {store!r}", f"does not give {error}", way_out) from None


def size(rate: float, one: Cost, assumed: Assumed) -> Size:
    """The machines for a rate, in events/s."""
    workers = _tier(rate * one.worker_us / US, 0.0, rate * (one.topic_bytes + one.request_bytes) / MB, assumed, 1)
    members = max(1, math.ceil(workers.cores / assumed.utilisation))
    cassandra = _cassandra(rate, one, assumed)
    # In whole multiples of the members, or some would have more to do than others.
    each = max(assumed.members_grow, math.ceil(assumed.partitions_a_node * cassandra.nodes / members))
    values = math.ceil(assumed.keys / (members * each)) * DEPTH
    interval = max(STATE_EVERY, EVENTS_A_VALUE * values)
    return Size(
        rate=rate,
        kafka=_kafka(rate, one, assumed),
        cassandra=cassandra,
        workers=workers,
        members=members,
        partitions=members * each,
        member_full=workers.cores / members,
        interval=interval,
        rebuild_s=each * interval / one.rebuilt_per_s,
    )


def _kafka(rate: float, one: Cost, assumed: Assumed) -> Tier:
    """Each copy is written as the leader's is; each follower reads as the group does. Both are upper bounds."""
    copies = assumed.replication
    cores = rate * copies * (one.broker_write_us + one.broker_read_us) / US
    disk_tb = rate * one.topic_bytes * copies * assumed.kafka_kept_s / TB
    return _tier(cores, disk_tb, rate * one.topic_bytes * copies / MB, assumed)


def _cassandra(rate: float, one: Cost, assumed: Assumed) -> Tier:
    """Each copy costs what the only one did, which is an upper bound: requests are read and answered once."""
    copies = assumed.replication
    disk_tb = rate * one.disk_bytes * copies * assumed.history_ttl_s / TB
    return _tier(rate * copies * one.cassandra_us / US, disk_tb, rate * one.request_bytes * copies / MB, assumed)


def _tier(cores: float, disk_tb: float, network_mb_s: float, assumed: Assumed, fewest: int = 0) -> Tier:
    full = {
        "cores": cores / assumed.node_cores,
        "disk": disk_tb / assumed.node_disk_tb,
        "network": network_mb_s / assumed.node_network_mb_s,
    }
    fullest, least = max(full, key=lambda name: full[name]), fewest or assumed.replication
    nodes = max(least, math.ceil(full[fullest] / assumed.utilisation))
    return Tier(cores, disk_tb, network_mb_s, nodes, fullest, full[fullest] / nodes, least)
