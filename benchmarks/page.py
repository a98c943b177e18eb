"""How long from a spike in Kafka to the page of a real browser, at several rates, and what a frame costs."""

from __future__ import annotations

import importlib
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.page_pictures import SEEN, take
from benchmarks.page_stage import BAD_VALUES, PageStage, Say, page_stage
from commands.lab_settings import LabSettings
from kafka_cluster import clients
from kafka_cluster.clock import Stop
from kafka_cluster.errors import LabError

RATES = (1, 1_000, 100_000)
SPIKES = 8
APART_S = 0.5
SEEN_WITHIN_MS = 30_000
LOAD_S = 4.0  # before the first spike at a rate
CHUNK_S = 0.02
MOST_AT_ONCE = 20_000  # on a machine that is busy with others the load falls behind rather than come in bursts
POOL = 5_000  # different records; the load repeats them
MB = 1_000_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHOWN = "(key) => document.getElementById('side-list').textContent.includes(key)"
NEWEST = "fetch('/api/v1/keys').then((answer) => answer.json()).then((all) => all.keys.map((one) => one.last_ms))"
# 10,000 points in each panel, drawn again and again: the median of 60 frames, in ms.
FRAME = """async () => {
  const { state } = await import('/static/js/state.js');
  const { Series } = await import('/static/js/series.js');
  const { render } = await import('/static/js/charts.js');
  const n = 10000, columns = state.metrics.length + 1;
  state.series = new Series(columns);
  const t = Array.from({ length: n }, (_, i) => 1.7e12 + 3e5 * i);
  const wave = t.map((_, i) => 50 + 40 * Math.sin(i / 50) + 10 * Math.random());
  state.series.append({ t, v: Array(columns - 1).fill(wave), s: wave.map((one) => one / 100) });
  const times = [];
  for (let i = 0; i < 60; i++) { const start = performance.now(); render(); times.push(performance.now() - start); }
  return times.sort((a, b) => a - b)[30];
}"""


def run(lab: LabSettings, pictures: Path | None, say: Say) -> dict[str, Any]:
    """The figures; with `pictures`, pictures of each view into that folder too."""
    with browser() as chromium, page_stage(lab, say) as stage:
        say("waiting for the rest of the series")
        stage.wait("training", lambda beat: beat["state"] == "done", "an evaluation")
        if pictures is not None:
            say(f"pictures into {pictures}")
            stage.send(*BAD_VALUES)
            take(chromium, stage.url, pictures)
        stage.programs["producer"].stop()
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(SEEN)
        page.goto(stage.url)
        page.wait_for_selector("#live[data-state=live]")
        stage.last_ms = max(page.evaluate(NEWEST))  # the replay went on beyond the series
        found = {"rates": [at_rate(stage, page, rate, say) for rate in RATES]}
        return {
            **found,
            "load_average": psutil.getloadavg()[0],
            "frame_ms_10000_points_a_panel": round(page.evaluate(FRAME), 2),
        }


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium. Raises LabError where there is none, or nothing to drive it with."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise LabError("browser", "there is no Chromium", "Debian: apt-get install chromium")
    try:
        library = importlib.import_module("playwright.sync_api")
    except ModuleNotFoundError:
        raise LabError("playwright", "is not installed", "`./lab test` installs it") from None
    with library.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield made
        made.close()


def at_rate(stage: PageStage, page: Any, rate: int, say: Say) -> dict[str, Any]:
    """From the call that produces a spike to its entry in the list, while so many ordinary records a second go by."""
    with load(stage, rate):
        stage.clock.sleep(LOAD_S)
        program = psutil.Process(stage.programs["page"].process.pid)
        cpu_before, came_before, began = _cpu_s(program), pipeline_of(page)["records"], stage.clock.monotonic()
        took = [seen_after_s(stage, page) for _ in range(SPIKES)]
        lasted_s, pipeline = stage.clock.monotonic() - began, pipeline_of(page)
        say(f"{rate:,}/s: median {median(took):.2f} s")
        return {
            "wanted_per_s": rate,
            "came_per_s": round((pipeline["records"] - came_before) / lasted_s),
            "spike_to_page_s": {"median": round(median(took), 3), "worst": round(max(took), 3)},
            "page_looked_at": pipeline["looked_at"],
            "page_cores": round((_cpu_s(program) - cpu_before) / lasted_s, 2),
            "page_mb": round(program.memory_info().rss / MB),
        }


def seen_after_s(stage: PageStage, page: Any) -> float:
    """Seconds from the call that produces a spike until it is in the list."""
    start = stage.clock.monotonic()
    key = stage.spike()
    page.wait_for_function(SHOWN, arg=key, polling="raf", timeout=SEEN_WITHIN_MS)
    took = stage.clock.monotonic() - start
    stage.clock.sleep(APART_S)
    return float(took)


def pipeline_of(page: Any) -> dict[str, Any]:
    """What the page's API tells of the pipeline now."""
    found: dict[str, Any] = page.evaluate("fetch('/api/v1/pipeline').then((answer) => answer.json())")
    return found


def _cpu_s(program: psutil.Process) -> float:
    times = program.cpu_times()
    return float(times.user + times.system)


@contextmanager
def load(stage: PageStage, rate: int) -> Iterator[None]:
    """Ordinary records, at that rate, for as long as the block lasts."""
    values = stage.ordinary(POOL)
    stop = Stop()
    sending = threading.Thread(target=_send, args=(stage, values, rate, stop), daemon=True)
    sending.start()
    try:
        yield
    finally:
        stop.request()
        sending.join()


def _send(stage: PageStage, values: list[bytes], rate: int, stop: Stop) -> None:
    producer = clients.producer(stage.settings, **{"queue.buffering.max.messages": 1_000_000})
    began, sent = stage.clock.monotonic(), 0
    while not stop.requested:
        due = min(int((stage.clock.monotonic() - began) * rate), sent + MOST_AT_ONCE)
        batch = [{"value": values[n % len(values)], "key": f"host-{n % 1000}".encode()} for n in range(sent, due)]
        if batch:
            producer.produce_batch(stage.settings.metrics_topic, batch)
        sent = due
        producer.poll(0)
        stop.wait(CHUNK_S)
    producer.flush(30)


def document(found: dict[str, Any]) -> str:
    """The figures as a page of the documentation."""
    return DOCUMENT.format(
        spikes=SPIKES,
        cores=psutil.cpu_count(),
        load=found["load_average"],
        rows="\n".join(map(_row, found["rates"])),
        frame=found["frame_ms_10000_points_a_panel"],
    )


def _row(at: dict[str, Any]) -> str:
    took = at["spike_to_page_s"]
    cells = (
        f"{at['wanted_per_s']:,}", f"{at['came_per_s']:,}", f"{took['median']:.2f} s", f"{took['worst']:.2f} s",
        f"{at['page_looked_at']:.0%}", f"{at['page_cores']:.2f}", f"{at['page_mb']} MB",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


DOCUMENT = """# How quick the page is

Written by `./lab bench page --document docs/page-speed.md`. A spike is produced to Kafka, scored and committed by a
prediction consumer, and looked for in the list of a real Chromium on the same machine, which draws without a graphics
card; {spikes} spikes at each rate. The machine has {cores} cores, which it shared: its load average at the end was
{load:.0f}.

| records/s wanted | came | spike to page, median | worst | looked at | the page's cores | its memory |
|---|---|---|---|---|---|---|
{rows}

To draw four panels of 10,000 points each takes {frame} ms.
"""
