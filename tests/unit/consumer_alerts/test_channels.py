"""What each channel sends, and how it takes the answer: against addresses that look at the format."""

from __future__ import annotations

import hmac
import json
import re
import socketserver
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from consumer_alerts.channels.channel import Channel, ChannelError
from consumer_alerts.channels.config import ChannelConfig
from consumer_alerts.channels.make import make
from consumer_alerts.channels.options import channel as read_channel
from consumer_alerts.telling import Message, News
from detectors.config_file import ConfigError, parse
from kafka_cluster.clock import ManualClock
from kafka_cluster.hidden import hide
from kafka_cluster.incident import Incident, Kind, Phase, State, Told, incident_id
from kafka_cluster.records import Severity
from tests.http_sink import Answer, HttpSink, Request

NOW_S = 1_700_000_000.0
SECRET = "T0SECRETTOKEN-abcdef123456"  # noqa: S105 - made up, and looked for in what is shown
Env = pytest.MonkeyPatch
apprise_imports_what_python_deprecates = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def incident(**changes: Any) -> Incident:
    return Incident(
        id=incident_id("host-1", "a"), kind=Kind.INCIDENT, key="host-1", state=State.OPEN, severity=Severity.HIGH,
        total=3, peak_score=0.91, peak_id="a" * 32, reason="cpu 5x the usual <!channel> & more", first=1_000,
        last=91_000, detectors=("forest", "cusum"), seen_at=int(NOW_S * 1000),
        opened_at=int(NOW_S * 1000), revision=3,
    )._replace(**changes)  # fmt: skip


def message(news: News = News.OPENED, reference: str | None = None, *, repeat: bool = False, **changes: Any) -> Message:
    if news in (News.RESOLVED, News.OVER):
        changes = {"state": State.RESOLVED, "resolved_at": int(NOW_S * 1000)} | changes
    told = Told("c", Phase.NOTHING if news is News.OPENED else Phase.OPEN, reference=reference)
    return Message(incident(**changes), told, news, 0, repeat, "http://page")


def channel(text: str) -> Channel:
    return make(read_channel("c", parse(text, "alerts.yaml")), ManualClock(NOW_S))


def sent(sink: HttpSink, one: Channel, *messages: Message) -> list[Any]:
    for each in messages:
        one.send(each)
    one.close()
    return sink.bodies


def test_alertmanager_gets_labels_that_never_change_and_an_end_in_the_future_while_it_is_open() -> None:
    with HttpSink() as sink:
        one = channel(f"{{type: alertmanager, url: {sink.url}/am/, hold: 1h, labels: {{team: db}}}}")
        reference = one.send(message(severity=Severity.LOW))
        later = message(News.RESOLVED, reference, severity=Severity.HIGH, total=9)
        (opened,), (resolved,) = sent(sink, one, later)
    assert {request.path for request in sink.requests} == {"/am/api/v2/alerts"}
    assert opened["labels"] == resolved["labels"]
    assert opened["labels"] == {
        "alertname": "Anomaly", "team": "db", "incident": incident().id, "key": "host-1", "severity": "low",
    }  # fmt: skip
    assert opened["startsAt"] == resolved["startsAt"]
    ends = [datetime.fromisoformat(one["endsAt"]).timestamp() - NOW_S for one in (opened, resolved)]
    assert ends == [3600, 0]
    assert resolved["annotations"]["severity"] == "HIGH"
    assert resolved["annotations"]["anomalies"] == "9"
    assert opened["generatorURL"] == f"http://page/#/anomalies/{'a' * 32}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    raw = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("certificate") / "sink.pem"
    path.write_bytes(raw + built.public_bytes(pem))
    return path


