"""Dead letters: a bad record keeps its bytes and gets an address, a reason and a limit."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_cluster.errors import LabError

REPLAYS = "replays"
_MAX_DIGITS = 9
OURS = ("error", "reason", "topic", "partition", "offset", "timestamp_ms")  # the last headers of a letter, in order
Header = tuple[str, bytes | None]
Headers = list[Header]
ClientHeaders = dict[str, str | bytes | None] | list[tuple[str, str | bytes | None]] | None


@dataclass(frozen=True)
class DeadLetter:
    """The original key and value, untouched, and why nobody could use them."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int  # of the Kafka message
    error: str  # a kafka_cluster.codec.DecodeError
    reason: str
    replays: int = 0  # how often it was sent back already
    own: tuple[Header, ...] = ()  # the record's own headers

    def headers(self) -> Headers:
        """What travels beside the original bytes: the record's own headers, then ours."""
        said = self.error, self.reason, self.topic, self.partition, self.offset, self.timestamp_ms
        return [
            *self.own,
            *([(REPLAYS, str(self.replays).encode())] if self.replays else []),
            *((name, str(one).encode()) for name, one in zip(OURS, said, strict=True)),
        ]


def own(headers: ClientHeaders) -> tuple[Header, ...]:
    """The headers that a record, or the record of a letter, had of its own, also where their names are among ours."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    if tuple(name for name, _ in pairs[-len(OURS) :]) == OURS:
        pairs = pairs[: -len(OURS)]
    return tuple(
        (name, content.encode() if isinstance(content, str) else content) for name, content in pairs if name != REPLAYS
    )


def texts(headers: ClientHeaders) -> dict[str, str]:
    """Headers as the client gives them, as text by name; of two with one name the last."""
    return {name: _text(content) for name, content in dict(headers or []).items()}


def replays(headers: ClientHeaders) -> int:
    """How often a record was sent back, by its headers; what is no number counts as never."""
    text = texts(headers).get(REPLAYS, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else 0


def _text(content: str | bytes | None) -> str:
    return content.decode(errors="replace") if isinstance(content, bytes) else content or ""


class DeadLetterLimit:
    """Stops a consumer rather than let it drain a topic into the dead letters through one bad deploy.

    The limit is a share of the last `window` records; it says nothing before `window` records were seen.
    """

    def __init__(self, share: float, window: int) -> None:
        self._share, self._window = share, window
        self._records = self._letters = 0

    def count(self, records: int, letters: int) -> None:
        """Take note of a batch. Raises LabError when more than the share of a full window were dead letters."""
        self._records += records
        self._letters += letters
        if self._records < self._window:
            return
        if self._letters > self._share * self._records:
            thing = "dead letters"
            reason = f"{self._letters} of the last {self._records} records, the limit is {self._share:.0%}"
            raise LabError(thing, reason, "read them in the dead-letters topic; mend the producer or the schema")
        self._records = self._letters = 0
