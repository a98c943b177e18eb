"""The rules against a plain reference that keeps every record, and what they promise."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from detectors.config_file import parse
from detectors.rules.engine import Alarm, Rules
from detectors.rules.file import PANES, book

METRICS = ("cpu", "disk")
MINUTE = 60_000
Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


def engine(*rules: str, lateness: str = "0s") -> Rules:
    """Each rule as the fields of a YAML mapping in one line."""
    lines = [f"lateness: {lateness}", "rules:", *(f"  - {{name: r{at}, {rule}}}" for at, rule in enumerate(rules))]
    return Rules(book(parse("\n".join(lines), "rules.yaml"), METRICS), METRICS)


def run(rules: Rules, cpu: Any, times: Any = None, disk: Any = None, key: int = 1) -> list[Alarm]:
    cpu = np.asarray(cpu, float)
    times = np.arange(len(cpu)) * MINUTE if times is None else np.asarray(times)
    values = np.column_stack([cpu, np.zeros(len(cpu)) if disk is None else np.asarray(disk, float)])
    return rules.judge(np.full(len(cpu), key), times.astype(np.int64), values, lambda _: "web-1")


def rows(alarms: list[Alarm]) -> list[int]:
    return [alarm.row for alarm in alarms]


def test_a_condition_alarms_once_it_has_held_for_its_time() -> None:
    cpu = [95] * 5 + [10] + [95] * 20
    (alarm,) = run(engine("when: cpu > 90 for 10m"), cpu)
    assert (alarm.row, alarm.time_ms, alarm.since_ms) == (16, 16 * MINUTE, 6 * MINUTE)
    assert alarm.sentence == "cpu 95 > 90 for 10m"


def test_without_a_time_it_alarms_at_once_and_again_only_after_it_has_ended() -> None:
    assert rows(run(engine("when: cpu > 90"), [1, 95, 96, 1, 97])) == [1, 4]


def test_hysteresis_ends_an_alarm_only_below_its_own_limit_for_its_own_time() -> None:
    cpu = [95, 85, 95, 79, 95, 79, 79, 79, 95]
    assert rows(run(engine("when: cpu > 90, until: cpu < 80"), cpu)) == [0, 4, 8]
    assert rows(run(engine("when: cpu > 90, until: cpu < 80 for 2m"), cpu)) == [0, 8]


def test_an_alarm_that_lasts_is_repeated_where_asked_for() -> None:
    assert rows(run(engine("when: cpu > 90, repeat: 10m"), [95] * 25)) == [0, 10, 20]


def test_a_silence_longer_than_the_gap_breaks_what_was_held() -> None:
    times = np.array([0, 1, 2, 60, 61, 62]) * MINUTE
    assert rows(run(engine("when: cpu > 90 for 10m"), [95] * 6, times)) == [3]
    assert rows(run(engine("when: cpu > 90 for 10m, gap: 5m"), [95] * 6, times)) == []


def test_conditions_are_combined() -> None:
    rules = engine("when: 'avg(cpu, 20m) > 50 and disk > 1'")
    (alarm,) = run(rules, [60] * 60, disk=[0] * 40 + [2] * 20)
    assert (alarm.row, alarm.sentence) == (40, "avg(cpu, 20m) 60 > 50 and disk 2 > 1")


def test_rules_apply_to_the_keys_that_they_name() -> None:
    rules = engine("when: cpu > 90, keys: web-*", "when: cpu > 90, keys: [db-*, '?eb-1']", "when: cpu > 90, keys: x")
    assert [alarm.rule.name for alarm in run(rules, [95])] == ["r0", "r1"]


def test_a_window_says_nothing_until_the_key_was_seen_for_its_length() -> None:
    assert rows(run(engine("when: 'count(cpu, 20m) < 1e9'"), np.zeros(30))) == [19]


def test_a_tumbling_window_speaks_when_it_closes_and_half_a_first_one_not_at_all() -> None:
    times = np.arange(5, 65) * MINUTE
    rules = engine("when: 'sum(cpu, 10m tumbling) >= 5'")
    (alarm,) = run(rules, np.ones(60), times)
    assert (times[alarm.row], alarm.time_ms) == (20 * MINUTE, 20 * MINUTE)


def test_a_late_record_counts_in_a_window_that_is_still_open_and_never_after() -> None:
    late_one = [0, 2, 4, 11, 9, 14, 21]
    cpu = [0, 0, 0, 0, 50, 0, 0]
    times = np.array(late_one) * MINUTE
    waits, strict = (engine("when: 'max(cpu, 10m tumbling) > 40'", lateness=how) for how in ("3m", "0s"))
    assert rows(run(waits, cpu, times)) == [5]
    assert rows(run(strict, cpu, times)) == []
    assert (waits.late, waits.dropped, strict.dropped) == (1, 0, 1)


def test_a_late_record_moves_no_rule_by_itself_and_joins_the_sliding_window() -> None:
    times = np.array([*range(30), 28, 30]) * MINUTE
    cpu = [0] * 30 + [2_000, 0]
    rules = engine("when: cpu > 90", "when: 'max(cpu, 20m) > 90'", lateness="5m")
    assert [(alarm.row, alarm.rule.name) for alarm in run(rules, cpu, times)] == [(31, "r1")]


def test_after_a_clock_was_set_back_rules_go_on() -> None:
    times = np.concatenate([np.arange(1_000, 1_100), np.arange(100, 200)]) * MINUTE
    cpu = np.concatenate([np.zeros(150), np.full(50, 95)])
    assert rows(run(engine("when: cpu > 90 for 10m"), cpu, times)) == [160]


def random_records(seed: int, n: int = 2_000, keys: int = 4) -> tuple[Ints, Ints, Floats]:
    random = np.random.default_rng(seed)
    ids = random.integers(0, keys, n)
    times = np.cumsum(random.integers(0, 40_000, n))
    late = random.random(n) < 0.1
    times[late] -= random.integers(0, 12 * MINUTE, late.sum())
    values = np.column_stack([np.round(random.normal(80, 15, n)), np.round(random.lognormal(0, 1, n), 2)])
    return ids, times.astype(np.int64), values


def test_absence_is_told_at_its_time_for_the_keys_that_the_rule_names() -> None:
    names = ["web-1", "web-2", "db-1"]
    keys, times = np.tile([0, 1, 2], 60), np.repeat(np.arange(60) * MINUTE, 3)
    gone = (keys > 0) & (times > 20 * MINUTE)
    keys, times = keys[~gone], times[~gone]
    rules = engine("when: absent for 15m, keys: web-*", "when: cpu > 5")
    rules.warm()
    found = rules.judge(keys, times, np.zeros((len(keys), 2)), lambda row: names[keys[row]], np.arange(len(keys)))
    (alarm,) = found
    assert alarm.silent is not None
    assert (alarm.silent.key, alarm.time_ms, times[alarm.silent.address]) == (1, 35 * MINUTE, 20 * MINUTE)
    assert alarm.sentence == "silent since 00:20 UTC, due by 00:35; speaks every 1m as a rule"
    assert [found.silent and found.silent.key for found in rules.tick(3 * 60 * MINUTE)] == [0]


RULES = (
    "when: absent for 3m",
    "when: cpu > 95 for 2m, gap: 20m",
    "when: 'avg(cpu, 30m) > 83 and max(disk, 10m) > 3', until: 'avg(cpu, 30m) < 82 for 3m'",
    "when: 'sum(disk, 10m tumbling) > 20 or count(cpu, 10m tumbling) > 9'",
    "when: 'not min(cpu, 1h) < 40', repeat: 30m",
)


@pytest.mark.parametrize("seed", range(4))
def test_batch_boundaries_do_not_matter_and_a_snapshot_goes_on(seed: int) -> None:
    ids, times, values = random_records(seed)
    whole = judge(ids, times, values, [])
    edges = sorted(np.random.default_rng(seed).integers(0, len(ids), 9))
    assert whole == judge(ids, times, values, edges)
    assert {name for name, *_ in whole} == {"r0", "r1", "r2", "r3", "r4"}


def judge(ids: Ints, times: Ints, values: Floats, edges: list[int]) -> list[Any]:
    """All alarms, in some order, by way of a snapshot at each edge."""
    found, rules = [], engine(*RULES, lateness="5m")
    for first, last in pairwise([0, *edges, len(ids)]):
        part = slice(first, last)
        alarms = rules.judge(ids[part], times[part], values[part], lambda _: "web", np.arange(len(ids))[part])
        found += [alarm if alarm.silent else alarm._replace(row=alarm.row + int(first)) for alarm in alarms]
        other = engine(*RULES, lateness="5m")
        other.restore(rules.snapshot())
        rules = other
    return sorted((one.rule.name, one.row, one.time_ms, one.since_ms, one.sentence) for one in found)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("aggregate", ["avg", "min", "max", "sum", "count"])
def test_sliding_windows_are_what_all_records_in_their_panes_say(aggregate: str, seed: int) -> None:
    _, times, values = random_records(seed, 500, 1)
    length, lateness = 20 * MINUTE, 5 * MINUTE
    limit = {"avg": 80, "min": 50, "max": 110, "sum": 4_000, "count": 50}[aggregate]
    found = run(engine(f"when: '{aggregate}(cpu, 20m) > {limit}', repeat: 1ms", lateness="5m"), values[:, 0], times)
    expected: list[int] = []
    newest, kept = -1, list[tuple[int, float]]()
    of: Any = {"avg": np.mean, "min": min, "max": max, "sum": sum, "count": len}[aggregate]
    for row, (time, value) in enumerate(zip(times.tolist(), values[:, 0].tolist(), strict=True)):
        if newest - time > lateness:
            continue
        kept.append((time, value))
        if time < newest:
            continue
        same, newest = time == newest, time
        if newest - kept[0][0] < length * (PANES - 1) // PANES:
            continue
        oldest = time * PANES // length - PANES + 1
        inside = [value for time, value in kept if time * PANES // length >= oldest]
        if of(inside) > limit and not (same and expected):  # an alarm is not repeated in the same millisecond
            expected.append(row)
    assert rows(found) == expected
    assert 0 < len(expected) < 400


def test_no_record_costs_nothing() -> None:
    assert run(engine("when: cpu > 1"), []) == []


def test_what_is_warm_says_the_same() -> None:
    rules = engine(*RULES)
    rules.warm()
    assert rows(run(engine("when: cpu > 90"), [95])) == [0]