@pytest.fixture
def trusted(certificate: Path, monkeypatch: Env) -> Path:
    """The certificate, trusted by whoever is made now."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


def accepted(request: Request) -> Answer:
    return Answer(202, json.dumps({"dedup_key": request.json["dedup_key"]}).encode())


def test_pagerduty_gets_the_incident_as_dedup_key_and_what_its_api_demands(monkeypatch: Env, trusted: Path) -> None:
    monkeypatch.setenv("PD_KEY", "R" * 32)
    with HttpSink(accepted, trusted) as sink:
        one = channel(f"{{type: pagerduty, routing_key_from: PD_KEY, url: {sink.url}}}")
        bodies = sent(sink, one, message(), message(News.RESOLVED), message(News.OVER))
    assert [body["event_action"] for body in bodies] == ["trigger", "resolve", "trigger", "resolve"]
    assert {body["dedup_key"] for body in bodies} == {incident().id}
    assert {body["routing_key"] for body in bodies} == {"R" * 32}
    payload = bodies[0]["payload"]
    assert payload["severity"] == "critical"
    assert (payload["source"], payload["summary"][:24]) == ("host-1", "anomalies on host-1: cpu")
    assert len(payload["summary"]) <= 1024
    assert datetime.fromisoformat(payload["timestamp"]).timestamp() == 1
    assert payload["custom_details"]["incident"] == incident().id


def slack_block_is_well_formed(block: dict[str, Any]) -> None:
    """https://api.slack.com/reference/block-kit/blocks#section."""
    assert block["type"] == "section"
    texts = [*([block["text"]] if "text" in block else []), *block.get("fields", [])]
    assert texts
    assert len(block.get("fields", [])) <= 10
    assert all(text["type"] == "mrkdwn" and 1 <= len(text["text"]) <= 3000 for text in texts)
    assert all(len(text["text"]) <= 2000 for text in block.get("fields", []))


def test_slacks_webhook_gets_blocks_that_slack_takes_and_no_key_can_call_everybody(monkeypatch: Env) -> None:
    with HttpSink() as sink:
        monkeypatch.setenv("HOOK", f"{sink.url}/services/T000/B000/{SECRET}")
        long = message(reason="x" * 9_000, key="k" * 5_000)
        first, second = sent(sink, channel("{type: slack, webhook_from: HOOK}"), message(), long)
    assert sink.requests[0].path == f"/services/T000/B000/{SECRET}"
    for block in (*first["blocks"], *second["blocks"]):
        slack_block_is_well_formed(block)
    assert first["text"] == "Open: HIGH anomalies on host-1"
    assert "<!channel" not in json.dumps(first["blocks"])


def test_slacks_bot_puts_what_follows_into_the_thread_of_the_incident(monkeypatch: Env) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    with HttpSink(lambda _: Answer(200, b'{"ok": true, "ts": "17.5"}')) as sink:
        one = channel(f"{{type: slack, token_from: TOKEN, channel: '#alerts', url: {sink.url}/api}}")
        reference = one.send(message())
        assert reference == "17.5"
        bodies = sent(sink, one, message(News.UPDATED, reference), message(News.RESOLVED, reference))
    assert {request.path for request in sink.requests} == {"/api/chat.postMessage"}
    assert {request.headers["authorization"] for request in sink.requests} == {f"Bearer {SECRET}"}
    assert [body.get("thread_ts") for body in bodies] == [None, "17.5", "17.5"]
    assert [body.get("reply_broadcast") for body in bodies] == [None, None, True]
    assert bodies[0]["channel"] == "#alerts"
    assert bodies[0]["metadata"]["event_payload"] == {"id": incident().id}


def test_a_message_that_may_have_arrived_is_not_worded_as_a_new_incident(monkeypatch: Env) -> None:
    with HttpSink() as sink:
        monkeypatch.setenv("HOOK", f"{sink.url}/x")
        (body,) = sent(sink, channel("{type: slack, webhook_from: HOOK}"), message(repeat=True))
    assert body["text"] == "Still open (this may be a repeat): HIGH anomalies on host-1"


