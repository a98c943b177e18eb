"""What `docs/guarantees.md` promises of a member, against the real broker: undone, fenced, away for a moment."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from kafka_cluster.transaction import FencedError, Output, Transactions
from tests.integration.conftest import Lab, Member
from tests.integration.test_pipeline import Said, said, trained_lab  # noqa: F401 - a fixture

pytestmark = pytest.mark.integration


class UndoneAtFirst(Transactions):
    """Every second transaction is undone when all of it is written."""

    turns = 0

    def _before_commit(self) -> None:
        self.turns += 1
        if self.turns % 2:
            self._producer.flush()  # so that there is something to undo
            raise KafkaException(KafkaError(KafkaError.INVALID_TXN_STATE, "made up", txn_requires_abort=True))


class LeavesOpen(Transactions):
    """Its first transaction with an output stays as it is, neither committed nor undone, as after a kill."""

    def commit(self, consumer: Consumer, outputs: Sequence[Output], offsets: list[TopicPartition]) -> None:
        self._open = bool(outputs)
        super().commit(consumer, outputs, offsets)

    def _before_commit(self) -> None:
        if self._open:
            self._producer.flush()
            raise SystemExit("killed")


def wait_for_all(lab: Lab, member: Member, scored: int) -> None:
    lab.wait(lambda: member.counts.scored >= scored, "scores")
    assert member.end().scored == scored


def test_a_transaction_undone_is_done_again_with_every_record_of_it(lab: Lab, said: Said) -> None:  # noqa: F811 - a fixture
    test_rows = trained_lab(lab, training_contamination=0.2)
    member = lab.member("one", UndoneAtFirst, prediction_batch=60)
    wait_for_all(lab, member, test_rows)
    assert sum(event["event"] == "transaction undone" for event in said) >= test_rows // 60
    ids = [anomaly.id for anomaly in lab.anomalies()]
    assert len(ids) == len(set(ids)) == member.counts.anomalies > 0.1 * test_rows


def test_what_was_written_and_never_decided_is_not_seen_and_is_written_by_the_next(lab: Lab) -> None:
    test_rows = trained_lab(lab, training_contamination=0.2)
    dead = lab.member("one", LeavesOpen, transaction_timeout_ms=60_000)
    assert str(dead.ended_by()) == "killed"
    lab.members.remove(dead)
    assert lab.anomalies() == []
    again = lab.member(
        "one", transaction_timeout_ms=60_000
    )  # the same id ends what was left open, long before its time
    wait_for_all(lab, again, test_rows - dead.counts.scored)
    assert len(lab.anomalies()) == again.counts.anomalies > 0


def test_of_two_members_with_one_id_the_older_one_ends_and_says_why(lab: Lab) -> None:
    test_rows = trained_lab(lab, training_contamination=0.2)
    older = lab.member("twin")
    lab.wait(lambda: older.counts.scored >= test_rows, "scores")
    lab.members.remove(older)  # it is to end by itself
    younger = lab.member("twin")
    lab.wait(lambda: younger.beat().get("state") is not None, "the younger one")
    sent = lab.produce(replay_keys=32)  # the older one's partitions give it something to commit
    error = older.ended_by()
    assert isinstance(error, FencedError)
    assert "another process may have the same CONSUMER_ID" in str(error)
    lab.wait(lambda: older.counts.scored + younger.counts.scored >= test_rows + sent, "scores of the rest")
    younger.end()
    ids = [anomaly.id for anomaly in lab.anomalies()]
    assert len(ids) == len(set(ids)) == older.counts.anomalies + younger.counts.anomalies


def test_a_static_member_that_comes_back_in_time_moves_no_partition(lab: Lab, said: Said) -> None:  # noqa: F811 - a fixture
    test_rows = trained_lab(lab)
    one, two = (lab.member(name, static_member=True, session_timeout_ms=30_000) for name in ("one", "two"))
    lab.wait(lambda: all(len(member.beat().get("partitions", [])) == 2 for member in (one, two)), "two each")
    lab.wait(lambda: one.counts.scored + two.counts.scored >= test_rows, "scores")
    held = one.beat()["partitions"], two.beat()["partitions"]
    one.end()
    lab.members.remove(one)
    said.clear()
    again = lab.member("one", static_member=True, session_timeout_ms=30_000)
    lab.wait(lambda: again.beat().get("partitions") == held[0], "the same partitions")
    sent = lab.produce(replay_keys=32)
    done = one.counts.scored + two.counts.scored
    lab.wait(lambda: again.counts.scored + two.counts.scored + one.counts.scored >= done + sent, "scores")
    assert two.beat()["partitions"] == held[1]
    assert not [event for event in said if event.get("given_up")]  # nobody gave anything up meanwhile
    again.end()
    two.end()
