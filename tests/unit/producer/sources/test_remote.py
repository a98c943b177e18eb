"""Exporters' pages and servers' answers, as they come over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from kafka_cluster.clock import ManualClock
from kafka_cluster.errors import LabError, SettingsError
from producer.sources import fetch
from producer.sources.open import open_source
from producer.sources.settings import SourceSettings
from producer.sources.source import Source, SourceAwayError
from tests.unit.producer.sources.conftest import JumpingClock

PAGE = "http://10.0.0.9:9100/metrics"
SERVER = "http://10.0.0.9:9090/prefix"
Handler = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture
def series(tmp_path: Path) -> Path:
    path = tmp_path / "series.yaml"
    path.write_text("metrics:\n  a: {select: x}\n")
    return path


def opened(url: str, series: Path, handler: Handler, clock: ManualClock | None = None, **more: Any) -> Source:
    kind = "exporter" if url == PAGE else "prometheus"
    settings = SourceSettings.read(source=kind, source_url=url, source_series=series, **more)
    made = clock or ManualClock(1_000.0)
    return open_source(settings, made, transport=httpx2.MockTransport(handler), held={"10.0.0.9:9090": 9_000})


def text(body: str, status: int = 200) -> Handler:
    return lambda _request: httpx2.Response(status, text=body)


def away(source: Source) -> str:
    with pytest.raises(SourceAwayError) as caught:
        source.poll()
    return str(caught.value)


def test_the_key_is_host_and_port_and_the_name_has_no_query(series: Path) -> None:
    settings = SourceSettings.read(source="exporter", source_url=f"{PAGE}?token=x", source_series=series)
    source = open_source(settings, ManualClock(), transport=httpx2.MockTransport(text("x 1\n")))
    assert source.name == f"exporter {PAGE}"
    assert source.poll()[0].key == "10.0.0.9:9100"


def test_names_are_as_they_stand_on_the_page_whatever_their_type(tmp_path: Path) -> None:
    """Told of a counter, prometheus_client's parser adds _total to a name without it."""
    path = tmp_path / "s.yaml"
    path.write_text("metrics: {a: {select: net_bytes}, b: {select: x_total}, c: {select: h_count}}")
    page = "# TYPE net_bytes counter\nnet_bytes 1\n# TYPE x_total counter\nx_total 2\n# TYPE h histogram\nh_count 3\n"
    assert opened(PAGE, path, text(page)).poll()[0].values == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("<html>hello</html>", 200, "is no page of metrics"),
        ('x{a="1 2\n', 200, "is no page of metrics"),
        ("busy", 503, "answers with status 503"),
        ("", 301, "answers with status 301"),
        ("", 401, "refuses (401); SOURCE_USER with SOURCE_PASSWORD, or SOURCE_TOKEN, lets in"),
    ],
)
def test_what_is_no_page_counts_as_away(series: Path, body: str, status: int, said: str) -> None:
    assert said in away(opened(PAGE, series, text(body, status)))


def test_an_old_sample_with_a_time_of_its_own_does_not_count(series: Path) -> None:
    clock = JumpingClock()
    now_ms = int(clock.now() * 1000)
    assert opened(PAGE, series, text(f"x 1 {now_ms - 10_000}\n"), clock).poll()[0].values == (1.0,)
    assert opened(PAGE, series, text(f"x 1 {now_ms - 400_000}\n"), clock).poll() == []


def test_a_page_without_an_end_is_left(series: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "LARGEST_BYTES", 1_000)
    assert "more than" in away(opened(PAGE, series, text("x 1\n" * 1_000)))


def test_a_page_that_drips_is_left_when_the_time_is_over(series: Path) -> None:
    clock = ManualClock(1_000.0)

    def drips() -> Any:
        for _ in range(100):
            clock.sleep(1.0)
            yield b"x 1\n"

    source = opened(PAGE, series, lambda _request: httpx2.Response(200, content=drips()), clock)
    assert "does not answer in 5 s" in away(source)
    assert clock.now() < 1_010


def sent(series: Path, **more: Any) -> str | None:
    """The authorization that goes out."""
    seen: list[str | None] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers.get("authorization"))
        return httpx2.Response(200, text="x 1\n")

    opened(PAGE, series, handler, **more).poll()
    return seen[0]