def test_a_webhook_gets_signed_json_and_the_same_key_for_the_same_message(monkeypatch: Env) -> None:
    monkeypatch.setenv("SIGN", SECRET)
    with HttpSink() as sink:
        one = channel(f"{{type: webhook, url: {sink.url}/in, secret_from: SIGN}}")
        bodies = sent(sink, one, message(), message(repeat=True), message(News.RESOLVED))
    assert [body["news"] for body in bodies] == ["opened", "opened", "resolved"]
    assert bodies[0]["incident"]["id"] == incident().id
    assert "told" not in bodies[0]["incident"]
    for request in sink.requests:
        stamp = request.headers["x-lab-timestamp"]
        expected = hmac.new(SECRET.encode(), f"{stamp}.".encode() + request.raw, "sha256").hexdigest()
        assert request.headers["x-lab-signature"] == f"sha256={expected}"
    keys = [request.headers["idempotency-key"] for request in sink.requests]
    assert keys[0] == keys[1] != keys[2]


class Smtp(socketserver.StreamRequestHandler):
    """As much of SMTP as a mail needs."""

    mails: list[str]

    def handle(self) -> None:
        self.say("220 here")
        body: list[str] | None = None
        while line := self.rfile.readline().decode():
            if body is not None and line == ".\r\n":
                self.mails.append("".join(body))
                body = None
            elif body is not None:
                body.append(line)
                continue
            elif line.upper().startswith("DATA"):
                body = []
                self.say("354 go on")
                continue
            self.say("221 bye" if line.upper().startswith("QUIT") else "250 fine")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@apprise_imports_what_python_deprecates
def test_apprise_sends_an_email(monkeypatch: Env) -> None:
    mails: list[str] = []
    handler = type("Handler", (Smtp,), {"mails": mails})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        port = server.server_address[1]
        monkeypatch.setenv(
            "MAIL", f"mailto://127.0.0.1:{port}/?from=lab@example.org&to=oncall@example.org&mode=insecure"
        )
        channel("{type: apprise, urls_from: MAIL}").send(message())
        server.shutdown()
    (mail,) = mails
    assert "anomalies on host-1" in mail.replace("=\r\n", "").replace("_", " ")
    assert "oncall@example.org" in mail


CHANNELS = {
    "alertmanager": "{{type: alertmanager, url: {url}, bearer_from: SECRET}}",
    "pagerduty": "{{type: pagerduty, routing_key_from: SECRET, url: {url}}}",
    "slack webhook": "{{type: slack, webhook_from: SECRET_URL}}",
    "slack bot": "{{type: slack, token_from: SECRET, channel: c, url: {url}}}",
    "webhook": "{{type: webhook, url_from: SECRET_URL, secret_from: SECRET}}",
}
each_channel = pytest.mark.parametrize("name", CHANNELS)
Fail = Callable[[str, Answer], ChannelError]


@pytest.fixture
def failing(monkeypatch: Env, trusted: Path) -> Fail:
    return lambda name, answer: error_of(name, monkeypatch, answer, trusted)


def error_of(name: str, monkeypatch: Env, answer: Answer, trusted: Path) -> ChannelError:
    """The error of a channel whose other side answers so."""
    with HttpSink(lambda _: answer, trusted if name == "pagerduty" else None) as sink:
        monkeypatch.setenv("SECRET", SECRET)
        monkeypatch.setenv("SECRET_URL", f"{sink.url}/services/{SECRET}")
        one = channel(CHANNELS[name].format(url=sink.url))
        with pytest.raises(ChannelError) as caught:
            one.send(message())
        one.close()
        assert len(sink.requests) == 1, "no retries but the lane's"
    return caught.value


@each_channel
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again_when_it_says(name: str, status: int, failing: Fail) -> None:
    error = failing(name, Answer(status, b"{}", {"retry-after": "7"}))
    assert (error.after_s, error.refused) == (7, False)


