"""Steps of a long command: each says what it does, then what came of it and how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from kafka_cluster.clock import Clock, Stop, SystemClock


class InterruptedClock(SystemClock):
    """Asked for the time after a requested stop, it raises KeyboardInterrupt: the signal's own may be swallowed."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop)
        self._requested = stop

    def monotonic(self) -> float:
        """Seconds from an arbitrary start. Raises KeyboardInterrupt when the stop was requested."""
        if self._requested.requested:
            raise KeyboardInterrupt
        return super().monotonic()


class Steps:
    """Tells a person, on standard error, and keeps the seconds of each step."""

    def __init__(self, clock: Clock) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.seconds: dict[str, float] = {}
        self._clock = clock
        self._result = ""

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[None]:
        """Time one step; `result` inside it sets the line that stays."""
        start = self._clock.monotonic()
        self._result = doing
        with self.console.status(f"{name}: {doing} …"):
            yield
        took = self.seconds[name] = round(self._clock.monotonic() - start, 2)
        self.console.print(f"[green]✓[/] [bold]{name:<9}[/] {self._result} [dim]({took:.1f} s)[/]")

    def result(self, text: str) -> None:
        """What came of the step."""
        self._result = text

    def say(self, text: str) -> None:
        """A line of its own, inside a step."""
        self.console.print(f"            {text}", markup=False)

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Progress]:
        """A progress bar inside a step; drawn on terminals only. Its only task is `progress.task_ids[0]`."""
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn())
        hidden = not self.console.is_terminal
        with Progress(*columns, console=self.console, transient=True, disable=hidden) as progress:
            progress.add_task(what, total=total)
            yield progress
