from __future__ import annotations

from itertools import pairwise
from math import exp
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.deciding import Decider, Decision
from detectors.errors import DetectorError

HOW = Decision(threshold=0.5, boost=0.2, decay=0.5, refractory=0.1, rearm=0.5)
WARM_UP = 100


def decide(scores: Any, how: Decision = HOW) -> list[int]:
    found = Decider(how, WARM_UP).alarms(np.zeros(len(scores), np.int64), np.asarray(scores, float))
    return [int(row) for row in np.flatnonzero(found)]


def plain(scores: list[float], how: Decision) -> list[int]:
    alarms: list[int] = []
    armed = True
    spans = [max(1, round(how.smooth * WARM_UP * share)) for share in (0.25, 1, 4)]
    for row in range(len(scores)):
        score = sum(sum(scores[max(0, row + 1 - span) : row + 1]) / span for span in spans) / 3
        score = score if how.smooth else scores[row]
        armed = armed or how.rearm > 1 or score < how.rearm * how.threshold
        if not alarms:
            due = score >= how.threshold
        else:
            gap = row - alarms[-1]
            due = score >= how.threshold + how.boost * exp(-gap / (how.decay * WARM_UP)) and armed
            due = due and gap > how.refractory * WARM_UP
        if due:
            alarms.append(row)
            armed = False
    return alarms


@given(
    seed=st.integers(0, 9999),
    rearm=st.sampled_from([0.3, 0.5, 2.0]),
    refractory=st.sampled_from([0.0, 0.1]),
    smooth=st.sampled_from([0.0, 0.04, 0.2]),
)
@settings(max_examples=60, deadline=None)
def test_the_kernel_is_the_plain_reference_wherever_batches_fall(
    seed: int, rearm: float, refractory: float, smooth: float
) -> None:
    random = np.random.default_rng(seed)
    scores = np.round(random.random(400) ** 2 * 64) / 64  # sums of them are exact
    how = Decision(0.5 - smooth, 0.2, 0.5, refractory, rearm, smooth)
    assert decide(scores, how) == plain(scores.tolist(), how)
    decider, edges = Decider(how, WARM_UP), [0, *sorted(random.integers(0, 400, 4).tolist()), 400]
    keys = np.zeros(400, np.int64)
    parts = [decider.alarms(keys[a:b], scores[a:b]) for a, b in pairwise(edges)]
    assert np.flatnonzero(np.concatenate(parts)).tolist() == plain(scores.tolist(), how)


def test_a_score_that_stays_high_is_one_alarm() -> None:
    assert decide([0.0, 0.6, 0.9, 0.9] + [0.7] * 300) == [1]


def test_the_next_alarm_has_to_be_stronger_the_sooner_it_comes() -> None:
    assert decide([0.6] + [0.0] * 20 + [0.6]) == [0]
    assert decide([0.6] + [0.0] * 20 + [0.7]) == [0, 21]
    assert decide([0.6] + [0.0] * 200 + [0.6]) == [0, 201]


def test_nothing_alarms_within_the_refractory_time() -> None:
    assert decide([0.6] + [0.0] * 9 + [1.0]) == [0]
    assert decide([0.6] + [0.0] * 10 + [1.0]) == [0, 11]


def test_what_lasts_counts_more_than_one_record_and_what_is_short_has_to_be_stronger() -> None:
    lasting = Decision(threshold=0.3, smooth=0.08)  # 2, 8 and 32 records
    assert decide([0.0] * 50 + [0.5] + [0.0] * 50, lasting) == []
    assert decide([0.0] * 50 + [1.5] + [0.0] * 50, lasting) == [50]
    assert decide([0.0] * 50 + [0.5] * 50, lasting) == [55]


def test_an_alarm_has_the_score_of_the_strongest_record_that_it_is_for() -> None:
    lasting = Decision(threshold=0.3, smooth=0.08)  # 2, 8 and 32 records
    scores = np.array([0.0] * 50 + [0.9, 0.5, 0.3, 0.3, 0.2, 0.4, 0.4, 0.4])
    alarms, strengths = Decider(lasting, WARM_UP).decide(np.zeros(len(scores), np.int64), scores)
    rows = np.flatnonzero(alarms)
    assert rows.tolist() == [51]
    assert strengths[51] == 0.9
    assert np.delete(strengths, 51).tolist() == np.delete(scores, 51).tolist()


def test_keys_do_not_touch_each_other() -> None:
    random = np.random.default_rng(1)
    scores, keys = random.random(3_000) ** 2, random.integers(0, 1_500, 3_000)
    together = Decider(HOW, WARM_UP).alarms(keys, scores)
    for key in range(20):
        assert np.flatnonzero(together[keys == key]).tolist() == decide(scores[keys == key])


def test_a_restored_snapshot_goes_on() -> None:
    scores = np.random.default_rng(2).random(400) ** 2
    keys = np.zeros(400, np.int64)
    first, second = Decider(HOW, WARM_UP), Decider(HOW, WARM_UP)
    early = first.alarms(keys[:150], scores[:150])
    second.restore(first.snapshot())
    late = second.alarms(keys[150:], scores[150:])
    assert np.flatnonzero(np.concatenate([early, late])).tolist() == decide(scores)


@pytest.mark.parametrize("how", [Decision(0.0), Decision(0.5, decay=0.0), Decision(0.5, smooth=-1)])
def test_a_decision_that_cannot_be_is_refused(how: Decision) -> None:
    with pytest.raises(DetectorError, match="must be"):
        Decider(how, WARM_UP)


def test_a_snapshot_of_another_decision_is_refused() -> None:
    with pytest.raises(DetectorError, match="keep the parameters it had"):
        Decider(Decision(0.5, smooth=0.2), WARM_UP).restore(Decider(HOW, WARM_UP).snapshot() | {"keys": np.arange(1)})
