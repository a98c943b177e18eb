"""The page, from its settings to its clean end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import closing

import uvicorn

from dashboard.app import make_app
from dashboard.board import Board, Known
from dashboard.context import Context, Streams
from dashboard.followers import Followers
from dashboard.settings import DashboardSettings
from dashboard.survey import Survey
from dashboard.tail_metrics import MetricsTail
from dashboard.tail_records import RecordsTail
from dashboard.verdicts import VerdictWriter
from kafka_cluster import dataset as datasets
from kafka_cluster import metrics
from kafka_cluster.clock import Clock, Stop
from kafka_cluster.errors import LabError
from kafka_cluster.heartbeat import Heartbeat
from kafka_cluster.log import get_logger
from kafka_cluster.meter import Meter
from kafka_cluster.metrics_server import serving
from kafka_cluster.registry import HttpRegistry
from kafka_cluster.tracing import Origins, Tracer, open_tracer

BEAT_EVERY_S = 1.0
log = get_logger()


def run(
    settings: DashboardSettings, clock: Clock, stop: Stop, ready: Callable[[str], None] = lambda _url: None
) -> None:
    """Serve until the stop is requested; `ready` is told the address. Needs no server to be up: it waits, and says so.

    Raises LabError when the port is taken.
    """
    with (
        serving(settings, metrics.PAGE, clock, stop) as meter,
        closing(open_tracer(settings, "dashboard", socket.gethostname(), clock)) as tracer,
    ):
        _run(settings, clock, stop, ready, meter, tracer)


def _run(
    settings: DashboardSettings,
    clock: Clock,
    stop: Stop,
    ready: Callable[[str], None],
    meter: Meter,
    tracer: Tracer,
) -> None:
    listening = listen(settings)
    port = listening.getsockname()[1]
    board = Board(settings, clock, known(settings))
    registry = HttpRegistry(settings)
    origins, since_ms = Origins(), tracer.now_ns() // 1_000_000
    writer = VerdictWriter(settings, registry, meter, tracer, origins)
    places: dict[int, int] = {}
    lives = {
        "records": lambda: MetricsTail(settings, registry, board, clock, stop, places).follow(),
        "findings": lambda: RecordsTail(settings, registry, board, stop, tracer, origins, since_ms).follow(),
        "broker": lambda: Survey(settings, board, clock, stop).follow(),
    }
    followers = Followers(lives, board.trouble, stop)
    token = settings.dashboard_token.get_secret_value() if settings.dashboard_token else None
    streams = Streams(settings.dashboard_streams)
    context = Context(board, clock, stop, followers, streams, writer.write, token)
    meter.follow(metrics.PAGE_STREAMS, lambda: streams.open)
    meter.follow(metrics.PAGE_KEYS, lambda: len(board.keys))
    meter.follow(metrics.PAGE_ANOMALIES, lambda: len(board.shelf) + board.shelf.dropped)
    url = f"http://{'127.0.0.1' if settings.dashboard_host in ('0.0.0.0', '::') else settings.dashboard_host}:{port}"  # noqa: S104 - it is compared
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(context, settings.host_names),
            log_config=None,  # what it says goes through our log
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        )
    )
    followers.start()
    serving = threading.Thread(target=lambda: server.run([listening]), name="dashboard-http", daemon=True)
    serving.start()
    log.info("page", url=url, reached_at=settings.reached_at, token_needed=token is not None)
    ready(url)
    heartbeat = Heartbeat(settings.heartbeat_file, clock, meter=meter, program="dashboard", url=url)
    while not stop.requested and serving.is_alive():
        if followers.turn():
            heartbeat.beat("serving", anomalies=len(board.shelf), keys=len(board.keys))
        clock.sleep(BEAT_EVERY_S)
    stop.request()
    server.should_exit = True
    serving.join()
    followers.join()
    writer.close()
    registry.close()
    heartbeat.beat("stopped")


def listen(settings: DashboardSettings) -> socket.socket:
    """The socket that the page listens on. Raises LabError when the address is taken or not this machine's."""
    family = socket.AF_INET6 if ":" in settings.dashboard_host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((settings.dashboard_host, settings.dashboard_port))
        made.listen(128)
    except OSError as error:
        made.close()
        thing = f"page {settings.dashboard_host}:{settings.dashboard_port}"
        raise LabError(thing, str(error.strerror).lower(), "DASHBOARD_PORT sets another port") from None
    return made


def known(settings: DashboardSettings) -> Known:
    """What dataset.json tells, where there is one; without labels the page shades nothing."""
    path = settings.dashboard_dataset
    if path is None or not path.exists():
        return Known()
    dataset = datasets.read(path)
    units = {metric.name: metric.unit for metric in dataset.metrics}
    return Known(units, datasets.windows(dataset), dataset.records)
