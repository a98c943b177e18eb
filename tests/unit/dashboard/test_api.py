from __future__ import annotations

import re

import numpy as np

from dashboard.app import STATIC
from dashboard.board import DRAWN_A_TURN
from dashboard.security import CSRF_HEADER
from kafka_cluster.records import Judgement, Verdict
from tests.unit.dashboard.conftest import NOW_S, Page, anomaly, take

OURS = {CSRF_HEADER: "1"}
ID = f"{1:032x}"
VERDICT = f"/api/v1/anomalies/{ID}/verdict"


def test_a_verdict_is_written_with_who_when_and_why(page: Page) -> None:
    page.board.put_anomaly(anomaly(1))
    said = {"verdict": "FALSE_ALARM", "by": " anna ", "why": "backup"}
    answer = page.client.put(VERDICT, json=said, headers=OURS)
    assert answer.status_code == 200
    ((anomaly_id, verdict),) = page.written
    assert verdict is not None
    assert (anomaly_id, verdict.anomaly_id, verdict.verdict) == (ID, ID, Judgement.FALSE_ALARM)
    assert (verdict.by, verdict.why, verdict.timestamp) == ("anna", "backup", int(NOW_S * 1000))
    assert page.client.get(f"/api/v1/anomalies/{ID}").json()["verdict"]["why"] == "backup"


def test_a_verdict_can_be_taken_back(page: Page) -> None:
    page.board.put_anomaly(anomaly(1))
    page.client.put(VERDICT, json={"verdict": "TRUE_ALARM"}, headers=OURS)
    assert page.client.delete(VERDICT, headers=OURS).status_code == 204
    assert page.written[-1] == (ID, None)
    assert page.client.get(f"/api/v1/anomalies/{ID}").json()["verdict"] is None


def test_a_verdict_on_what_nobody_knows_or_with_what_nobody_means_is_refused(page: Page) -> None:
    assert page.client.put(VERDICT, json={"verdict": "TRUE_ALARM"}, headers=OURS).status_code == 404
    page.board.put_anomaly(anomaly(1))
    for body in ({}, {"verdict": "PERHAPS"}, {"verdict": "TRUE_ALARM", "by": " "}, {"verdict": "TRUE_ALARM", "x": 1}):
        assert page.client.put(VERDICT, json=body, headers=OURS).status_code == 422
    assert page.written == []


def test_earlier_anomalies_of_the_same_kind_come_with_what_people_said(page: Page) -> None:
    for number, key in ((1, "host-1"), (2, "host-2"), (3, "host-1"), (4, "host-1")):
        page.board.put_anomaly(anomaly(number, key=key))
    page.board.judge(f"{2:032x}", Verdict(f"{2:032x}", Judgement.FALSE_ALARM, "anna", 5))
    found = page.client.get(f"/api/v1/anomalies/{3:032x}/similar", params={"limit": 1}).json()
    assert [one["id"] for one in found["similar"]] == [f"{1:032x}"]
    assert (found["total"], found["true_alarms"], found["false_alarms"]) == (2, 0, 1)
    assert page.client.get(f"/api/v1/anomalies/{9:032x}/similar").status_code == 404


def test_series_are_thinned_to_what_is_asked_for(page: Page) -> None:
    take(page.board, 100)
    found = page.client.get("/api/v1/series", params={"points": 20}).json()
    assert len(found["t"]) <= 20
    assert max(found["v"][0]) == 99.0
    assert page.client.get("/api/v1/series", params={"key": "host-1"}).json()["t"][-2:] == [97_000, 99_000]


def test_keys_are_searched_not_listed_whole(page: Page) -> None:
    take(page.board, 100, keys=50)
    page.board.put_anomaly(anomaly(1, key="host-7"))
    found = page.client.get("/api/v1/keys", params={"search": "host-1", "limit": 3}).json()
    assert (len(found["keys"]), found["matching"], found["kept"]) == (3, 11, 50)
    assert page.client.get("/api/v1/keys", params={"limit": 1}).json()["keys"][0]["key"] == "host-7"


def test_of_many_records_at_once_the_picture_gets_a_few_with_the_extremes_among_them(page: Page) -> None:
    numbers = np.arange(1000)
    values = np.column_stack([np.where(numbers == 567, 1e6, 1.0), np.zeros(1000)])
    page.board.take(["host-1"] * 1000, [0] * 1000, numbers, values)
    found = page.client.get("/api/v1/series", params={"points": 1000}).json()
    assert len(found["t"]) <= DRAWN_A_TURN
    assert max(found["v"][0]) == 1e6


def test_more_open_pages_than_allowed_are_refused(page: Page) -> None:
    client = page.client
    context = client.app.state.context  # type: ignore[attr-defined] # a FastAPI application
    assert context.streams.take()
    assert context.streams.take()
    assert client.get("/api/v1/stream").status_code == 503


def test_health_is_that_of_the_threads(page: Page) -> None:
    assert page.client.get("/api/v1/health").status_code == 200
    page.turns = False
    assert page.client.get("/api/v1/health").status_code == 503


def test_the_page_asks_nobody_else_for_anything() -> None:
    """It works offline: no address of another host in any of its files, and none of them is minified."""
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    assert len(files) > 20
    for path in files:
        text = path.read_text()
        assert set(re.findall(r"https?://[^\s\"'`)]+", text)) <= {"http://www.w3.org/2000/svg"}
        assert max(map(len, text.splitlines())) < 500


def test_the_html_has_no_inline_script_or_style(page: Page) -> None:
    html = page.client.get("/").text
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", html)
