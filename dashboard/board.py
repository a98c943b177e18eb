"""All that the page knows, behind one lock: threads that follow topics write it, requests read it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dashboard.anomalies import AnomalyShelf
from dashboard.fading import Fading
from dashboard.incidents import IncidentBook
from dashboard.keys import KeyTable
from dashboard.letters import LetterBox
from dashboard.models import HISTORY_KEPT, Champion
from dashboard.pipeline_shapes import PipelineOut, TroubleOut
from dashboard.ring import Float64s, Int64s, Points, Ring
from dashboard.settings import DashboardSettings
from dashboard.thin import thinned
from detectors.model import Model
from kafka_cluster.clock import Clock
from kafka_cluster.dataset import Window
from kafka_cluster.records import Anomaly, ModelAnnouncement, Verdict

DRAWN_A_TURN = 40  # points of a turn that join the picture of all keys


@dataclass(frozen=True)
class Known:
    """What is known about the data besides the records: from dataset.json, where there is one."""

    units: dict[str, str] = field(default_factory=dict)
    windows: dict[str, list[Window]] = field(default_factory=dict)
    records: int | None = None


@dataclass(frozen=True)
class Read:
    """Points for one reader, and the place behind them."""

    points: Points
    place: int
    whole: bool  # False: more came since the reader's place than is kept


class Board:
    """Every method is short and takes the lock. `born_ms` tells one life of the program from the next."""

    def __init__(self, settings: DashboardSettings, clock: Clock, known: Known) -> None:
        self._settings, self._clock, self.known = settings, clock, known
        self._lock = threading.RLock()
        self.born_ms = int(clock.now() * 1000)
        self.metrics: tuple[str, ...] = ()
        self._all = Fading(settings.dashboard_points, 0)
        self._keys = KeyTable(settings.dashboard_keys, settings.dashboard_key_points, 0)
        self.shelf = AnomalyShelf(settings.dashboard_anomalies)
        self.letters = LetterBox()
        self.incidents = IncidentBook()
        self.champion: Champion | None = None
        self.announced: deque[ModelAnnouncement] = deque(maxlen=HISTORY_KEPT)
        self.pipeline: PipelineOut | None = None
        self.looked_at = 1.0
        self.newest_s: float | None = None  # when the broker took the newest record that was seen, if it tells
        self._troubles: dict[str, TroubleOut] = {}

    @property
    def lock(self) -> threading.RLock:
        """For a reader that needs several things of one instant."""
        return self._lock

    def begin(self, metrics: tuple[str, ...]) -> None:
        """The records have these metrics. Points of other metrics are forgotten."""
        with self._lock:
            if metrics == self.metrics:
                return
            settings = self._settings
            self.metrics = metrics
            self._all = Fading(settings.dashboard_points, len(metrics))
            self._keys = KeyTable(settings.dashboard_keys, settings.dashboard_key_points, len(metrics))

    def take(
        self, keys: Sequence[str], partitions: Sequence[int], times_ms: Int64s, values: Float64s, *, whole: bool = False
    ) -> None:
        """Records that came, in their order. Of many at once the picture of all keys gets a few, unless `whole`."""
        points = Points(times_ms, values, score(self.champion, self.metrics, times_ms, values))
        with self._lock:
            self._keys.take(keys, partitions, points, self._clock.now())
            self._all.append(points if whole else thinned(points, DRAWN_A_TURN))

    def put_anomaly(self, anomaly: Anomaly) -> None:
        """An anomaly was published."""
        with self._lock:
            if self.shelf.put(anomaly) and anomaly.key is not None:
                self._keys.count_anomaly(anomaly.key)

    def judge(self, anomaly_id: str, verdict: Verdict | None) -> None:
        """A verdict was given, or taken back."""
        with self._lock:
            self.shelf.judge(anomaly_id, verdict)

    def announce(self, announcement: ModelAnnouncement) -> None:
        """A model was announced."""
        with self._lock:
            if announcement not in self.announced:
                self.announced.append(announcement)

    @property
    def keys(self) -> KeyTable:
        """The series of each key. Take the lock around its use."""
        return self._keys

    def place(self, key: str | None) -> int:
        """The place behind the newest point of a key, or of all."""
        with self._lock:
            ring = self._ring(key)
            return 0 if ring is None else ring.total

    def since(self, key: str | None, place: int) -> Read:
        """The points of a key, or of all, behind a place. Those that nobody has scored yet are scored now."""
        with self._lock:
            ring, champion, metrics = self._ring(key), self.champion, self.metrics
            if ring is None:
                return Read(Points.none(len(metrics)), 0, place == 0)
            read = Read(ring.since(place), ring.total, ring.has_all_since(place))
        return replace(read, points=_scored(read.points, champion, metrics))

    def trouble(self, where: str, what: str | None) -> None:
        """Something does not answer, or (None) answers again."""
        with self._lock:
            if what is None:
                self._troubles.pop(where, None)
                return
            known = self._troubles.get(where)
            since_ms = known.since_ms if known else int(self._clock.now() * 1000)
            self._troubles[where] = TroubleOut(where=where, what=what, since_ms=since_ms)

    @property
    def troubles(self) -> list[TroubleOut]:
        """What does not answer now, the oldest trouble first."""
        with self._lock:
            return sorted(self._troubles.values(), key=lambda one: one.since_ms)

    def _ring(self, key: str | None) -> Ring | Fading | None:
        if key is None:
            return self._all
        series = self._keys.get(key)
        return None if series is None else series.ring


def score(champion: Champion | None, metrics: tuple[str, ...], times_ms: Int64s, values: Float64s) -> Float64s:
    """Shape (n,): the champion's scores; NaN where it is not in reach, or was trained on other metrics."""
    model = None if champion is None else champion.model
    columns = _columns(model, metrics)
    if model is None or columns is None:
        return np.full(len(times_ms), np.nan)
    return model.score(times_ms, values[:, columns])


def _columns(model: Model | None, metrics: tuple[str, ...]) -> list[int] | None:
    if model is None or not set(model.metrics) <= set(metrics):
        return None
    return [metrics.index(name) for name in model.metrics]


def _scored(points: Points, champion: Champion | None, metrics: tuple[str, ...]) -> Points:
    rows = np.flatnonzero(np.isnan(points.scores))
    if len(rows) == 0:
        return points
    scores = points.scores.copy()
    scores[rows] = score(champion, metrics, points.times_ms[rows], points.values[rows])
    return points._replace(scores=scores)
