from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka import Message
from structlog.testing import capture_logs

from consumer_prediction.panels import LOOK_EVERY_S, Panels
from consumer_prediction.settings import PredictionSettings
from detectors.config_file import ConfigError
from kafka_cluster.clock import ManualClock

METRICS = ("network", "disk", "cpu")


class At:
    """A message, as far as it is asked here."""

    def __init__(self, partition: int, offset: int) -> None:
        self._at = partition, offset

    def partition(self) -> int:
        return self._at[0]

    def offset(self) -> int:
        return self._at[1]


def panels(file: Path | None, rewind: int = 100) -> tuple[Panels, ManualClock]:
    clock = ManualClock()
    settings = PredictionSettings.read(detectors_file=file, detectors_rewind=rewind)
    return Panels(settings, clock), clock


def test_without_a_file_the_forest_is_alone() -> None:
    made, _ = panels(None)
    made.look(METRICS)
    assert made.plan.forest
    assert made.begin(0, 500) == 500


def test_a_file_that_is_wrong_at_the_start_ends_it(tmp_path: Path) -> None:
    (tmp_path / "detectors.yaml").write_text("forest: 7")
    with pytest.raises(ConfigError, match=r"detectors\.yaml, line 1, forest"):
        panels(tmp_path / "detectors.yaml")[0].look(METRICS)


def test_a_changed_file_is_taken_up_between_batches_and_a_wrong_one_is_said_once_and_left(tmp_path: Path) -> None:
    file = tmp_path / "detectors.yaml"
    file.write_text("forest: true")
    made, clock = panels(file)
    made.look(METRICS)
    file.write_text("detectors: [{detector: cusum}]")
    made.look(METRICS)
    assert not made.plan.keyed  # too soon
    clock.sleep(LOOK_EVERY_S)
    made.look(METRICS)
    assert [chart.name for chart in made.plan.charts] == ["cusum"]
    with capture_logs() as said:
        for text in ("detectors: [{detector: oracle}]", None, None):
            if text is not None:
                file.write_text(text)
            clock.sleep(LOOK_EVERY_S)
            made.look(METRICS)
    assert len(said) == 1
    assert "must be one of" in said[0]["error"]
    assert [chart.name for chart in made.plan.charts] == ["cusum"]
    file.write_text("forest: false")
    clock.sleep(LOOK_EVERY_S)
    made.look(METRICS)
    assert not made.plan.forest


def test_what_comes_before_the_first_record_of_a_partition_is_learned_and_not_judged(tmp_path: Path) -> None:
    (tmp_path / "detectors.yaml").write_text("detectors: [{detector: cusum}]")
    made, _ = panels(tmp_path / "detectors.yaml")
    made.look(METRICS)
    assert [made.begin(0, 500), made.begin(1, 20), made.begin(2, -2)] == [400, 0, -2]
    came: Any = [At(0, 400), At(2, 0), At(0, 499), At(1, 20), At(0, 500), At(0, 501), At(1, 21)]
    before, new = made.split(cast(list[Message], came))
    assert before == [came[0], came[2]]
    assert new == [came[1], came[3], *came[4:]]
    assert made.split(cast(list[Message], came))[0] == []
