"""The page in a real browser, over the real broker: what is produced is seen, what is said is written."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from dashboard.run import run
from dashboard.settings import DashboardSettings
from detectors import bundle
from kafka_cluster import clients
from kafka_cluster.clock import Stop, SystemClock
from kafka_cluster.codec import Encoder
from kafka_cluster.dataset import DATASET_FILE
from kafka_cluster.embedded.cluster import ClusterInfo
from kafka_cluster.incident import Incident, Kind, Phase, State, Told, incident_id
from kafka_cluster.read_topic import Read, read_topic
from kafka_cluster.records import Severity, Verdict
from kafka_cluster.registry import HttpRegistry, subject_of
from kafka_cluster.schemas import load_schema
from tests.integration.conftest import Lab
from tests.integration.threaded import WAIT_S
from tests.integration.wire import Wire

pytestmark = pytest.mark.integration
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SEEN_MS = 20_000  # generous: other work may share the processor; `lab bench page` says how long it takes
KEY = "host-under-test"


class Served:
    """The page's program in a thread, and the lab whose topics it shows."""

    def __init__(self, lab: Lab, trained_at_ms: int, **more: object) -> None:
        self.lab, self.at_ms = lab, trained_at_ms
        self.stop = Stop()
        self.url = ""
        self._ready = threading.Event()
        settings = DashboardSettings.read(
            **lab.common, **lab.models, prediction_group=lab.group, dashboard_port=0,
            dashboard_dataset=lab.folder / "data" / DATASET_FILE, **more,
        )  # fmt: skip
        self._thread = threading.Thread(
            target=lambda: run(settings, SystemClock(self.stop), self.stop, self._serving), daemon=True
        )
        self._thread.start()
        assert self._ready.wait(WAIT_S)
        with HttpRegistry(lab.settings) as registry:
            schema = load_schema("metric")
            self._encoder = Encoder(schema, registry.register(subject_of(lab.settings.metrics_topic), schema))

    def _serving(self, url: str) -> None:
        self.url = url
        self._ready.set()

    def end(self) -> None:
        self.stop.request()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def produce(self, **metrics: float) -> None:
        """One record of KEY, five minutes after the one before."""
        self.at_ms += 300_000
        self.lab.send(self._encoder.encode({**metrics, "timestamp": self.at_ms}), key=KEY.encode())

    def write_incident(self, incident: Incident) -> None:
        """As an alerts consumer does."""
        schema, topic = load_schema("incident"), self.lab.settings.incidents_topic
        with HttpRegistry(self.lab.settings) as registry:
            encoder = Encoder(schema, registry.register(subject_of(topic), schema))
        producer = clients.producer(self.lab.settings)
        producer.produce(topic, encoder.encode(incident.to_avro()), incident.id)
        assert producer.flush(WAIT_S) == 0

    def verdicts(self) -> list[Read]:
        return list(read_topic(self.lab.settings, self.lab.settings.verdicts_topic))