@each_channel
def test_a_message_that_is_refused_is_known_as_that(name: str, failing: Fail) -> None:
    error = failing(name, Answer(400, b'{"ok": false, "error": "invalid_blocks"}'))
    assert error.refused


@each_channel
def test_credentials_that_are_wrong_are_not_the_messages_fault(name: str, failing: Fail) -> None:
    error = failing(name, Answer(401, b'{"ok": false, "error": "invalid_auth"}'))
    assert not error.refused


@each_channel
def test_after_a_connection_that_broke_nobody_knows_whether_it_arrived(name: str, failing: Fail) -> None:
    error = failing(name, Answer(hang_up=True))
    assert (error.unsure, error.refused) == (True, False)


@each_channel
def test_where_nobody_listens_it_has_not_arrived(name: str, monkeypatch: Env) -> None:
    with HttpSink() as sink:
        url = sink.url.replace("http:", "https:") if name == "pagerduty" else sink.url
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.setenv("SECRET_URL", f"{url}/services/{SECRET}")
    with pytest.raises(ChannelError) as caught:
        channel(CHANNELS[name].format(url=url)).send(message())
    assert not caught.value.unsure


@each_channel
def test_nothing_that_goes_wrong_shows_a_secret(
    name: str,
    monkeypatch: Env,
    trusted: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def everything_back(request: Request) -> Answer:
        return Answer(500, request.path.encode() + request.raw + json.dumps(request.headers).encode())

    with HttpSink(everything_back, trusted if name == "pagerduty" else None) as sink, capture_logs() as events:
        monkeypatch.setenv("SECRET", SECRET)
        monkeypatch.setenv("SECRET_URL", f"{sink.url}/services/{SECRET}")
        caplog.set_level("DEBUG")
        config = read_channel("c", parse(CHANNELS[name].format(url=sink.url), "alerts.yaml"))
        made = make(config, ManualClock(NOW_S))
        with pytest.raises(ChannelError) as caught:
            made.send(message())
        made.close()
    shown = hide(str(caught.value)) + "".join(capfd.readouterr()) + caplog.text + repr(events) + repr(config)
    assert "HTTP 500" in shown or "Slack" in shown
    assert SECRET not in shown


def test_a_secret_comes_from_a_file_or_the_variable_and_a_missing_one_is_named(
    monkeypatch: Env, tmp_path: Path, trusted: Path
) -> None:
    (tmp_path / "key").write_text(f"{'F' * 32}\n")
    text = "{type: pagerduty, routing_key_from: PD_KEY, url: 'https://127.0.0.1:1'}"
    with pytest.raises(ConfigError, match="PD_KEY: is not set; set it, or PD_KEY_FILE"):
        channel(text)
    monkeypatch.setenv("PD_KEY_FILE", str(tmp_path / "key"))
    with HttpSink(accepted, trusted) as sink:
        (body,) = sent(sink, channel(text.replace("https://127.0.0.1:1", sink.url)), message())
    assert body["routing_key"] == "F" * 32
    monkeypatch.setenv("PD_KEY_FILE", "/none")
    with pytest.raises(ConfigError, match="PD_KEY_FILE: cannot be read"):
        channel(text)


@apprise_imports_what_python_deprecates
def test_an_address_that_apprise_does_not_know_is_not_shown(monkeypatch: Env) -> None:
    monkeypatch.setenv("MAIL", f"moon://{SECRET}")
    with pytest.raises(ConfigError, match="MAIL: holds an address") as caught:
        channel("{type: apprise, urls_from: MAIL}")
    assert SECRET not in str(caught.value)


def test_the_log_is_a_channel() -> None:
    with capture_logs() as events:
        make(ChannelConfig("log", "log"), ManualClock()).send(message())
    assert [event["title"] for event in events] == ["Open: HIGH anomalies on host-1"]
    assert re.fullmatch(r"1970-01-01T00:00:01Z", str(events[0]["first"]))
