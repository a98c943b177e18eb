"""The same series cut and thinned: other lengths, other steps, other starts than those that anything was chosen on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.experiments.protocol.folders import standard
from benchmarks.scorecard.corpus import Series
from benchmarks.scorecard.report import table
from benchmarks.scorecard.run import Labelled, stream
from detectors.nab_score import Scorer, probation, truth
from kafka_cluster.dataset import Window

PIECE = 2_200  # records: short series are where most detectors lose
LEAST_PROBATION = 60  # records: shorter series say nothing

Cut = Callable[[Series], Iterator[Series]]


def rows(series: Series, which: slice) -> Series:
    """Some of the records."""
    return replace(series, stamps=series.stamps[which], times_ms=series.times_ms[which], values=series.values[which])


def every(step: int) -> Cut:
    """One record in so many."""

    def cut(series: Series) -> Iterator[Series]:
        yield rows(series, slice(0, None, step))

    return cut


def means(step: int) -> Cut:
    """The mean of so many records in a row, as of the first of them."""

    def cut(series: Series) -> Iterator[Series]:
        whole = len(series.values) // step * step
        kept = rows(series, slice(0, whole, step))
        yield replace(kept, values=series.values[:whole].reshape(-1, step).mean(axis=1))

    return cut


def late(series: Series) -> Iterator[Series]:
    """Without the first fifth."""
    yield rows(series, slice(len(series.values) // 5, None))


def pieces(series: Series) -> Iterator[Series]:
    """Pieces that do not overlap."""
    for first in range(0, len(series.values) - PIECE + 1, PIECE):
        yield rows(series, slice(first, first + PIECE))


CUTS: dict[str, Cut] = {
    "every 2nd record": every(2),
    "every 4th record": every(4),
    "means of 2": means(2),
    "means of 3": means(3),
    "means of 6": means(6),
    "without the first fifth": late,
    f"pieces of {PIECE:,}": pieces,
}


def made_over(cut: Cut, series: Sequence[Series], windows: Mapping[str, Sequence[Window]]) -> Labelled:
    """The series cut; a window that begins in the probation or ends after the series has no part in it."""
    parts = [part for each in series for part in cut(each) if probation(len(part.values)) >= LEAST_PROBATION]
    truths = []
    for part in parts:
        first, last = part.times_ms[probation(len(part.values))], part.times_ms[-1]
        inside = [(start, end) for start, end in windows.get(part.key, ()) if start > first and end <= last]
        truths.append(truth(part.times_ms, inside))
    return Labelled(parts, truths)


def series_table(names: Sequence[str], series: Sequence[Series], windows: Mapping[str, Sequence[Window]]) -> list[str]:
    """Standard scores of each detector on each cut: at the best threshold, and as decided."""
    lines = []
    for label, cut in CUTS.items():
        labelled = made_over(cut, series, windows)
        if not labelled.series:
            lines.append((label, *["0"] * 3, *["-"] * len(names)))
            continue
        scorer, told = Scorer(labelled.truths), []
        for name in names:
            said = stream(name, {}, labelled.series)
            best = scorer.score(said.detections())["standard"].score
            told.append(f"{best:.1f} ({standard(labelled, said.alarms, range(len(labelled.truths))):.1f})")
        records = int(np.median([len(each.values) for each in labelled.series]))
        lines.append((label, f"{len(labelled.series)}", f"{records:,}", f"{scorer.windows}", *told))
    return table(("", "series", "median records", "windows", *names), lines)
