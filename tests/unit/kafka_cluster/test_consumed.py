from __future__ import annotations

from confluent_kafka import Message

from kafka_cluster.consumed import ConsumedBatch


def message(partition: int, offset: int) -> Message:
    return Message(topic="metrics", partition=partition, offset=offset, key=b"host", value=b"%d" % offset)


def test_only_what_is_in_the_batch_is_committed_and_read_again() -> None:
    batch = ConsumedBatch("metrics", [message(0, 5), message(2, 9), message(0, 6), message(2, 12)])
    assert {at.partition: at.offset for at in batch.nexts()} == {0: 7, 2: 13}
    assert batch.firsts() == {0: 5, 2: 9}
    assert batch.values == [b"5", b"9", b"6", b"12"]
    assert batch.address(3) == (2, 12)
    assert batch.key(3) == b"host"
