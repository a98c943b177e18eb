"""`python -m consumer_history.migrate`: make the keyspace and the tables, once, whoever else does the same.

The files of `cql/` are applied in the order of their numbers, and noted in `schema_version`. A lock in Cassandra, a
lightweight transaction with a time to live, lets one program at a time do it; every table has a fixed id, so that
two nodes that make it at the same moment make the same one.
"""

from __future__ import annotations

import hashlib
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumer_history.buckets import BUCKET_EVENTS
from consumer_history.cassandra_settings import CassandraSettings
from consumer_history.connection import Connection, wait_for_cassandra
from kafka_cluster.clock import Clock
from kafka_cluster.errors import LabError
from kafka_cluster.log import get_logger
from kafka_cluster.program import program

FOLDER = Path(__file__).with_name("cql")
TABLES_WITH_TTL = ("events", "chunks", "buckets", "data_stream", "states", "state_parts")
WAIT_S = 60.0
LOCK_TTL_S, LOCK_LOOK_S = 60, 0.2
WINDOWS = 30  # files of a table that go whole when their time is up
log = get_logger()

BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS {keyspace}.schema_version (
    app text, version int, file text, sha256 text, applied timestamp, PRIMARY KEY (app, version)
) WITH ID = {id[schema_version]};
CREATE TABLE IF NOT EXISTS {keyspace}.schema_lock (
    app text PRIMARY KEY, holder text
) WITH ID = {id[schema_lock]}
"""
APP = "history"
IDS = uuid.UUID("6f1d7a52-5c1b-5d1e-9a11-000000000000")


class TableIds:
    """`{id[events]}` in a file: the id of that table, always the same in a keyspace and another in another one."""

    def __init__(self, keyspace: str) -> None:
        self._keyspace = keyspace

    def __getitem__(self, table: str) -> uuid.UUID:
        return uuid.uuid5(IDS, f"{self._keyspace}.{table}")


@dataclass(frozen=True)
class Step:
    """One numbered file: its version, and its statements as they are written, before the settings are put in."""

    version: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Of the file, not of what the settings make of it."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def statements(self, settings: CassandraSettings) -> list[str]:
        """The CQL, one statement each, comments left out."""
        window_minutes = max(10, settings.history_ttl_s // 60 // WINDOWS) if settings.history_ttl_s else 24 * 60
        filled = self.text.format(
            ttl_s=settings.history_ttl_s,
            window_minutes=window_minutes,
            bucket_events=BUCKET_EVENTS,
            id=TableIds(settings.cassandra_keyspace),
        )
        code = "\n".join(line for line in filled.splitlines() if not line.startswith("--"))
        return [statement.strip() for statement in code.split(";") if statement.strip()]


def steps(folder: Path = FOLDER) -> list[Step]:
    """The files in the order of their numbers. Raises LabError when the numbers are not 1, 2, 3, …."""
    files = sorted(folder.glob("*.cql"))
    found = [Step(int(file.name.partition("_")[0]), file.name, file.read_text()) for file in files]
    if [step.version for step in found] != list(range(1, len(found) + 1)):
        raise LabError(str(folder), f"versions {[step.version for step in found]}", "number the files 1, 2, 3, …")
    return found


def migrate(settings: CassandraSettings, clock: Clock, wanted: list[Step] | None = None) -> list[int]:
    """Bring the keyspace to the newest version; returns the versions that were applied now. Raises LabError."""
    keyspace = settings.cassandra_keyspace
    with wait_for_cassandra(settings, clock, WAIT_S, keyspace=False) as connection:
        execute(connection, _create_keyspace(settings))
        for statement in BOOKKEEPING.format(keyspace=keyspace, id=TableIds(keyspace)).split(";"):
            execute(connection, statement)
    with wait_for_cassandra(settings, clock, WAIT_S) as connection:
        holder = _lock(connection)
        try:
            applied = [step.version for step in wanted or steps() if _apply(connection, step)]
            _set_ttl(connection)
        finally:
            execute(connection, "DELETE FROM schema_lock WHERE app = %s IF holder = %s", APP, holder)
    log.info("history schema", keyspace=keyspace, applied=applied)
    return applied


def execute(connection: Connection, statement: str, *values: object) -> Any:
    """One statement, again when it does not come back: every one here may be repeated."""
    return connection.again(lambda: connection.session.execute(statement, values or None, timeout=WAIT_S))


def _create_keyspace(settings: CassandraSettings) -> str:
    """Replication is asked for per datacenter, so that a second datacenter can join later."""
    replication = {
        "class": "NetworkTopologyStrategy",
        settings.cassandra_local_dc: settings.cassandra_replication_factor,
    }
    return f"CREATE KEYSPACE IF NOT EXISTS {settings.cassandra_keyspace} WITH replication = {replication}"


def _lock(connection: Connection) -> str:
    """Wait for the lock. A holder that died loses it after LOCK_TTL_S. Raises LabError after twice that time."""
    holder = uuid.uuid4().hex
    deadline = connection.clock.monotonic() + 2 * LOCK_TTL_S
    take = "INSERT INTO schema_lock (app, holder) VALUES (%s, %s) IF NOT EXISTS USING TTL %s"
    while True:
        applied, *there = execute(connection, take, APP, holder, LOCK_TTL_S).one()
        if applied or holder in there:  # there: an attempt that was taken for lost had come through
            return holder
        if connection.clock.monotonic() > deadline:
            raise LabError("schema_lock", f"held by another for {2 * LOCK_TTL_S} s", "look for a hanging migration")
        connection.clock.sleep(LOCK_LOOK_S)


def _apply(connection: Connection, step: Step) -> bool:
    """True when it had to be applied. Raises LabError when it was, with another content."""
    select = "SELECT sha256 FROM schema_version WHERE app = %s AND version = %s"
    noted = execute(connection, select, APP, step.version).one()
    if noted is not None:
        if noted[0] != step.sha256:
            raise LabError(step.name, "was changed after it was applied", "put it back, and add a file with the change")
        return False
    for statement in step.statements(connection.settings):
        execute(connection, statement)
    note = "INSERT INTO schema_version (app, version, file, sha256, applied) VALUES (%s, %s, %s, %s, %s)"
    execute(connection, note, APP, step.version, step.name, step.sha256, int(connection.clock.now() * 1000))
    return True


def _set_ttl(connection: Connection) -> None:
    """The time to live is a setting, not a version: put it right where it differs. It holds for new rows."""
    settings = connection.settings
    select = "SELECT table_name, default_time_to_live FROM system_schema.tables WHERE keyspace_name = %s"
    found = execute(connection, select, settings.cassandra_keyspace)
    for table, ttl_s in list(found):
        if table in TABLES_WITH_TTL and ttl_s != settings.history_ttl_s:
            execute(connection, f"ALTER TABLE {table} WITH default_time_to_live = {settings.history_ttl_s}")
            log.info("time to live", table=table, was_s=ttl_s, is_s=settings.history_ttl_s)


main = program(CassandraSettings, lambda settings, clock, _stop: migrate(settings, clock), stops=False)

if __name__ == "__main__":
    sys.exit(main())
