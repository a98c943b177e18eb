"""Records through the real broker and registry: produced, trained on, scored, published."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, MutableMapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from structlog.testing import capture_logs

from detectors.features import engineer
from kafka_cluster import dataset as datasets
from kafka_cluster.codec import Encoder
from kafka_cluster.errors import LabError
from kafka_cluster.read_topic import read_topic
from kafka_cluster.registry import HttpRegistry
from kafka_cluster.schemas import load_schema
from producer.load import load
from tests.integration.conftest import HAS_REAL_DATA, Lab

pytestmark = pytest.mark.integration
real_data = pytest.mark.skipif(not HAS_REAL_DATA, reason="no NAB checkout beside the project (../shared/nab)")
Said = list[MutableMapping[str, Any]]
GOOD = {"network": 1.0, "disk": 2.0, "cpu": 3.0, "timestamp": 4}


@pytest.fixture
def said() -> Iterator[Said]:
    """The log events of the test."""
    with capture_logs() as events:
        yield events


def encoder(lab: Lab) -> Encoder:
    schema = load_schema("metric")
    with HttpRegistry(lab.settings) as registry:
        return Encoder(schema, registry.register(f"{lab.settings.metrics_topic}-value", schema))


def trained_lab(lab: Lab, **training: Any) -> int:
    """Produce all of the data set, train on it; returns the number of test rows."""
    lab.lay_data(nab_checkouts=())
    lab.produce(replay_keys=32)
    return lab.train(**training).test_rows


@real_data
def test_the_real_series_give_1897_records_1138_to_train_on_and_759_to_score(lab: Lab) -> None:
    dataset = lab.lay_data()
    assert lab.produce(replay_keys=32) == 1_897
    trained = lab.train(training_dataset=dataset)
    assert (trained.training_rows, trained.test_rows) == (1_138, 759)
    one, two = lab.member("one"), lab.member("two")
    lab.wait(lambda: one.counts.scored + two.counts.scored >= 759, "scores")
    assert one.end().scored + two.end().scored == 759

    merged = load(datasets.read(dataset))
    features = (*merged.names, "off_hours")
    x = engineer(merged.times_ms, merged.values.astype(np.float32).astype(np.float64), merged.names, features)
    forest = IsolationForest(n_estimators=100, contamination=0.02, random_state=42).fit(x[:1_138])
    flagged = merged.times_ms[1_138:][forest.predict(x[1_138:]) == -1].tolist()
    assert sorted(anomaly.timestamp for anomaly in lab.anomalies()) == flagged
    assert trained.evaluation is not None
    assert trained.evaluation.alerts == len(flagged)
    assert (trained.evaluation.found, trained.evaluation.missed) == (1, 0)  # the network window of 04-14 to 04-16


def test_what_the_series_hold_is_what_the_topic_holds(lab: Lab) -> None:
    merged = load(datasets.read(lab.lay_data(nab_checkouts=())))
    assert lab.produce(replay_keys=5) == len(merged.times_ms)
    read = list(read_topic(lab.settings, lab.settings.metrics_topic))
    rows = sorted(
        (record.value["timestamp"], *(record.value[name] for name in merged.names)) for record in read if record.value
    )
    expected = zip(merged.times_ms.tolist(), *merged.values.astype(np.float32).astype(float).T.tolist(), strict=True)
    assert rows == sorted(expected)
    for key in {record.key for record in read}:
        of_key = [record for record in read if record.key == key]
        assert len({record.partition for record in of_key}) == 1
        assert all(a.value["timestamp"] < b.value["timestamp"] for a, b in pairwise(of_key) if a.value and b.value)


def test_a_producer_that_was_stopped_goes_on_where_it_was_and_sends_nothing_twice(lab: Lab) -> None:
    merged = load(datasets.read(lab.lay_data(nab_checkouts=())))
    first = lab.produce(replay_keys=32, replay_to="2024-01-05T00:00")
    assert 0 < first < len(merged.times_ms)
    assert lab.produce(replay_keys=32, replay_resume=True) == len(merged.times_ms) - first
    assert lab.produce(replay_keys=32, replay_resume=True) == 0
    read = read_topic(lab.settings, lab.settings.metrics_topic)
    assert sorted(record.value["timestamp"] for record in read if record.value) == merged.times_ms.tolist()


def test_a_member_waits_for_a_model_then_scores_exactly_the_test_part(lab: Lab) -> None:
    member = lab.member("early")
    lab.wait(lambda: member.beat().get("state") == "waiting for a model", "waiting state")
    test_rows = trained_lab(lab)
    lab.wait(lambda: member.counts.scored >= test_rows, "scores")
    assert member.end().scored == test_rows
    assert member.beat()["state"] == "stopped"


def test_training_can_wait_for_the_test_part_while_members_score_it(lab: Lab) -> None:
    lab.lay_data(nab_checkouts=())
    total = len(load(datasets.read(lab.folder / "data")).times_ms)
    member = lab.member("live")
    results: list[Any] = []
    trainer = threading.Thread(
        target=lambda: results.append(
            lab.train(training_wait_for="dataset", training_dataset=lab.folder / "data" / "dataset.json")
        )
    )
    trainer.start()
    lab.produce(replay_keys=32, replay_history=0.6, replay_rate=2_000)
    trainer.join(60)
    (trained,) = results
    assert trained.training_rows == int(0.6 * total)
    assert trained.training_rows + trained.test_rows == total
    lab.wait(lambda: member.counts.scored >= trained.test_rows, "scores")
    assert member.end().scored == trained.test_rows
    assert trained.evaluation.alerts == len(lab.anomalies())


def test_a_bad_record_becomes_a_dead_letter_and_its_neighbours_are_scored(lab: Lab) -> None:
    test_rows = trained_lab(lab)
    good = encoder(lab).encode(GOOD)
    bad: list[bytes | None] = [b"rubbish", good[:-1], good + b"\x00", b"\x00\x00\x0f\x12\x06" + good[5:], None]
    for value in bad:
        lab.send(good, value, good)
    member = lab.member("one")
    lab.wait(lambda: member.counts.scored + member.counts.dead_letters >= test_rows + 15, "scores")
    counts = member.end()
    assert (counts.scored, counts.dead_letters) == (test_rows + 10, 5)
    letters = lab.dead_letters()
    assert [letter.raw for letter in letters] == bad
    errors = ["not-framed", "undecodable", "trailing-bytes", "unknown-schema", "no-value"]
    assert [letter.headers["error"] for letter in letters] == errors
    assert {letter.headers["topic"] for letter in letters} == {lab.settings.metrics_topic}
    assert [letter.key for letter in letters] == ["host"] * 5


def test_too_many_dead_letters_stop_the_member_before_they_are_committed(lab: Lab) -> None:
    test_rows = trained_lab(lab)
    lab.send(*[b"rubbish"] * 100)
    member = lab.member("one", prediction_batch=test_rows, dead_letter_limit=0.04, dead_letter_window=50)
    member.thread.join(60)
    assert isinstance(member.error, LabError)
    assert "dead letters" in str(member.error)
    assert lab.dead_letters() == []
    lab.members.remove(member)
    member.registry.close()
    again = lab.member("one", dead_letter_limit=1.0)
    lab.wait(lambda: again.counts.dead_letters >= 100, "dead letters")
    again.end()
    assert len(lab.dead_letters()) == 100
    assert member.counts.scored + again.counts.scored == test_rows


def test_a_restarted_member_goes_on_where_it_stopped(lab: Lab) -> None:
    test_rows = trained_lab(lab, training_contamination=0.2)
    first = lab.member("one", prediction_batch=50)
    lab.wait(lambda: first.counts.scored > 0, "first scores")
    done = first.end().scored
    second = lab.member("one")
    lab.wait(lambda: done + second.counts.scored >= test_rows, "the rest")
    assert done + second.end().scored == test_rows
    ids = [anomaly.id for anomaly in lab.anomalies()]
    assert len(ids) == len(set(ids)) == first.counts.anomalies + second.counts.anomalies


def test_members_share_the_partitions_and_one_too_many_says_so(lab: Lab, said: Said) -> None:
    trained_lab(lab)
    members = [lab.member(f"m{number}") for number in range(5)]

    def held() -> list[list[int]]:
        return sorted(member.beat().get("partitions", [9]) for member in members)

    lab.wait(lambda: held() == [[], [0], [1], [2], [3]], "one partition each and a spare")
    lab.wait(lambda: any("more members than partitions" in event["event"] for event in said), "a word from the spare")
    leaver = next(member for member in members if member.beat()["partitions"] == [2])
    leaver.end()
    members.remove(leaver)
    lab.wait(lambda: held() == [[0], [1], [2], [3]], "the spare to take over")


def test_a_new_champion_is_taken_up_between_batches_and_named_in_its_anomalies(lab: Lab) -> None:
    test_rows = trained_lab(lab, training_contamination=0.2)
    member = lab.member("one")
    lab.wait(lambda: member.counts.scored >= test_rows, "scores")
    old = {anomaly.model_version for anomaly in lab.anomalies()}
    new = lab.train(training_contamination=0.3, training_seed=1).version
    lab.wait(lambda: member.beat().get("model") == new, "the new model")
    lab.produce(replay_keys=32)
    lab.wait(lambda: member.counts.scored > 2 * test_rows, "more scores")
    member.end()
    assert {anomaly.model_version for anomaly in lab.anomalies()} == old | {new}


def test_a_tampered_bundle_is_not_used_and_the_member_says_why(lab: Lab, said: Said) -> None:
    lab.lay_data(nab_checkouts=())
    lab.produce(replay_keys=32)
    forest = lab.train().bundle / "forest.npz"
    forest.write_bytes(forest.read_bytes()[:-1])
    member = lab.member("one")
    lab.wait(lambda: any("sha256 differs" in event.get("error", "") for event in said), "a complaint")
    assert member.end().scored == 0


def test_a_record_cap_keeps_the_newest(lab: Lab) -> None:
    merged = load(datasets.read(lab.lay_data(nab_checkouts=())))
    lab.produce(replay_keys=32)
    trained = lab.train(training_max_rows=1_000)
    manifest = json.loads((trained.bundle / "manifest.json").read_text())
    assert trained.training_rows + trained.test_rows == 1_000
    assert manifest["data"]["from_ms"] == merged.times_ms[-1_000]
    assert manifest["data"]["seen"] == len(merged.times_ms)


def test_unusable_records_are_counted_and_too_many_train_nothing(lab: Lab) -> None:
    lab.lay_data(nab_checkouts=())
    sent = lab.produce(replay_keys=32)
    lab.send(*[encoder(lab).encode({**GOOD, "cpu": float("nan")})] * 40)
    manifest = json.loads((lab.train().bundle / "manifest.json").read_text())
    assert manifest["data"]["rejected"] == {"not-finite: field 'cpu': is NaN": 40}
    assert manifest["data"]["seen"] == sent
    with pytest.raises(Exception, match=r"40 of \d+ are not usable, 40 of them: not-finite: field 'cpu': is NaN"):
        lab.train(training_max_rejected=0.001)


def test_an_empty_topic_trains_nothing(lab: Lab) -> None:
    with pytest.raises(Exception, match="0 records, at least 100 are needed"):
        lab.train()
    assert not list(Path(lab.folder).rglob("manifest.json"))


def test_the_evaluation_stands_beside_the_model_and_in_its_announcement(lab: Lab) -> None:
    dataset = lab.lay_data(nab_checkouts=())
    lab.produce(replay_keys=32)
    trained = lab.train(training_dataset=dataset)
    evaluation = json.loads((trained.bundle / "evaluation.json").read_text())
    assert (trained.bundle / "evaluation.png").read_bytes().startswith(b"\x89PNG")
    (announced,) = read_topic(lab.settings, lab.settings.models_topic)
    assert announced.value is not None
    assert json.loads(announced.value["evaluation"]) == evaluation
    assert evaluation["rows"] == trained.test_rows
    assert evaluation["found"] + evaluation["missed"] == len(evaluation["windows"]) > 0