def test_a_password_or_a_token_goes_out_from_the_environment_or_a_file(series: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    password, token = {"source_user": "u", "source_password": "s3cret"}, {"source_token": "s3cret"}
    assert sent(series) is None
    assert sent(series, **password) == "Basic dTpzM2NyZXQ="
    assert sent(series, source_user="u", source_password_file=secret) == "Basic dTpzM2NyZXQ="
    assert sent(series, **token) == "Bearer s3cret"
    assert sent(series, source_token_file=secret) == "Bearer s3cret"


def test_no_secret_is_in_an_error(series: Path, tmp_path: Path) -> None:
    ways: list[dict[str, Any]] = [{"source_user": "u", "source_password": "s3cret"}, {"source_token": "s3cret"}]
    for given in ways:
        assert "s3cret" not in away(opened(PAGE, series, text("", 403), **given))
    assert "no secret in" in away(opened(PAGE, series, text("x 1"), source_token_file=tmp_path / "gone"))


def api(now: float, result: list[Any], asked: list[dict[str, str]] | None = None) -> Handler:
    def handler(request: httpx2.Request) -> httpx2.Response:
        params = dict(request.url.params)
        if asked is not None and request.url.path.endswith("query_range"):
            asked.append(params)
        assert request.url.path.startswith("/prefix/api/v1/")
        is_time = params["query"] == "time()"
        data = {"result": [now, str(now)] if is_time else result}
        return httpx2.Response(200, json={"status": "success", "data": data})

    return handler


def matrix(*values: tuple[float, str]) -> list[Any]:
    return [{"metric": {"__name__": "x", "job": "j"}, "values": [list(pair) for pair in values]}]


def test_a_server_is_asked_for_the_instant_of_its_own_clock_on_the_grid(series: Path) -> None:
    asked: list[dict[str, str]] = []
    source = opened(SERVER, series, api(1_234.5, matrix((1_230.0, "7")), asked))
    (record,) = source.poll()
    assert (record.time_ms, record.values) == (1_230_000, (7.0,))
    assert asked == [{"query": "x", "start": "1230.000", "end": "1230.000", "step": "10.000"}]
    assert source.poll() == []  # the same instant once
    assert len(asked) == 1


def test_the_past_is_filled_in_in_pieces_and_what_the_topic_holds_is_left_out(
    series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producer.sources.server.INSTANTS", 3)
    source = opened(SERVER, series, api(50.0, matrix(*[(at * 10.0, "1") for at in range(6)])), source_backfill_s=50)
    times: list[int] = []
    for _ in range(2):
        times += [one.time_ms for one in source.poll()]
        assert source.behind == (len(times) < 4)
    assert times == [10_000, 20_000, 30_000, 40_000, 50_000]  # 9,000 is held already
    assert source.poll() == []


def test_a_query_that_is_none_is_named_by_file_line_and_field(series: Path) -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.params["query"] == "time()":
            return httpx2.Response(200, json={"status": "success", "data": {"result": [5, "5"]}})
        error = {"status": "error", "errorType": "bad_data", "error": "unknown function"}
        return httpx2.Response(400, json=error)

    with pytest.raises(LabError, match=r"series.yaml, line 2, metrics.a.select: .* unknown function") as caught:
        opened(SERVER, series, handler).poll()
    assert not isinstance(caught.value, SourceAwayError)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": "error", "errorType": "timeout", "error": "too slow"}, "cannot answer (too slow)"),
        ({"status": "success", "data": {"result": "?"}}, "does not speak the API"),
        (["?"], "no JSON of the API"),
    ],
)
def test_other_answers_of_a_server_count_as_away(series: Path, answer: Any, said: str) -> None:
    assert said in away(opened(SERVER, series, text(json.dumps(answer))))


def test_a_failed_request_is_made_again_for_the_same_instants(series: Path) -> None:
    fails = [True]
    good = api(50.0, matrix((50.0, "1")))

    def handler(request: httpx2.Request) -> httpx2.Response:
        if "query_range" in request.url.path and fails.pop() if fails else False:
            return httpx2.Response(500, text="")
        return good(request)

    source = opened(SERVER, series, handler)
    away(source)
    assert [one.time_ms for one in source.poll()] == [50_000]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"source": "exporter"}, "SOURCE_URL is needed for SOURCE=exporter"),
        ({"source": "exporter", "source_url": PAGE}, "SOURCE_SERIES is needed"),
        ({"source_url": "10.0.0.9"}, "SOURCE_URL must be an address such as"),
        ({"source_url": "http://u:p@h/"}, "SOURCE_URL must not hold a password"),
        ({"source_user": "u"}, "SOURCE_USER and SOURCE_PASSWORD"),
        (
            {"source_user": "u", "source_password": "p", "source_token": "t"},
            "a password and a token exclude each other",
        ),
        ({"source_token": "t", "source_token_file": "f"}, "SOURCE_TOKEN and SOURCE_TOKEN_FILE exclude each other"),
        ({"source": "host", "source_backfill_s": 5}, "SOURCE_BACKFILL_S is for SOURCE=prometheus"),
        ({"source_every_s": 0.01}, "SOURCE_EVERY_S must be >= 0.05"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        SourceSettings.read(**given)
    assert said in str(caught.value)
    assert "http://u:p@h/" not in str(caught.value)


def test_metrics_choose_from_the_file_and_one_that_it_lacks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "series.yaml"
    path.write_text("metrics: {a: {select: x}, b: {select: y}}")
    assert opened(PAGE, path, text(""), metrics=("b",)).metrics == ("b",)
    assert opened(PAGE, path, text("")).metrics == ("a", "b")
    with pytest.raises(LabError, match=r"metric 'cpu' of METRICS: is not in series.yaml; it has a, b"):
        opened(PAGE, path, text(""), metrics=("cpu",))


def test_a_matcher_that_is_none_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "series.yaml"
    path.write_text("metrics:\n  a:\n    select: rate(x[5m])\n")
    with pytest.raises(LabError, match=r"series.yaml, line 3, metrics.a.select: is no matcher such as"):
        opened(PAGE, path, text(""))


def test_certificates_that_cannot_be_used_are_named(series: Path, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="SOURCE_CA_FILE"):
        opened(PAGE, series, text(""), source_ca_file=tmp_path / "gone.pem")
