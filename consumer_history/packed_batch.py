"""An unlogged batch of one prepared INSERT for many rows, its bytes made in columns.

The driver binds value by value, row by row: 10 µs a row and more, which is most of the time of an insert. Here the rows
of a request are one structured array in the layout of the native protocol (version 4 and 5, message BATCH), filled
column by column. Only columns of a fixed width, and values that are the same in every row, can be packed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from cassandra.protocol import BatchMessage
from cassandra.query import BatchStatement, BatchType, PreparedStatement

from consumer_history.connection import Connection

UNLOGGED = 1
PREPARED = 1  # kind of a batched statement: by its id
FLAG_TIMESTAMP = 0x20


class RowPacker:
    """Rows of one prepared INSERT. `constants`: parameters that never change, as bytes; `columns`: dtypes of others.

    Both in the order of the statement's parameters: a name is in exactly one of the two.
    """

    def __init__(
        self, statement: PreparedStatement, constants: Mapping[str, bytes], columns: Mapping[str, str]
    ) -> None:
        names = [column.name for column in statement.column_metadata]
        fields: list[tuple[str, str]] = [("kind", "u1"), ("id_bytes", ">u2"), ("id", f"V{len(statement.query_id)}"),
                                         ("parameters", ">u2")]  # fmt: skip
        for name in names:
            fields += [
                (f"{name}_bytes", ">i4"),
                (name, columns[name] if name in columns else f"V{len(constants[name])}"),
            ]
        self._row = np.zeros(1, np.dtype(fields))
        self._row["kind"], self._row["parameters"] = PREPARED, len(names)
        self._row["id_bytes"], self._row["id"] = len(statement.query_id), np.void(statement.query_id)
        for name in names:
            self._row[f"{name}_bytes"] = self._row.dtype[name].itemsize
        for name, value in constants.items():
            self._row[name] = np.void(value)

    def pack(self, **columns: npt.NDArray[Any] | int) -> npt.NDArray[np.void]:
        """One element a row; slices of it are what `send` takes."""
        count = max(np.size(column) for column in columns.values())
        rows = np.repeat(self._row, count)
        for name, column in columns.items():
            rows[name] = column
        return rows


def send(connection: Connection, rows: npt.NDArray[np.void], routing_key: Sequence[bytes]) -> Any:
    """Start the batch; returns the driver's future. All rows must be of the partition that `routing_key` names."""
    statement = BatchStatement(BatchType.UNLOGGED)
    statement.is_idempotent = True
    statement.routing_key = routing_key
    future = connection.session._create_response_future(  # noqa: SLF001 - execute_async, with a message of our own
        statement, None, False, None, connection.settings.history_timeout_s
    )
    future.message = _PackedMessage(future.message, rows)
    future.send_request()
    return future


class _PackedMessage(BatchMessage):  # type: ignore[misc] # the driver comes without types
    """A batch whose statements are bytes already."""

    def __init__(self, like: BatchMessage, rows: npt.NDArray[np.void]) -> None:
        super().__init__(BatchType.UNLOGGED, [], like.consistency_level, None, like.timestamp, None)
        self.tracing, self.allow_beta_protocol_version = like.tracing, like.allow_beta_protocol_version
        self._rows = rows

    def send_body(self, f: Any, protocol_version: int) -> None:
        """Type, statements, consistency, flags, timestamp."""
        f.write(UNLOGGED.to_bytes(1, "big") + len(self._rows).to_bytes(2, "big"))
        f.write(self._rows.tobytes())
        flag_bytes = 4 if protocol_version >= 5 else 1  # noqa: PLR2004 - version 5 made it an int
        f.write(self.consistency_level.to_bytes(2, "big") + FLAG_TIMESTAMP.to_bytes(flag_bytes, "big"))
        f.write(int(self.timestamp).to_bytes(8, "big", signed=True))
