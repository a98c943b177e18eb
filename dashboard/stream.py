"""The stream of updates: one page, one place in the data. A page that comes back says where it was and gets the rest.

Nothing is queued for a page: each turn reads what the board holds behind the page's place. A page too slow or asleep
for longer than the board remembers is sent everything anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from dashboard.anomalies import Judged, Wanted
from dashboard.board import Board
from dashboard.models import Champion
from dashboard.shapes import AnomalyOut, MetricOut, ModelOut, PointsOut, Update, UsualOut
from kafka_cluster.clock import Clock, Stop

TURN_S = 0.1
ANOMALIES_FIRST = 500  # of the newest, when a page opens; the API pages through the rest
ANOMALIES_A_TURN = 200
RETRY_MS = 1_000


@dataclass(frozen=True)
class Place:
    """Where a page is: in which life of the program, behind which point, behind which change of an anomaly."""

    born_ms: int = 0
    point: int = 0
    change: int = 0

    def __str__(self) -> str:
        return f"{self.born_ms}-{self.point}-{self.change}"

    @classmethod
    def parse(cls, text: str | None) -> Place:
        """The place that `str` gave; the beginning for anything else."""
        parts = (text or "").split("-")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):  # noqa: PLR2004 - the fields
            return cls()
        return cls(*map(int, parts))


class Reader:
    """One page's way through the board."""

    def __init__(self, board: Board, clock: Clock, key: str | None, place: Place) -> None:
        self._board, self._clock, self._key, self._place = board, clock, key, place
        self._model: Champion | None = None
        self._pipeline_ms = -1
        self._metrics: tuple[str, ...] | None = None

    def read(self) -> Update | None:
        """What is new since the last call; None for nothing."""
        board, place = self._board, self._place
        with board.lock:
            read = board.since(self._key, place.point)
            champion, pipeline, metrics = board.champion, board.pipeline, board.metrics
            now_scored = self._model is not None and _is_first_model(self._model, champion)
            fresh = self._metrics != metrics
            reset = (
                place.born_ms != board.born_ms or not read.whole or now_scored or (fresh and self._metrics is not None)
            )
            if reset:
                read = board.since(self._key, 0)
                judged, _ = board.shelf.newest(Wanted(), ANOMALIES_FIRST)
            else:
                judged = strongest(board.shelf.since(place.change))
            change = board.shelf.change
        news = pipeline is not None and pipeline.at_ms != self._pipeline_ms
        other = champion is not self._model
        if not (reset or fresh or news or other or judged or len(read.points.times_ms)):
            return None
        self._place = Place(board.born_ms, read.place, change)
        self._model, self._metrics = champion, metrics
        self._pipeline_ms = pipeline.at_ms if pipeline else -1
        return Update(
            reset=reset,
            now_ms=int(self._clock.now() * 1000),
            metrics=metrics_out(board) if fresh or reset else None,
            points=PointsOut.of(read.points) if reset or len(read.points.times_ms) else None,
            anomalies=[AnomalyOut.of(one) for one in judged],
            pipeline=pipeline if news else None,
            model=model_out(champion) if champion is not None and (other or reset) else None,
        )

    @property
    def place(self) -> Place:
        """Behind what was read last."""
        return self._place


def strongest(judged: list[Judged]) -> list[Judged]:
    """Of a storm those with a verdict and those that stand out; the API has the rest. In the order of change."""
    if len(judged) <= ANOMALIES_A_TURN:
        return judged
    first = sorted(judged, key=lambda one: (one.verdict is None, -one.anomaly.score))[:ANOMALIES_A_TURN]
    return sorted(first, key=lambda one: one.change)


def _is_first_model(before: Champion, now: Champion | None) -> bool:
    return before.model is None and now is not None and now.model is not None


async def events(reader: Reader, stop: Stop) -> AsyncIterator[bytes]:
    """Server-sent events, until the page goes or the program stops."""
    yield f"retry: {RETRY_MS}\n\n".encode()
    while not stop.requested:
        update = await asyncio.to_thread(reader.read)
        if update is not None:
            yield f"id: {reader.place}\ndata: {update.model_dump_json()}\n\n".encode()
        await asyncio.sleep(TURN_S)


def metrics_out(board: Board) -> list[MetricOut]:
    """The panels."""
    known = board.known
    return [
        MetricOut(name=name, unit=known.units.get(name, ""), windows=known.windows.get(name, []))
        for name in board.metrics
    ]


def model_out(champion: Champion) -> ModelOut:
    """The champion as the API gives it."""
    announced, model, data = champion.announcement, champion.model, champion.manifest.get("data", {})
    usual = {}
    if model is not None:
        for column, name in enumerate(model.metrics):
            median = model.profile.median[:, column].tolist()
            low, high = float(model.profile.low[column]), float(model.profile.high[column])
            usual[name] = UsualOut(median=median, low=low, high=high)
    return ModelOut(
        name=announced.name,
        version=announced.version,
        announced_ms=announced.timestamp,
        readable=model is not None,
        why=champion.why,
        threshold=None if model is None else model.threshold,
        top_score=None if model is None else model.top_score,
        features=[] if model is None else list(model.features),
        usual=usual,
        training_rows=data.get("training_rows"),
        trained_from_ms=data.get("from_ms"),
        trained_to_ms=data.get("to_ms"),
        has_plot=champion.plot is not None,
    )
