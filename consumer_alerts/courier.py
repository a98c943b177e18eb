"""One thread a channel: a channel that is slow or away holds up no other, nor the poll loop."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue

from consumer_alerts.channels.channel import Channel, ChannelError
from consumer_alerts.channels.config import ChannelConfig
from consumer_alerts.channels.make import make
from consumer_alerts.lane import Lane
from consumer_alerts.telling import Message, News, Outcome, outcome
from consumer_alerts.traces import AlertTraces
from kafka_cluster import metrics
from kafka_cluster.clock import Clock
from kafka_cluster.hidden import hide
from kafka_cluster.log import get_logger
from kafka_cluster.meter import OFF, Meter
from kafka_cluster.tracing import Span

MS_PER_S = 1_000
LOOK_S = 0.05  # at the end: how often it is looked whether messages have arrived
Maker = Callable[[ChannelConfig, Clock], Channel]
log = get_logger()


class Sent:
    """What came of messages, for heartbeat and metrics. Any thread may call it."""

    def __init__(self, clock: Clock, meter: Meter = OFF) -> None:
        self._clock, self._meter, self._lock = clock, meter, threading.Lock()
        self.delivered: Counter[str] = Counter()  # by channel
        self.failed: Counter[str] = Counter()  # attempts
        self.given_up: Counter[str] = Counter()

    def arrived(self, message: Message) -> None:
        """A channel has it."""
        channel = message.told.channel
        self._count(self.delivered, channel, "delivered")
        if message.news is News.OPENED:
            since_s = self._clock.now() - message.incident.seen_at / MS_PER_S
            self._meter.observe(metrics.ALERTS_DELIVERY_SECONDS, max(0.0, since_s))

    def missed(self, message: Message, *, given_up: bool) -> None:
        """An attempt failed."""
        self._count(self.failed, message.told.channel, "failed")
        if given_up:
            self._count(self.given_up, message.told.channel, "given-up")

    def _count(self, counter: Counter[str], channel: str, outcome: str) -> None:
        with self._lock:
            counter[channel] += 1
        self._meter.add(metrics.ALERTS_MESSAGES, channel=channel, outcome=outcome)


class Courier:
    """The thread of one channel."""

    def __init__(
        self,
        config: ChannelConfig,
        channel: Channel,
        clock: Clock,
        told: SimpleQueue[Outcome],
        sent: Sent,
        traces: AlertTraces,
    ) -> None:
        self.config = config
        self._channel = channel
        self._clock, self._told, self._sent, self._traces = clock, told, sent, traces
        self._lane, self._news, self._closing = Lane(), threading.Condition(), False
        self.error: BaseException | None = None  # a bug ended the thread
        self._thread = threading.Thread(target=self._work, name=f"alerts-{config.name}", daemon=True)
        self._thread.start()

    def offer(self, messages: Iterable[Message]) -> None:
        """Send these as soon as the channel takes them."""
        with self._news:
            for message in messages:
                self._lane.offer(message)
            self._news.notify()

    def read(self, identity: str) -> None:
        """The loop knows by now what arrived on that incident."""
        with self._news:
            self._lane.read(identity)

    def forget(self, partition: int) -> None:
        """Leave out what waits for that partition."""
        with self._news:
            self._lane.forget(partition)

    @property
    def waiting(self) -> int:
        """Messages that wait, or are on their way."""
        with self._news:
            return len(self._lane)

    @property
    def idle(self) -> bool:
        """Nothing can be sent at the moment: nothing is there, or the channel is away."""
        with self._news:
            wait_s = self._lane.wait_s(self._clock.monotonic())
            return not self._lane.flying and (wait_s is None or wait_s > 0)

    def close(self) -> None:
        """End after the message that is on its way. What waits is due again, from what is written down."""
        with self._news:
            self._closing = True
            self._news.notify()

    def _work(self) -> None:
        try:
            while (message := self._next()) is not None:
                with self._traces.telling(message) as span:
                    self._send(message, span)
        except BaseException as error:  # noqa: BLE001 - the loop raises it: a bug must not end one channel in silence
            self.error = error
        finally:
            self._channel.close()

    def _next(self) -> Message | None:
        with self._news:
            while not self._closing:
                now = self._clock.monotonic()
                if (message := self._lane.next(now)) is not None:
                    return message
                self._news.wait(self._lane.wait_s(now))
        return None

    def _send(self, message: Message, span: Span) -> None:
        name, identity = self.config.name, message.incident.id
        try:
            reference = self._channel.send(message)
        except ChannelError as error:
            with self._news:
                failed = self._lane.failed(error, self._clock.monotonic())
            self._sent.missed(message, given_up=failed.given_up)
            shown = {"channel": name, "incident": identity, "error": hide(str(error))}
            span.fail(shown["error"])
            if failed.given_up:
                log.error("message given up: the channel refuses it", **shown)
                self._told.put(outcome(message, message.told.reference))
            else:
                log.warning("message not delivered", **shown, next_try_s=round(failed.wait_s, 1))
        else:
            with self._news:
                self._lane.arrived()
            self._sent.arrived(message)
            self._told.put(outcome(message, reference))
            if message.news is not News.AGAIN:
                log.info("told", channel=name, news=str(message.news), incident=identity, key=message.incident.key)


class Dispatch:
    """All couriers of a member. What they have delivered waits in `told` for the loop."""

    def __init__(
        self, clock: Clock, maker: Maker = make, meter: Meter = OFF, traces: AlertTraces | None = None
    ) -> None:
        self._clock, self._maker, self._traces = clock, maker, traces or AlertTraces()
        self._couriers: dict[str, Courier] = {}
        self._told: SimpleQueue[Outcome] = SimpleQueue()
        self.sent = Sent(clock, meter)

    def use(self, channels: dict[str, ChannelConfig]) -> None:
        """These channels from now on. Raises ConfigError, and then nothing has changed."""
        kept = {name for name, one in self._couriers.items() if channels.get(name) == one.config}
        made = {name: self._maker(config, self._clock) for name, config in channels.items() if name not in kept}
        for name in self._couriers.keys() - kept:
            self._couriers.pop(name).close()
        for name, one in made.items():
            self._couriers[name] = Courier(channels[name], one, self._clock, self._told, self.sent, self._traces)

    def offer(self, messages: list[Message]) -> None:
        """Send these as soon as their channels take them."""
        by_channel: dict[str, list[Message]] = {}
        for message in messages:
            by_channel.setdefault(message.told.channel, []).append(message)
        for name, its in by_channel.items():
            if name in self._couriers:
                self._couriers[name].offer(its)

    def told(self, wait_s: float = 0.0) -> list[Outcome]:
        """What has arrived since the last call, waited for up to `wait_s`. Raises what ended a courier."""
        for courier in self._couriers.values():
            if courier.error is not None:
                raise courier.error
        found: list[Outcome] = []
        try:
            found.append(self._told.get(timeout=wait_s) if wait_s > 0 else self._told.get_nowait())
            while True:
                found.append(self._told.get_nowait())
        except Empty:
            pass
        for one in found:
            if one.channel in self._couriers:
                self._couriers[one.channel].read(one.incident)
        return found

    def forget(self, partition: int) -> None:
        """Its incidents are somebody else's now."""
        for courier in self._couriers.values():
            courier.forget(partition)

    @property
    def waiting(self) -> int:
        """Messages that wait, or are on their way."""
        return sum(courier.waiting for courier in self._couriers.values())

    def finish(self, limit_s: float) -> list[Outcome]:
        """What arrives until all that can be sent is sent, at most so long."""
        deadline, found = self._clock.monotonic() + limit_s, self.told()
        while self._clock.monotonic() < deadline and not all(one.idle for one in self._couriers.values()):
            found += self.told(LOOK_S)
        return found + self.told()

    def close(self) -> None:
        """End every thread."""
        for courier in self._couriers.values():
            courier.close()
