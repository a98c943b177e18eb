"""What the scorecard leaves behind: tables for people, and per-record scores in the benchmark's layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scorecard.run import Labelled, Said
from kafka_cluster.errors import LabError
from producer.files import write_whole

BEGIN, END = "<!-- lab scorecard: begin -->", "<!-- lab scorecard: end -->"
HEADINGS = (
    "", "standard", "low FP", "low FN", "windows found", "false alarms", "a day", "median delay", "precision", "recall",
)  # fmt: skip


def save(said: Said, labelled: Labelled, folder: Path) -> None:
    """Write `<folder>/<detector>_<series>.csv`: timestamp, value, anomaly_score, label.

    The score is that of the record where it is an alarm, and 0 where it is none.
    """
    for series, truth, scores in zip(labelled.series, labelled.truths, said.detections(), strict=True):
        labels = (truth.window >= 0).astype(int)
        columns = zip(series.stamps, series.values.tolist(), scores.tolist(), labels.tolist(), strict=True)
        rows = [f"{stamp},{value!r},{score!r},{label}\n" for stamp, value, score, label in columns]
        content = "timestamp,value,anomaly_score,label\n" + "".join(rows)
        write_whole(folder / series.folder / f"{said.name}_{series.name}.csv", content.encode())


def tables(detectors: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole scorecard in Markdown: all folders together, then each detector by folder."""
    parts = [
        "### All folders together",
        "",
        *_table(detectors),
        "",
        *_sharpness(detectors),
    ]
    for name, told in detectors.items():
        parts += ["", f"### {name}, by folder", "", *_table(told["folders"])]
    return "\n".join(parts) + "\n"


def write_between(page: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Put the text between the two marks of a page, in place of what is there. Raises LabError where there are none."""
    old = page.read_text()
    if begin not in old or end not in old:
        raise LabError(str(page), f"has no line {begin!r} with {end!r} below it", "put them where the tables belong")
    before, _, rest = old.partition(begin)
    write_whole(page, f"{before}{begin}\n\n{text}\n{end}{rest.partition(end)[2]}".encode())


def table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A Markdown table; the first column to the left, the others to the right."""
    marks = ["---", *["---:"] * (len(headings) - 1)]
    return [f"| {' | '.join(row)} |" for row in (headings, tuple(marks), *rows)]


def _table(lines: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return table(HEADINGS, [_row(name, told) for name, told in lines.items()])


def _row(name: str, told: Mapping[str, Any]) -> tuple[str, ...]:
    delay = told["median_delay_s"]
    return (
        name,
        *(_number(told[profile], ".1f") for profile in ("standard", "reward_low_FP_rate", "reward_low_FN_rate")),
        f"{told['found']} of {told['windows']}",
        str(told["false_alarms"]),
        _number(told["false_alarms_per_day"], ".2f"),
        "-" if delay is None else f"{delay / 3600:.1f} h",
        _number(told["precision"], ".2f"),
        _number(told["recall"], ".2f"),
    )


def _sharpness(detectors: Mapping[str, Mapping[str, Any]]) -> list[str]:
    headings = ("", "decision threshold", "- 10 %", "as configured", "+ 10 %", "records/s")
    rows = [
        (
            name,
            f"{told['decision_threshold']:g}",
            _number(told["threshold_moved"]["0.9"], ".1f"),
            _number(told["as_decided"], ".1f"),
            _number(told["threshold_moved"]["1.1"], ".1f"),
            f"{float(np.format_float_positional(told['records_per_s'], 2, fractional=False)):,.0f}",
        )
        for name, told in detectors.items()
    ]
    return table(headings, rows)


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
