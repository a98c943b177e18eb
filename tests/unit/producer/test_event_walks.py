from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.event_keys import DECIMAL, HEXADECIMAL, digits
from producer.event_outage import DROP, Outage
from producer.event_places import Places, places
from producer.event_walks import Events, Label, WalkPlan, Walks, alias_table
from producer.walk_kernel import FIRST, LAST, LEVEL_SHIFT, SPIKE, VARIANCE

N = 20_000
START_MS = 1_700_000_000_000


def times(n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return START_MS + np.arange(n, dtype=np.int64)


def walked(n: int = N, **plan: float) -> Events:
    return Walks(WalkPlan(**{"keys": 10, **plan})).events(times(n))  # type: ignore[arg-type] # of several types


def of_kind(events: Events, kind: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = (events.marks & (FIRST - 1)) == kind
    return found


@given(cuts=st.lists(st.integers(0, 3_000), max_size=5), zipf=st.sampled_from([0.0, 1.1]))
@settings(max_examples=20, deadline=None)
def test_events_and_labels_do_not_depend_on_where_batches_fall(cuts: list[int], zipf: float) -> None:
    plan = WalkPlan(keys=7, seed=3, zipf=zipf, anomalies=0.9)
    whole, parts = Walks(plan), Walks(plan)
    every = whole.events(times(3_000))
    labels, found = [], []
    for first, end in pairwise([0, *sorted(cuts), 3_000]):
        found.append(parts.events(times(3_000)[first:end]))
        labels += parts.labels(found[-1])
    for at in range(len(every)):
        assert b"".join(part[at].tobytes() for part in found) == every[at].tobytes()
    assert labels == whole.labels(every) != []
    assert parts.unfinished() == whole.unfinished()


def test_the_seed_decides() -> None:
    assert walked(seed=1).values.tobytes() == walked(seed=1).values.tobytes()
    assert walked(seed=1).values.tobytes() != walked(seed=2).values.tobytes()


def test_what_a_key_does_next_does_not_depend_on_the_others() -> None:
    """The same key of two streams with different numbers of keys has the same values."""
    few, many = walked(keys=2), walked(keys=9)
    short = many.values[many.keys == 1]
    assert few.values[few.keys == 1][: len(short)].tobytes() == short.tobytes()


def test_noise_is_standard_normal_and_a_walk_has_steps() -> None:
    still = walked(keys=1, step=0.0, anomalies=0.0)
    assert still.values.mean() == pytest.approx(100, abs=0.03)
    assert still.values.std() == pytest.approx(1, abs=0.03)
    assert abs(np.corrcoef(still.values[1:], still.values[:-1])[0, 1]) < 0.03
    walk = walked(keys=1, step=0.5, noise=0.0, anomalies=0.0)
    assert np.diff(walk.values).std() == pytest.approx(0.5, abs=0.015)


def test_keys_are_alike_or_follow_zipf() -> None:
    alike = np.bincount(walked(keys=20).keys, minlength=20)
    assert (np.abs(alike - N / 20) < 5 * (N / 20) ** 0.5).all()
    shares = np.arange(1, 21) ** -1.2
    wanted = N * shares / shares.sum()
    zipf = np.bincount(walked(keys=20, zipf=1.2).keys, minlength=20)
    assert (np.abs(zipf - wanted) < 5 * wanted**0.5).all()


@pytest.mark.parametrize("zipf", [0.5, 1.0, 3.0])
def test_the_alias_table_holds_exactly_the_shares(zipf: float) -> None:
    own, other = alias_table(1_000, zipf)
    chances = own / 1_000
    np.add.at(chances, other, (1 - own) / 1_000)
    shares = np.arange(1, 1_001) ** -zipf
    assert chances == pytest.approx(shares / shares.sum(), rel=1e-9, abs=1e-15)


def test_labels_say_what_was_put_in_and_nothing_else_is_strange() -> None:
    plan = WalkPlan(keys=3, seed=5, step=0.0, anomalies=1.0)
    walks = Walks(plan)
    events = walks.events(times(N))
    labels = walks.labels(events)
    marked = np.zeros(N, np.bool_)
    for label in [*labels, *walks.unfinished()]:
        last = START_MS + N if label.last_ms is None else label.last_ms
        inside = (events.keys == label.key) & (events.times_ms >= label.first_ms) & (events.times_ms <= last)
        assert inside.sum() == 1 if label.kind == "spike" else inside.sum() <= 40
        marked |= inside
    assert (marked == (events.marks != 0)).all()
    assert np.abs(events.values[~marked] - 100).max() < 5
    kinds = Counter(label.kind for label in labels)
    assert kinds.keys() == {"spike", "level shift", "drift", "variance change"}
    assert N / 200 * 0.8 < kinds.total() <= N / 200 + 3


def test_each_kind_is_of_the_size_that_it_says() -> None:
    events = walked(keys=3, step=0.0, anomalies=1.0, noise=2.0)
    off = events.values - 100
    assert np.abs(off[of_kind(events, SPIKE)]).min() > 2 * 8
    assert np.abs(off[of_kind(events, LEVEL_SHIFT)]).mean() == pytest.approx(2 * 4, rel=0.1)
    assert off[of_kind(events, VARIANCE)].std() == pytest.approx(2 * 4, rel=0.1)
    assert ((events.marks & FIRST) != 0).sum() >= ((events.marks & LAST) != 0).sum() > 0


def test_without_anomalies_there_are_none() -> None:
    assert not walked(anomalies=0.0).marks.any()


@given(numbers=st.lists(st.integers(0, 2**63 - 1), max_size=20))
def test_keys_are_the_numbers_in_digits(numbers: list[int]) -> None:
    given_numbers = np.asarray(numbers, np.int64)
    assert digits(given_numbers, DECIMAL) == [b"%d" % number for number in numbers]
    assert digits(given_numbers, HEXADECIMAL) == [b"%x" % number for number in numbers]


def test_places_lie_in_their_cells_and_do_not_change() -> None:
    from h3 import latlng_to_cell  # noqa: PLC0415 - the reference

    found = places(500, seed=1, resolution=4)
    assert found.cells.tobytes() == places(500, seed=1, resolution=4).cells.tobytes()
    rows = zip(found.latitudes.tolist(), found.longitudes.tolist(), strict=True)
    assert digits(found.cells, HEXADECIMAL) == [latlng_to_cell(*row, 4).encode() for row in rows]
    assert 10 < len(set(found.cells.tolist())) < 500


def test_an_outage_lowers_its_cell_for_its_time_and_is_labelled_once() -> None:
    where = Places(np.zeros(3), np.zeros(3), np.asarray([7, 8, 7]))
    outage = Outage(7, START_MS + 10, START_MS + 20, 2.0, where)
    keys = np.arange(30) % 3
    events = Events(keys, times(30), np.zeros(30), np.zeros(30, np.int8))
    halves = [
        Events(events.keys[part], events.times_ms[part], events.values[part], events.marks[part])
        for part in (slice(0, 15), slice(15, 30))
    ]
    values = np.concatenate([outage.apply(half).values for half in halves])
    inside = (keys != 1) & (np.arange(30) >= 10) & (np.arange(30) < 20)
    assert values.tolist() == np.where(inside, -2.0 * DROP, 0.0).tolist()
    assert outage.labels == [Label(7, "outage", START_MS + 11, START_MS + 18)]  # 10 and 19 are of the other cell
