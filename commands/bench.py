"""`lab bench`: how fast it is, in ratios within one run on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, get_args

import typer

from benchmarks import alerts as alerts_bench
from benchmarks import anomalia as anomalia_bench
from benchmarks import page as page_bench
from benchmarks import page_soak as page_soak_bench
from benchmarks.plot import draw
from benchmarks.scaling import lines
from benchmarks.scaling import run as scaling_run
from benchmarks.scoring import Plan
from benchmarks.scoring import run as scoring_run
from commands.lab_settings import LabSettings
from consumer_history.settings import HistorySettings, StoreKind
from kafka_cluster import log
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.errors import LabError

PLOT = Path("var/scaling.png")

app = typer.Typer(help="Measure the lab on this machine.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Measure the lab on this machine."""


@app.command()
def scoring(
    records: Annotated[int, typer.Option(min=100_000, help="Records to read, drop and score.")] = 5_000_000,
    consumers: Annotated[int, typer.Option(min=1, max=64, help="Members of the group.")] = 1,
    keys: Annotated[int, typer.Option(min=1, help="Different keys.")] = 1_000,
    partitions: Annotated[int, typer.Option(min=1, max=256, help="Partitions of the metrics topic.")] = 4,
    rate: Annotated[int, typer.Option(min=1, help="Records a second of the latency measurement.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Measure produce, raw consume, scoring with transactions, and latency, on a cluster of its own."""
    log.configure(level="WARNING")
    result = scoring_run(own_lab(), Plan(records, consumers, keys, partitions, rate), _say)
    if as_json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:<22} {'-' if value is None else format(value, ','):>14}")


@app.command()
def scaling(
    records: Annotated[int, typer.Option(min=100_000, help="Records of each run.")] = 1_000_000,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each point.")] = 2,
    plot: Annotated[Path, typer.Option(help="Where the picture goes (PNG); its figures go beside it.")] = PLOT,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Measure throughput against consumers, partitions, keys and batch size; about four minutes."""
    log.configure(level="WARNING")
    result = scaling_run(own_lab(), records, rounds, _say)
    plot.parent.mkdir(parents=True, exist_ok=True)
    plot.write_bytes(draw(result))
    plot.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")
    _say(f"wrote {plot} and {plot.with_suffix('.json')}")
    print(json.dumps(result) if as_json else "\n".join(lines(result)))


@app.command()
def anomalia(
    seconds: Annotated[float, typer.Option(min=1, help="How long each store is measured, once it is warm.")] = 15.0,
    keys: Annotated[int, typer.Option(min=1, max=1_000_000, help="Different keys.")] = 10_000,
    store: Annotated[str, typer.Option(help="memory, rows, chunks, baseline, or all in turn.")] = "chunks",
    check_probability: Annotated[str, typer.Option(help="Share of the events to check: 1, 1/50, 0.")] = "1",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Measure events stored and checked against the last 50 of their key, with Kafka and Cassandra on this machine."""
    log.configure(level="WARNING")
    kinds: tuple[StoreKind, ...] = get_args(StoreKind)
    if store not in {*kinds, "all"}:
        raise LabError("--store", f"no store {store!r}", f"there are {', '.join(kinds)}, and all")
    chosen = tuple(kind for kind in kinds if store in {kind, "all"})
    HistorySettings.read(check_probability=check_probability)  # complains at once
    found = anomalia_bench.run(own_lab(), anomalia_bench.Plan(chosen, seconds, keys, check_probability), _say)
    if as_json:
        print(json.dumps({"stores": found} if store == "all" else found[chosen[0]]))
    else:
        print("\n".join(anomalia_bench.lines(found)))


@app.command()
def page(
    pictures: Annotated[Path | None, typer.Option(help="Take pictures of each view into this folder, too.")] = None,
    document: Annotated[Path | None, typer.Option(help="Write the figures to this file, too, as Markdown.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Measure from a spike in Kafka to the page of a real browser, at 1, 1,000 and 100,000 records/s."""
    log.configure(level="WARNING")
    found = page_bench.run(own_lab(), pictures, _say)
    if document is not None:
        document.write_text(page_bench.document(found))
    if as_json:
        print(json.dumps(found))
        return
    for at in found["rates"]:
        seen = at["spike_to_page_s"]
        print(
            f"{at['came_per_s']:>9,}/s: spike to page {seen['median']:.2f} s, worst {seen['worst']:.2f} s; "
            f"the page looked at {at['page_looked_at']:.1%}, took {at['page_cores']:.2f} cores and {at['page_mb']} MB"
        )
    print(f"a frame of 10,000 points a panel: {found['frame_ms_10000_points_a_panel']} ms")


@app.command(name="page-soak")
def page_soak(
    minutes: Annotated[float, typer.Option(help="How long.")] = 60.0,
    rate: Annotated[int, typer.Option(help="Records/s meanwhile.")] = 1_000,
    picture: Annotated[Path | None, typer.Option(help="Take a picture of the page at the end into this file.")] = None,
    document: Annotated[Path | None, typer.Option(help="Write the figures to this file, too, as Markdown.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Leave the page open for an hour under load: its memory, the browser's, and how quick it stays."""
    log.configure(level="WARNING")
    found = page_soak_bench.run(own_lab(), minutes, rate, picture, _say)
    text = page_soak_bench.document(found)
    if document is not None:
        document.write_text(text)
    print(json.dumps(found) if as_json else text)


@app.command()
def alerts(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Measure from a spike in Kafka to an alert in the real Alertmanager, through prediction and alerts consumers."""
    log.configure(level="WARNING")
    found = alerts_bench.run(own_lab(), _say)
    if as_json:
        print(json.dumps(found))
        return
    seen = found["spike_to_alertmanager_s"]
    print(f"spike to Alertmanager: {seen['median']:.2f} s, worst of {found['spikes']} {seen['worst']:.2f} s")
    print(f"anomalies into incidents, without Kafka: {found['core_anomalies_per_s']:,}/s")


def own_lab() -> LabSettings:
    """Free ports and a folder of its own, so that nothing that runs is touched."""
    lab = LabSettings.read()
    zookeeper, broker, registry, native, storage = pick_free(5)
    ports = {"lab_zookeeper_port": zookeeper, "lab_broker_port": broker, "lab_registry_port": registry,
             "lab_cassandra_port": native, "lab_cassandra_storage_port": storage}  # fmt: skip
    return lab.model_copy(update={"lab_var": lab.lab_var / "bench", "lab_port_offset": 0, **ports})


def _say(line: str) -> None:
    typer.echo(line, err=True)
