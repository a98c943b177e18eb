from __future__ import annotations

import pytest

from dashboard.security import COOKIE, CSRF_HEADER, MAX_BODY_BYTES, session_of
from dashboard.settings import DashboardSettings, is_loopback
from kafka_cluster.errors import LabError, SettingsError
from tests.unit.dashboard.conftest import Page, anomaly

TOKEN = "sixteen-or-more-letters"  # noqa: S105 - of the test
OURS = {CSRF_HEADER: "1"}
ID = f"{1:032x}"
FALSE = {"verdict": "FALSE_ALARM"}


@pytest.fixture
def locked(page: Page) -> Page:
    page.token = TOKEN
    page.board.put_anomaly(anomaly(1))
    return page


def test_beyond_loopback_nothing_starts_without_a_token() -> None:
    for host in ("0.0.0.0", "192.168.1.5", "::", "lab.example"):  # noqa: S104 - it is refused
        with pytest.raises(SettingsError, match="DASHBOARD_TOKEN is required"):
            DashboardSettings.read(dashboard_host=host)
    assert DashboardSettings.read(dashboard_host="0.0.0.0", dashboard_token=TOKEN)  # noqa: S104
    assert DashboardSettings.read(dashboard_host="::1")


def test_a_container_published_on_loopback_needs_none() -> None:
    DashboardSettings.read(dashboard_host="0.0.0.0", dashboard_published_on="127.0.0.1")  # noqa: S104
    with pytest.raises(SettingsError):
        DashboardSettings.read(dashboard_host="0.0.0.0", dashboard_published_on="10.0.0.1")  # noqa: S104


def test_a_short_token_is_refused() -> None:
    with pytest.raises(SettingsError, match="DASHBOARD_TOKEN"):
        DashboardSettings.read(dashboard_token="short")  # noqa: S106


def test_only_loopback_is_loopback() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.0.0.9", "::1")] == [True] * 3
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "127.0.0.1.example")] == [False] * 3  # noqa: S104


@pytest.mark.parametrize("path", ["/api/v1/anomalies", "/api/v1/stream", "/api/v1/keys", "/api/v1/openapi.json"])
def test_without_the_token_the_api_tells_nothing(locked: Page, path: str) -> None:
    answer = locked.client.get(path)
    assert answer.status_code == 401
    assert answer.json().keys() == {"detail"}
    assert locked.client.get(path, headers={"authorization": "Bearer wrong"}).status_code == 401


def test_the_token_opens_it_as_bearer_or_once_for_a_cookie(locked: Page) -> None:
    assert locked.client.get("/api/v1/anomalies", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    client = locked.client
    assert client.post("/api/v1/session", json={"token": "wrong"}, headers=OURS).status_code == 401
    opened = client.post("/api/v1/session", json={"token": TOKEN}, headers=OURS)
    assert opened.status_code == 204
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert client.get("/api/v1/anomalies").status_code == 200
    assert client.cookies[COOKIE] == session_of(TOKEN)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        OURS | {"origin": "http://elsewhere.example"},
        OURS | {"origin": "null"},
        OURS | {"origin": "http://127.0.0.1:9999"},
        OURS | {"sec-fetch-site": "cross-site"},
        OURS | {"sec-fetch-site": "same-site"},
    ],
)
def test_other_sites_change_nothing(page: Page, headers: dict[str, str]) -> None:
    page.board.put_anomaly(anomaly(1))
    assert page.client.put(f"/api/v1/anomalies/{ID}/verdict", json=FALSE, headers=headers).status_code == 403
    assert page.client.delete(f"/api/v1/anomalies/{ID}/verdict", headers=headers).status_code == 403
    assert page.written == []


def test_a_foreign_host_name_is_refused(page: Page) -> None:
    for host in ("elsewhere.example", "127.0.0.1.elsewhere.example", ""):
        assert page.client.get("/api/v1/anomalies", headers={"host": host}).status_code == 421
        assert page.client.get("/", headers={"host": host}).status_code == 421


def test_every_answer_tells_browsers_what_to_refuse(page: Page) -> None:
    for path in ("/", "/static/js/main.js", "/api/v1/anomalies", "/api/v1/nothing", "/api/v1/anomalies/x"):
        headers = page.client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    assert page.client.get("/api/v1/anomalies").headers["cache-control"] == "no-store"


def test_a_body_too_long_is_not_read(page: Page) -> None:
    answer = page.client.put(f"/api/v1/anomalies/{ID}/verdict", content=b"x" * (MAX_BODY_BYTES + 1), headers=OURS)
    assert answer.status_code == 413


def test_what_goes_wrong_inside_is_one_line_and_no_traceback(page: Page) -> None:
    page.board.put_anomaly(anomaly(1))
    page.fails = LabError("verdict", "not written: the broker does not answer", "try again")
    answer = page.client.put(f"/api/v1/anomalies/{ID}/verdict", json=FALSE, headers=OURS)
    assert (answer.status_code, answer.json()) == (503, {"detail": str(page.fails)})
    page.fails = RuntimeError("secret inside")
    answer = page.client.put(f"/api/v1/anomalies/{ID}/verdict", json=FALSE, headers=OURS)
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    assert "Traceback" not in answer.text
