from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest

from benchmarks.experiments import tradeoff
from benchmarks.experiments.kinds import KINDS, world
from benchmarks.experiments.tradeoff import CONTAMINATIONS, contamination, errors, least_missed, lines, thresholds
from benchmarks.experiments.tradeoff_plot import draw
from detectors.catalogue import CATALOGUE


def test_both_errors_are_counted_on_their_own_records() -> None:
    called = np.array([1, 1, 0, 0, 1, 0], np.bool_)
    anomalous = np.array([1, 0, 1, 0, 0, 1], np.bool_)
    assert errors(called, anomalous) == (2, 3, 2, 3)


def test_more_contamination_is_more_false_alarms_and_fewer_misses() -> None:
    found = contamination(worlds=1)
    assert [its["contamination"] for its in found] == list(CONTAMINATIONS)
    for name, sign in (("type_1", 1), ("type_2", -1), ("anomalies_missed", -1)):
        shares = [its[name] for its in found]
        assert (sign * np.diff(shares) >= 0).all()
        assert shares[0] != shares[-1]
    assert 0 <= min(its["type_1"] for its in found) < max(its["type_2"] for its in found) <= 1


def test_thresholds_run_from_alarms_without_end_to_none_and_begin_with_the_configured_one() -> None:
    worlds = [world(kind, 0, series=2) for name, kind in KINDS.items() if name in {"spike", "level shift"}]
    configured, *points = thresholds("ensemble", worlds)
    assert configured["threshold"] == CATALOGUE["ensemble"].decision.threshold
    assert configured["anomalies_missed"] == 0
    tried = [its["threshold"] for its in points]
    assert tried == sorted(tried)
    assert points[0]["false_alarms_per_week"] > 5 * configured["false_alarms_per_week"]
    assert points[-1]["false_alarms_per_week"] == 0


def test_the_best_threshold_keeps_to_the_false_alarms_allowed() -> None:
    points = [
        {"false_alarms_per_week": false, "anomalies_missed": missed}
        for false, missed in ((0.0, 0.9), (1.0, 0.5), (2.0, 0.6), (3.0, 0.1))
    ]
    assert [least_missed(points, each) for each in (0.0, 1.0, 2.5, 9.0)] == [0.9, 0.5, 0.5, 0.1]
    assert least_missed(points[1:], 0.5) == 1


def test_the_picture_and_the_tables_show_every_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tradeoff, "WORLDS", 1)
    monkeypatch.setattr(tradeoff, "contamination", lambda _seed: contamination(worlds=1))
    told = tradeoff.run(("cusum", "blind"), series=1)
    text = "\n".join(lines(told))
    assert "| 0.02 |" in text
    assert "| cusum |" in text
    assert "| blind |" in text
    picture = matplotlib.image.imread(io.BytesIO(draw(told)))
    assert picture.shape[0] > 400
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 50
