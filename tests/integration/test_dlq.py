"""Dead letters: listed, looked at, and sent back exactly once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from typer.testing import CliRunner

from commands import dlq
from kafka_cluster import clients
from kafka_cluster.codec import Encoder
from kafka_cluster.dead_letters import DeadLetter
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.errors import LabError
from kafka_cluster.letters import REPLAY_GROUP, reader
from kafka_cluster.read_topic import Read, read_messages, read_topic
from kafka_cluster.registry import HttpRegistry, RegistryAwayError, subject_of
from kafka_cluster.replay_letters import Replay
from kafka_cluster.schemas import load_schema
from tests.integration.conftest import Lab
from tests.integration.threaded import WAIT_S

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
VALUES = {"network": 1.0, "disk": 2.0, "cpu": 3.0, "timestamp": 4}


@pytest.fixture
def registry(lab: Lab) -> Iterator[HttpRegistry]:
    with HttpRegistry(lab.settings) as found:
        yield found


@pytest.fixture
def good(lab: Lab, registry: HttpRegistry) -> bytes:
    schema = load_schema("metric")
    return Encoder(schema, registry.register(subject_of(lab.settings.metrics_topic), schema)).encode(VALUES)


@pytest.fixture(autouse=True)
def environment(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a command that finds this lab."""
    found = {name.upper(): str(value) for name, value in lab.common.items()}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **found, "PYTHONPATH": str(ROOT)}


def letter(lab: Lab, offset: int, value: bytes | None, **changes: Any) -> DeadLetter:
    told: dict[str, Any] = {
        "error": "unknown-schema",
        "reason": "why",
        "key": b"host",
        "timestamp_ms": 1_000 + offset,
    } | changes
    return DeadLetter(lab.settings.metrics_topic, 1, offset, told.pop("key"), value, **told)


def bury(lab: Lab, *letters: DeadLetter) -> None:
    producer = clients.producer(lab.settings)
    for one in letters:
        producer.produce(lab.settings.dead_letters_topic, one.value, one.key, headers=list(one.headers()))
    assert producer.flush(WAIT_S) == 0


