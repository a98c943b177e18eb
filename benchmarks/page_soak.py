"""Whether the page stays as it was: its memory, the browser's, and the time from a spike to the list, over an hour."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.page import FRAME, MB, NEWEST, browser, load, pipeline_of, seen_after_s
from benchmarks.page_stage import PageStage, Say, page_stage
from commands.lab_settings import LabSettings
from kafka_cluster.errors import LabError

SPIKE_EVERY_S = 5.0
ROWS = 12  # of the table, whatever the length
FIRST_S = 30.0  # until everything is drawn once


@dataclass(frozen=True)
class Sample:
    """One row: what was so at the end of a stretch of the time, and the spikes within it."""

    minutes: float
    records: int
    anomalies: int
    spike_to_page_s: float  # median of the stretch
    worst_s: float
    page_mb: int
    heap_mb: float  # of the browser's page, after a collection
    nodes: int  # of its document


def run(lab: LabSettings, minutes: float, rate: int, picture: Path | None, say: Say) -> dict[str, Any]:
    """Samples over `minutes` at `rate` records/s, a spike every few seconds. Raises LabError."""
    if minutes <= 0 or rate <= 0:
        raise LabError("--minutes and --rate", "have to be above 0", "an hour at 1,000 records/s is `--minutes 60`")
    with browser() as chromium, page_stage(lab, say) as stage:
        stage.wait("training", lambda beat: beat["state"] == "done", "an evaluation")
        stage.programs["producer"].stop()
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.goto(stage.url)
        page.wait_for_selector("#live[data-state=live]")
        stage.last_ms = max(page.evaluate(NEWEST))
        watch = _Watch(stage, page)
        with load(stage, rate):
            stage.clock.sleep(FIRST_S)
            samples = [watch.sample((number + 1) * minutes / ROWS, say) for number in range(ROWS)]
            if picture is not None:
                page.screenshot(path=picture)
        frame_ms = round(page.evaluate(FRAME), 2)
        return {
            "minutes": minutes,
            "rate": rate,
            "samples": [asdict(one) for one in samples],
            "frame_ms_10000_points_a_panel": frame_ms,
            "load_average": round(psutil.getloadavg()[0], 1),
        }


class _Watch:
    def __init__(self, stage: PageStage, page: Any) -> None:
        self._stage, self._page = stage, page
        self._program = psutil.Process(stage.programs["page"].process.pid)
        self._browser = page.context.new_cdp_session(page)
        self._began_s = stage.clock.monotonic()

    def sample(self, until_minutes: float, say: Say) -> Sample:
        """Spikes until that time, then a look at the memory."""
        took: list[float] = []
        while not took or self._minutes() < until_minutes:
            took.append(seen_after_s(self._stage, self._page))
            self._stage.clock.sleep(SPIKE_EVERY_S)
        self._browser.send("HeapProfiler.collectGarbage")
        self._browser.send("Performance.enable")
        found = self._browser.send("Performance.getMetrics")["metrics"]
        metrics = {one["name"]: one["value"] for one in found}
        pipeline = pipeline_of(self._page)
        made = Sample(
            round(self._minutes(), 1),
            pipeline["records"],
            pipeline["anomalies"],
            round(median(took), 2),
            round(max(took), 2),
            round(self._program.memory_info().rss / MB),
            round(metrics["JSHeapUsedSize"] / MB, 1),
            int(metrics["Nodes"]),
        )
        say(f"{made.minutes:5.1f} min: {made}")
        return made

    def _minutes(self) -> float:
        return (self._stage.clock.monotonic() - self._began_s) / 60


def document(found: dict[str, Any]) -> str:
    """The samples as a page of the documentation."""
    rows = "\n".join(
        f"| {one['minutes']:.0f} | {one['records']:,} | {one['anomalies']:,} | {one['spike_to_page_s']:.2f} s | "
        f"{one['worst_s']:.2f} s | {one['page_mb']} MB | {one['heap_mb']:.1f} MB | {one['nodes']:,} |"
        for one in found["samples"]
    )
    return DOCUMENT.format(
        minutes=f"{found['minutes']:g}",
        rate=found["rate"],
        every=f"{SPIKE_EVERY_S:g}",
        rows=rows,
        frame=found["frame_ms_10000_points_a_panel"],
        load=found["load_average"],
    )


DOCUMENT = """# The page over {minutes} minutes

Written by `./lab bench page-soak --minutes {minutes} --rate {rate} --document docs/page-hour.md`. Records come at
{rate:,}/s on 1,000 keys, a spike about every {every} seconds, and one real Chromium is open throughout. The heap is
what the browser's page holds after a collection; the load average at the end was {load}.

| minutes | records | anomalies | spike to page, median | worst | the page's memory | browser's heap | nodes |
|---|---|---|---|---|---|---|---|
{rows}

At the end four panels of 10,000 points each are drawn in {frame} ms.
"""