@pytest.fixture(scope="module")
def served(cluster: ClusterInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A trained lab with one prediction consumer, and its page."""
    lab = Lab(cluster, tmp_path_factory.mktemp("page"))
    lab.lay_data(nab_checkouts=())
    lab.produce(replay_keys=4)
    trained = lab.train(training_fraction=1.0)
    member = lab.member("one")
    lab.wait(lambda: bool(member.beat().get("partitions")), "partitions")
    last_ms = bundle.read_manifest(Path(trained.bundle))["data"]["to_ms"]
    made = Served(lab, last_ms)
    yield made
    made.end()
    member.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        try:
            made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except Error as error:
            pytest.skip(f"Chromium does not start here: {error}")
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """The page, opened for the first time; it must not complain, nor ask another host for anything."""
    complaints: list[str] = []
    context = browser.new_context(timezone_id="Europe/Vienna", viewport={"width": 1280, "height": 800})
    made = context.new_page()
    made.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on(
        "request", lambda one: complaints.append(one.url) if not one.url.startswith((served.url, "data:")) else None
    )
    made.goto(served.url)
    expect(made.locator("#live")).to_have_attribute("data-state", "live", timeout=SEEN_MS)
    yield made
    context.close()
    assert complaints == []


def spike(served: Served, page: Page) -> Any:
    """A record as strange as can be; the entry that appears for it, opened."""
    before = page.locator("#side-list .anomaly").count()
    served.produce(network=4e9, disk=4e9, cpu=100.0)
    expect(page.locator("#side-list .anomaly")).to_have_count(before + 1, timeout=SEEN_MS)
    page.locator("body").press("Escape")
    page.locator("body").press("j")
    return page.locator("#side-list .anomaly.open")


def test_a_spike_in_the_topic_appears_with_its_reason_on_the_page_and_a_click_ends_as_a_verdict(
    served: Served, page: Page
) -> None:
    entry = spike(served, page)
    expect(entry).to_contain_text("the usual")
    expect(entry).to_contain_text(KEY)
    anomaly_id = entry.get_attribute("data-id")
    button = entry.locator("[data-verdict=FALSE_ALARM]")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(entry).to_contain_text("Noted")
    served.lab.wait(lambda: any(one.key == anomaly_id for one in served.verdicts()), "verdict")
    said = [Verdict.from_avro(one.value) for one in served.verdicts() if one.key == anomaly_id and one.value]
    assert [(one.verdict, one.by) for one in said] == [("FALSE_ALARM", "page")]
    page.reload()  # it stays: the topic tells it
    again = page.locator(f'[data-id="{anomaly_id}"]')
    expect(again).to_contain_text("false alarm", timeout=SEEN_MS)
    again.locator("> button").click()
    page.locator("body").press("f")  # the same again takes it back
    served.lab.wait(lambda: served.verdicts()[-1].raw is None, "tombstone")


def test_a_card_tells_of_earlier_ones_like_it_and_opens_the_closest(served: Served, page: Page) -> None:
    first = spike(served, page).get_attribute("data-id")
    earlier = spike(served, page).locator(".earlier")
    expect(earlier).to_contain_text("earlier like it")
    earlier.locator(f"a[href$='{first}']").click()
    expect(page.locator("#view-anomalies .anomaly.open")).to_have_attribute("data-id", str(first))


def test_the_pipeline_says_who_holds_the_partitions_and_that_nothing_is_behind(served: Served, page: Page) -> None:
    served.produce(network=1.0, disk=1.0, cpu=1.0)
    strip = page.locator("#strip")
    expect(strip).to_contain_text("1 consumer", timeout=SEEN_MS)
    expect(strip).to_contain_text("lag 0", timeout=SEEN_MS)
    page.goto(f"{served.url}/#/pipeline")
    expect(page.locator("#view-pipeline table").first).to_contain_text("one")


def test_incidents_and_who_was_told_of_them_are_on_the_page(served: Served, page: Page) -> None:
    anomaly_id = str(spike(served, page).get_attribute("data-id"))
    told = (Told("pager", Phase.OPEN, at=1), Told("slack"))
    incident = Incident(
        incident_id(KEY, anomaly_id), Kind.INCIDENT, KEY, State.OPEN, Severity.HIGH, 1, 0.9, anomaly_id,
        "network 41x the usual", 1, 2, ("isolation-forest",), seen_at=3, opened_at=3, told=told,
    )  # fmt: skip
    served.write_incident(incident)
    expect(page.locator("#strip")).to_contain_text("1 open", timeout=SEEN_MS)
    expect(page.locator("#strip")).to_contain_text("nobody tells of them")
    page.goto(f"{served.url}/#/pipeline")
    row = page.locator("#view-pipeline tr", has_text="network 41x the usual")
    expect(row).to_contain_text("pager: open, slack: nothing", timeout=SEEN_MS)
    row.locator("a").click()
    expect(page.locator("#view-anomalies .anomaly.open")).to_have_attribute("data-id", anomaly_id)
    served.write_incident(incident._replace(state=State.RESOLVED))
    expect(page.locator("#strip")).to_contain_text("0 open", timeout=SEEN_MS)


def test_a_page_that_lost_its_connection_says_so_and_catches_up(served: Served, page: Page) -> None:
    with Wire(urlsplit(served.url).port or 0) as wire:
        other = page.context.browser.new_page()  # type: ignore[union-attr] # every context has one
        other.goto(f"http://127.0.0.1:{wire.port}")
        live, banner, entries = other.locator("#live"), other.locator("#banner"), other.locator("#side-list .anomaly")
        expect(live).to_have_attribute("data-state", "live", timeout=SEEN_MS)
        spike(served, other)
        before = entries.count()
        wire.cut()
        expect(live).to_have_attribute("data-state", "lost", timeout=SEEN_MS)
        expect(banner).to_contain_text("connection is lost")
        assert entries.count() == before  # what it had stays
        served.produce(network=4e9, disk=4e9, cpu=100.0)
        expect(page.locator("#side-list .anomaly")).to_have_count(before + 1, timeout=SEEN_MS)  # by another wire
        wire.mend()
        expect(entries).to_have_count(before + 1, timeout=SEEN_MS)
        expect(live).to_have_attribute("data-state", "live")
        expect(banner).to_be_hidden()
        other.close()


def test_everything_can_be_done_by_keys_alone(served: Served, page: Page) -> None:
    entry = spike(served, page)
    page.locator("body").press("t")
    expect(entry).to_contain_text("true alarm")
    for digit, view in enumerate(("live", "anomalies", "keys", "model", "pipeline"), 1):
        page.locator("body").press(str(digit))
        expect(page.locator(f"#view-{view}")).to_be_visible()
    page.locator("body").press("1")
    page.locator("body").press("/")
    page.keyboard.type(KEY[:6])
    expect(page.locator("#key-list")).to_contain_text(KEY)
    page.keyboard.press("Enter")
    expect(page.locator(".chart-head .what")).to_have_text(KEY)
    page.locator("body").press(" ")
    expect(page.locator("#live")).to_have_attribute("data-state", "paused")


def test_a_link_to_an_anomaly_opens_its_card_for_another_person(served: Served, page: Page, browser: Browser) -> None:
    anomaly_id = spike(served, page).get_attribute("data-id")
    other = browser.new_page(viewport={"width": 390, "height": 800})
    other.goto(f"{served.url}/#/anomalies/{anomaly_id}")
    expect(other.locator("#view-anomalies .anomaly.open")).to_have_attribute("data-id", str(anomaly_id))
    assert other.evaluate("document.documentElement.scrollWidth") <= 390  # nothing sticks out on a phone
    other.close()


def test_beyond_loopback_the_page_asks_for_its_token_once_and_keeps_it(served: Served, browser: Browser) -> None:
    token = "a token of the test's own"  # noqa: S105 - and of nobody else's
    guarded = Served(served.lab, served.at_ms, dashboard_token=token)
    try:
        page = browser.new_page()
        page.goto(guarded.url)
        dialog, live = page.locator("#token-dialog"), page.locator("#live")
        expect(dialog).to_contain_text("A token is needed", timeout=SEEN_MS)
        expect(live).not_to_have_attribute("data-state", "live")
        page.keyboard.type("another")
        page.keyboard.press("Enter")
        expect(dialog.locator("[role=alert]")).to_have_text("that is not the token")
        dialog.locator("input").fill(token)
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        expect(live).to_have_attribute("data-state", "live", timeout=SEEN_MS)
        page.reload()
        expect(live).to_have_attribute("data-state", "live", timeout=SEEN_MS)
        expect(dialog).to_be_hidden()
        assert token not in page.content() + page.evaluate("JSON.stringify(localStorage) + document.cookie")
        page.close()
    finally:
        guarded.end()


def test_however_much_comes_a_page_keeps_so_many_points_in_order_with_every_extreme(page: Page) -> None:
    kept = page.evaluate("""async () => {
      const { Series, extent } = await import('/static/js/series.js');
      const series = new Series(2, 1000);
      const points = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
      for (let at = 0; at < 50000; at += 500) {
        const t = points(at, at + 500);
        if (at % 1000) t.reverse();
        series.append({ t, v: [t.map((one) => (one === 777 ? 1e6 : Math.sin(one)))], s: t.map(() => null) });
      }
      const times = Array.from(series.t.subarray(0, series.n));
      return {
        n: series.n,
        sorted: times.every((one, i) => !i || one >= times[i - 1]),
        highest: extent(series.columns[0], 0, series.n)[1],
        first: times[0],
        last: times.at(-1),
        whole: times.slice(-400).every((one, i, all) => !i || one === all[i - 1] + 1),
      };
    }""")
    assert kept == {"n": kept["n"], "sorted": True, "highest": 1e6, "first": 0, "last": 49_999, "whole": True}
    assert kept["n"] <= 1000


def test_a_line_through_many_points_keeps_the_highest_and_lowest_of_each_pixel(page: Page) -> None:
    drawn = page.evaluate("""async () => {
      const { Series } = await import('/static/js/series.js');
      const { trace } = await import('/static/js/trace.js');
      const series = new Series(2, 20000);
      const t = Array.from({ length: 10000 }, (_, i) => i);
      series.append({ t, v: [t.map((one) => (one === 4321 ? 99 : one === 4322 ? -99 : one % 7))], s: t });
      const steps = [];
      const context = { beginPath() {}, stroke() {}, moveTo: (x, y) => steps.push(y), lineTo: (x, y) => steps.push(y) };
      trace(context, series, series.columns[0], 0, series.n, (ms) => ms / 20, (value) => value, Infinity);
      return { steps: steps.length, high: Math.max(...steps), low: Math.min(...steps) };
    }""")
    assert (drawn["high"], drawn["low"]) == (99, -99)
    assert drawn["steps"] < 5_000  # 500 pixels, not 10,000 points