def command(*arguments: str) -> str:
    app = typer.Typer()
    app.add_typer(dlq.app, name="dlq")
    result = CliRunner().invoke(app, ["dlq", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def told(*arguments: str) -> Any:
    return json.loads(command(*arguments, "--json").splitlines()[-1])


def sent(lab: Lab, topic: str | None = None) -> list[Read]:
    return list(read_topic(lab.settings, topic or lab.settings.metrics_topic))


def test_letters_are_listed_by_error_and_topic_with_an_example(lab: Lab) -> None:
    topic = lab.settings.metrics_topic
    assert command("list") == f"No dead letters in topic '{lab.settings.dead_letters_topic}'.\n"
    assert told("list") == {"letters": 0, "groups": []}
    bury(lab, letter(lab, 7, b"x"), letter(lab, 8, b"y"), letter(lab, 9, b"z", error="not-framed"))
    listed = told("list")
    groups = [(one["error"], one["topic"], one["count"], one["example"]) for one in listed["groups"]]
    assert groups == [("unknown-schema", topic, 2, f"{topic}/1/7"), ("not-framed", topic, 1, f"{topic}/1/9")]
    assert listed["letters"] == 3
    assert all(1_600_000_000_000 < one["first_ms"] <= one["last_ms"] for one in listed["groups"])
    assert f"{topic}/1/7" in command("list")


def test_a_letter_is_shown_with_its_bytes_and_what_the_codec_says_now(lab: Lab, good: bytes) -> None:
    topic = lab.settings.metrics_topic
    bury(lab, letter(lab, 1, b"\x01rubbish\xff"), letter(lab, 2, good), letter(lab, 3, None, key=None))
    page = command("show", f"{topic}/1/1")
    assert "now: not-framed: first byte is 0x01, not 0" in page
    assert "01 72 75 62 62 69 73 68 ff" in page
    assert ".rubbish." in page
    assert "reason: why" in page
    second, third = told("show", "-n", "2")["letters"]
    assert (second["address"], second["now"], second["record"]) == (f"{topic}/1/2", "can be decoded", VALUES)
    assert bytes.fromhex(second["bytes"]) == good
    assert (third["key"], third["bytes"], third["now"]) == (None, None, "no-value: the record has no value")
    with pytest.raises(LabError, match="no such open letter"):
        command("show", f"{topic}/1/99")


def test_a_replay_sends_what_decodes_now_untouched_to_where_it_came_from_and_once(lab: Lab, good: bytes) -> None:
    bury(lab, letter(lab, 1, b"bad"), letter(lab, 2, good), letter(lab, 3, b"worse"), letter(lab, 4, good, key=None))
    bury(lab, letter(lab, 5, b"last"), letter(lab, 6, good, own=(("source", b"pump"),)))
    dry = told("replay", "--dry-run")
    assert (dry["replayed"], dry["stay"], sent(lab)) == (3, {"still not-framed": 3}, [])
    assert told("replay")["replayed"] == 3
    assert told("replay")["replayed"] == 0
    assert [(one.partition, one.key, one.raw, one.headers) for one in sent(lab)] == [
        (1, "host", good, {"replays": "1"}),
        (1, None, good, {"replays": "1"}),
        (1, "host", good, {"source": "pump", "replays": "1"}),
    ]
    assert sorted(one["address"].rpartition("/")[2] for one in told("show", "-n", "9")["letters"]) == ["1", "3", "5"]
    assert {one["headers"]["reason"] for one in told("show", "-n", "9")["letters"]} == {"why"}


def test_the_records_own_time_goes_along_where_the_topic_takes_it(
    lab: Lab, good: bytes, registry: HttpRegistry
) -> None:
    bury(lab, letter(lab, 2, good, timestamp_ms=123_456))
    elsewhere = lab.settings.verdicts_topic  # the metrics have the broker's time
    Replay(lab.settings, registry, elsewhere).run()
    consumer = clients.consumer(lab.settings, "times", **{"enable.partition.eof": True})
    consumer.assign([TopicPartition(elsewhere, 0, 0)])
    assert [message.timestamp()[1] for message in read_messages(consumer)] == [123_456]
    consumer.close()


def test_all_sends_the_rest_too_and_to_sends_them_elsewhere(lab: Lab, good: bytes) -> None:
    bury(lab, letter(lab, 1, b"bad"), letter(lab, 2, good, replays=1))
    elsewhere = lab.settings.verdicts_topic
    assert told("replay")["stay"] == {"still not-framed": 1, "replayed before": 1}
    assert told("replay", "--to", elsewhere, "--all")["sent"] == {elsewhere: 2}
    assert [(one.raw, one.headers["replays"]) for one in sent(lab, elsewhere)] == [(b"bad", "1"), (good, "2")]
    assert told("list")["letters"] == 0
    assert command("replay").startswith("Sent back: none.")


def test_a_letter_that_fails_again_says_so_and_is_not_sent_a_second_time(lab: Lab) -> None:
    lab.lay_data(nab_checkouts=())
    lab.produce(replay_keys=32)
    lab.train()
    member = lab.member("one")
    lab.send(b"rubbish")
    lab.wait(lambda: member.counts.dead_letters >= 1, "the dead letter")
    assert told("replay", "--all")["replayed"] == 1
    lab.wait(lambda: member.counts.dead_letters >= 2, "the dead letter again")
    member.end()
    first, second = lab.dead_letters()
    assert "replays" not in first.headers
    assert (second.headers["replays"], second.raw) == ("1", b"rubbish")
    assert int(second.headers["offset"]) > int(first.headers["offset"])
    assert told("replay") == {"replayed": 0, "dry_run": False, "sent": {}, "stay": {"replayed before": 1}}


def test_a_letter_that_a_new_default_makes_readable_is_scored_when_it_is_sent_back(
    lab: Lab, registry: HttpRegistry
) -> None:
    lab.lay_data(nab_checkouts=())
    lab.produce(replay_keys=32)
    lab.train()
    member = lab.member("one")
    full = load_schema("metric")
    less = {**full, "fields": [field for field in full["fields"] if field["name"] != "disk"]}
    subject = subject_of(lab.settings.metrics_topic)
    lab.send(Encoder(less, registry.register(subject, less)).encode({**VALUES, "timestamp": 5}))
    lab.wait(lambda: member.counts.dead_letters >= 1, "the dead letter")
    assert told("replay")["stay"] == {"still unfit-schema": 1}
    more = {**full, "fields": [*less["fields"], {"name": "disk", "type": "float", "default": 1.0}]}
    registry.register(subject, more)
    before = member.counts.scored
    assert told("replay")["replayed"] == 1
    lab.wait(lambda: member.counts.scored > before or member.counts.dead_letters > 1, "the record")
    assert (member.end().dead_letters, len(lab.dead_letters())) == (1, 1)


@pytest.mark.parametrize("committed", [False, True])
def test_a_replay_that_breaks_before_or_after_a_commit_and_the_next_send_each_letter_once(
    lab: Lab, good: bytes, registry: HttpRegistry, monkeypatch: pytest.MonkeyPatch, *, committed: bool
) -> None:
    bury(lab, *(letter(lab, k, good, key=str(k).encode()) for k in range(10)))
    made = clients.producer

    class Breaks:
        """Dies at the commit of the second transaction: all records are at the broker, or the commit is done too."""

        def __init__(self, *args: Any, **config: Any) -> None:
            self._real, self._commits = made(*args, **config), 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        def commit_transaction(self, *args: Any) -> None:
            self._commits += 1
            self._real.flush(WAIT_S)
            if self._commits == 1 or committed:
                self._real.commit_transaction(*args)
            if self._commits == 2:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    monkeypatch.setattr(clients, "producer", Breaks)
    with pytest.raises(LabError, match="run it again"):
        Replay(lab.settings, registry, batch=4).run()
    monkeypatch.undo()
    assert len(sent(lab)) == (8 if committed else 4)
    assert Replay(lab.settings, registry, batch=4).run().sent.total() == (2 if committed else 6)
    assert sorted(one.key or "" for one in sent(lab)) == [str(k) for k in range(10)]


def high(lab: Lab) -> int:
    """The end of the partition that letters go back to."""
    consumer = clients.consumer(lab.settings, "high")
    try:
        return consumer.get_watermark_offsets(TopicPartition(lab.settings.metrics_topic, 1), timeout=WAIT_S)[1]
    finally:
        consumer.close()


def went_on(lab: Lab, process: subprocess.Popen[bytes], to: int) -> bool:
    return process.poll() is not None or high(lab) >= to


@pytest.mark.slow
def test_a_replay_killed_again_and_again_sends_each_letter_once_and_loses_none(
    lab: Lab, good: bytes, environment: dict[str, str]
) -> None:
    count = 600
    bury(lab, *(letter(lab, k, b"bad" if k % 3 == 0 else good, key=str(k).encode()) for k in range(count)))
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "commands", "dlq", "replay", "--batch", "1"], env=environment, cwd=ROOT
        )
        lab.wait(partial(went_on, lab, process, high(lab) + 20), "some letters")
        process.send_signal(signal.SIGKILL)
        assert process.wait(WAIT_S) == -signal.SIGKILL, "it ended before it could be killed"
    told("replay")
    assert Counter(one.key for one in sent(lab)) == {str(k): 1 for k in range(count) if k % 3}
    left = told("show", "-n", str(count))["letters"]
    assert Counter(one["key"] for one in left) == {str(k): 1 for k in range(0, count, 3)}


def test_what_is_missing_is_told_in_one_line(lab: Lab, good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    bury(lab, letter(lab, 1, good))
    with pytest.raises(LabError, match="topic 'nowhere'"):
        command("replay", "--to", "nowhere")
    (port,) = pick_free(1)
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", f"http://127.0.0.1:{port}")
    for arguments in (["replay"], ["replay", "--dry-run"], ["show"]):
        with pytest.raises(RegistryAwayError):
            command(*arguments)
    assert told("list")["letters"] == 1
    monkeypatch.setenv("DEAD_LETTERS_TOPIC", "none-such")
    for arguments in (["list"], ["show"], ["replay"]):
        with pytest.raises(LabError, match="topic 'none-such'"):
            command(*arguments)


def test_the_position_is_that_of_one_group(lab: Lab, good: bytes, registry: HttpRegistry) -> None:
    bury(lab, letter(lab, 1, good))
    Replay(lab.settings, registry).run()
    assert REPLAY_GROUP == "dlq-replay"
    with_position = reader(lab.settings)
    place = TopicPartition(lab.settings.dead_letters_topic, 0)
    (found,) = with_position.committed([place], timeout=WAIT_S)
    with_position.close()
    assert found.offset == 1
