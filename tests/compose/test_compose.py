"""The unmodified compose file, brought up for real, scaled, shaken and taken down."""

from __future__ import annotations

import pytest

from tests.compose.conftest import SCRAPED, Alerted, Failover, FirstPass, Gone, Monitored, Shared, shared_out

# The first test waits for the whole stack, and for its images where there are none yet.
pytestmark = [pytest.mark.compose, pytest.mark.slow, pytest.mark.timeout(900)]

TRAINING_SHARE = 0.6


def test_up_alone_tells_the_whole_story_and_every_program_ends_well(first_pass: FirstPass) -> None:
    assert first_pass.exits == {"setup": 0, "data": 0, "producer": 0, "consumer_training": 0}
    assert len({announcement.version for announcement in first_pass.announcements}) == 1
    assert first_pass.announcements[-1].evaluation is not None


def test_every_record_of_the_data_set_is_produced_once(first_pass: FirstPass) -> None:
    instants = [record.value["timestamp"] for record in first_pass.metrics if record.value is not None]
    assert len(instants) == len(set(instants)) == first_pass.dataset["records"]
    if first_pass.real_data:
        assert len(instants) == 1897


def test_the_model_is_trained_on_the_first_part_alone(first_pass: FirstPass) -> None:
    data = first_pass.manifest["data"]
    assert data["training_rows"] == int(TRAINING_SHARE * first_pass.dataset["records"])
    instants = sorted(record.value["timestamp"] for record in first_pass.metrics if record.value is not None)
    assert data["to_ms"] == instants[data["training_rows"] - 1]


def test_the_test_part_is_scored_exactly_once(first_pass: FirstPass) -> None:
    data = first_pass.manifest["data"]
    assert first_pass.committed == first_pass.ends
    test_rows = first_pass.dataset["records"] - data["training_rows"]
    assert sum(first_pass.committed.values()) - sum(data["next_offsets"].values()) == test_rows
    assert first_pass.scored == test_rows


def test_anomalies_are_published_once_and_lie_in_the_test_part(first_pass: FirstPass) -> None:
    found = first_pass.anomalies
    assert found
    assert len({anomaly.id for anomaly in found}) == len(found)
    last = max(record.value["timestamp"] for record in first_pass.metrics if record.value is not None)
    assert all(first_pass.manifest["data"]["to_ms"] < anomaly.timestamp <= last for anomaly in found)
    assert {anomaly.model_version for anomaly in found} == {first_pass.announcements[-1].version}


def test_the_page_shows_every_anomaly(first_pass: FirstPass) -> None:
    assert first_pass.page_keeps == len(first_pass.anomalies)


def test_the_evaluation_plot_is_on_the_volume(first_pass: FirstPass) -> None:
    assert first_pass.plot.startswith(b"\x89PNG")


def test_three_consumers_share_the_partitions(scaled: Shared) -> None:
    assert shared_out(scaled.shares, 3), scaled.shares


def test_prometheus_finds_every_program_that_runs_also_when_it_is_scaled(monitored: Monitored) -> None:
    assert monitored.up == SCRAPED
    assert monitored.partitions == [4.0]


def test_prometheus_knows_how_many_were_scored(first_pass: FirstPass, monitored: Monitored) -> None:
    assert monitored.scored == [first_pass.scored]


def test_what_is_recorded_has_data_no_rule_fails_and_alerts_reach_alertmanager(monitored: Monitored) -> None:
    assert len(monitored.recorded) == 1
    assert monitored.broken_rules == {}
    assert monitored.alertmanagers == 1
    assert monitored.health == ["healthy", "healthy"]


def test_every_anomaly_is_in_an_incident_and_those_who_are_to_be_told_are(
    first_pass: FirstPass, alerted: Alerted
) -> None:
    assert sum(one.total for one in alerted.incidents) == len(first_pass.anomalies)
    assert {one.key for one in alerted.incidents} == {one.key for one in first_pass.anomalies}
    assert {one["labels"]["key"] for one in alerted.held} <= {one.key for one in first_pass.anomalies}
    assert alerted.held


def test_the_documented_docker_run_joins_them(joined: Shared) -> None:
    assert shared_out(joined.shares, 4), joined.shares


def test_a_consumer_stopped_in_the_middle_ends_well_and_the_others_take_over(failover: Failover) -> None:
    assert failover.stopped_in_the_middle
    assert failover.stopped_exit == 0
    assert failover.producer_exit == 0
    assert shared_out(failover.shares, 3), failover.shares


def test_nothing_is_lost_and_nothing_scored_twice_when_a_consumer_stops(
    first_pass: FirstPass, failover: Failover
) -> None:
    test_rows = first_pass.dataset["records"] - first_pass.manifest["data"]["training_rows"]
    assert sum(failover.ends.values()) - sum(failover.before.values()) == test_rows
    assert failover.committed == failover.ends
    addresses = [(anomaly.partition, anomaly.offset) for anomaly in failover.anomalies]
    assert len(set(addresses)) == len(addresses)
    # The same records, the same model: the second replay must flag the very instants that the first one did.
    again = [
        anomaly.timestamp for anomaly in failover.anomalies if anomaly.offset >= failover.before[anomaly.partition]
    ]
    assert sorted(again) == sorted(anomaly.timestamp for anomaly in first_pass.anomalies)


def test_down_leaves_nothing(gone: Gone) -> None:
    assert gone.left == {"containers": [], "networks": [], "volumes": []}
    assert gone.volumes == []
