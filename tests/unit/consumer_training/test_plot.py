from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer_training.evaluate import Labels, evaluate, score_rows
from consumer_training.fit import fit
from consumer_training.plot import ALARM, PIXEL_COLUMNS, WINDOW, draw, thinned
from consumer_training.rows import Rows
from consumer_training.settings import TrainingSettings

STEP_MS = 300_000


def share_of_colour(png: bytes, colour: str) -> float:
    """Share of the pixels that are near a colour (blended with white at most)."""
    pixels = matplotlib.image.imread(io.BytesIO(png))[..., :3]
    wanted = np.asarray([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    # Along the line from white to the colour, at least a fifth of the way.
    direction = wanted - 1
    along = ((pixels - 1) @ direction) / (direction @ direction)
    off = np.abs(pixels - (1 + along[..., None] * direction)).max(axis=-1)
    return float(((along > 0.2) & (off < 0.06)).mean())


@pytest.fixture(scope="module")
def story() -> tuple[bytes, bytes]:
    """The plot of a test part with labelled windows and alarms, and of the same without."""
    index = np.arange(600, dtype=np.int64)
    values = np.random.default_rng(0).normal(100, 3, (600, 1))
    values[500] = 1_000
    rows = Rows(index * STEP_MS, values, index * 0, index)
    model = fit(rows[:360], TrainingSettings.read(metrics="cpu"), "now").model
    scored = score_rows(model, rows[360:])
    windows = {"cpu": [(480 * STEP_MS, 520 * STEP_MS)]}
    quiet = type(scored)(scored.rows, scored.scores, np.zeros_like(scored.alarms))
    units = {"cpu": "%"}
    with_all = draw(model, rows[:360], scored, evaluate(scored, windows), Labels(windows, units))
    without = draw(model, rows[:360], quiet, evaluate(quiet, None), Labels(None, units))
    return with_all, without


def test_alarms_are_drawn_in_red(story: tuple[bytes, bytes]) -> None:
    assert share_of_colour(story[0], ALARM) > 1.5 * share_of_colour(story[1], ALARM)


def test_labelled_windows_are_shaded(story: tuple[bytes, bytes]) -> None:
    assert share_of_colour(story[0], WINDOW) > share_of_colour(story[1], WINDOW) + 0.02


@given(st.integers(1, 20_000), st.integers(0, 19_999))
def test_thinning_for_the_screen_never_loses_a_spike(length: int, at: int) -> None:
    values = np.zeros(length)
    values[at % length] = 1.0
    kept = thinned(values)
    assert at % length in kept
    assert len(kept) <= 2 * PIXEL_COLUMNS
    assert (np.diff(kept) > 0).all()
