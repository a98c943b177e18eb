"""`lab experiment`: what happens when …, on a cluster of its own, with a picture and its figures; and of detectors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.experiments import outage as outages
from benchmarks.experiments import outage_plot, spike_plot, tune_plot
from benchmarks.experiments import spike as spikes
from benchmarks.experiments import tune as tuning
from commands import experiment_detectors
from commands.lab_settings import LabSettings
from kafka_cluster import log
from kafka_cluster.embedded.ports import pick_free
from kafka_cluster.errors import LabError

app = typer.Typer(help="See what happens when …, on a cluster of its own.", no_args_is_help=True)
DRAWN = "drawn"
Json = Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")]
Plot = Annotated[Path, typer.Option(help="Where the picture goes (PNG); its figures go beside it.")]


@app.callback()
def group() -> None:
    """See what happens when …, on a cluster of its own."""


app.command()(experiment_detectors.protocol)
app.command()(experiment_detectors.kinds)
app.command()(experiment_detectors.tradeoff)


@app.command()
def outage(
    devices: Annotated[int, typer.Option(min=100, max=1_000_000, help="Devices, gathered around towns.")] = 20_000,
    rate: Annotated[int, typer.Option(min=100, help="Events a second of all of them.")] = 10_000,
    resolution: Annotated[int, typer.Option(min=0, max=15, help="Of the H3 cells.")] = 5,
    begin: Annotated[float, typer.Option(min=1, help="Seconds until the cell drops.")] = 20.0,
    lasts: Annotated[float, typer.Option(min=1, help="Seconds that it lasts.")] = 10.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the devices and their values.")] = 0,
    plot: Plot = Path("var/outage.png"),
    as_json: Json = False,
) -> None:
    """All devices of one H3 cell drop a little: found by cell, not by device; under a minute."""
    log.configure(level="WARNING")
    plan = outages.Plan(devices, rate, begin, lasts, resolution=resolution, seed=seed)
    result = outages.run(own_lab("outage"), plan, _say)
    _show(result, plot, outage_plot.draw, outages.lines, as_json=as_json)


@app.command()
def spike(
    store: Annotated[str, typer.Option(help="rows, chunks or memory.")] = "rows",
    rate: Annotated[int, typer.Option(min=100, help="Events a second in normal times.")] = 8_000,
    factor: Annotated[int, typer.Option(min=2, max=100, help="Times as many in the spike.")] = 10,
    lasts: Annotated[float, typer.Option(min=1, help="Seconds that it lasts.")] = 8.0,
    calm: Annotated[float, typer.Option(min=1, help="Seconds before it, and after it is drained.")] = 8.0,
    keys: Annotated[int, typer.Option(min=1, max=1_000_000, help="Different keys.")] = 10_000,
    shed_from: Annotated[float, typer.Option(min=0.1, help="Seconds behind from which on fewer are checked.")] = 1.0,
    plot: Plot = Path("var/spike.png"),
    as_json: Json = False,
) -> None:
    """Ten times the load for some seconds: the lag rises and drains, checks are shed, every event is stored."""
    log.configure(level="WARNING")
    _known_store(store, ("rows", "chunks", "memory"))
    plan = spikes.Plan(store, rate, factor, lasts, calm, keys, shed_from)
    _show(spikes.run(own_lab("spike"), plan, _say), plot, spike_plot.draw, spikes.lines, as_json=as_json)


@app.command()
def tune(
    store: Annotated[str, typer.Option(help="rows or chunks.")] = "rows",
    batch: Annotated[int, typer.Option(min=100, max=1_000_000, help="Events of a micro-batch.")] = 20_000,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each setting is measured.")] = 1.0,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each setting; the fastest counts.")] = 2,
    size: Annotated[list[int] | None, typer.Option(min=1, help="Events of a request; may be repeated.")] = None,
    in_flight: Annotated[list[int] | None, typer.Option(min=1, help="Requests in flight; may be repeated.")] = None,
    plot: Plot = Path("var/tune.png"),
    as_json: Json = False,
) -> None:
    """Size of a request and requests in flight, against throughput and latency; about two minutes."""
    log.configure(level="WARNING")
    _known_store(store, ("rows", "chunks"))
    plan = tuning.Plan(store, batch, seconds, rounds, tuple(size or ()), tuple(in_flight or tuning.IN_FLIGHT))
    _show(tuning.run(own_lab("tune"), plan, _say), plot, tune_plot.draw, tuning.lines, as_json=as_json)


def _known_store(store: str, known: tuple[str, ...]) -> None:
    if store not in known:
        raise LabError("--store", f"no store {store!r}", f"there are {', '.join(known)}")


def own_lab(name: str) -> LabSettings:
    """Free ports and a folder of its own, so that nothing that runs is touched."""
    lab = LabSettings.read()
    names = ("zookeeper", "broker", "registry", "cassandra", "cassandra_storage")
    ports = {f"lab_{name}_port": port for name, port in zip(names, pick_free(len(names)), strict=True)}
    return lab.model_copy(update={"lab_var": lab.lab_var / "experiments" / name, "lab_port_offset": 0, **ports})


def _show(
    result: dict[str, Any],
    plot: Path,
    draw: Callable[[dict[str, Any]], bytes],
    lines: Callable[[dict[str, Any]], list[str]],
    *,
    as_json: bool,
) -> None:
    plot.parent.mkdir(parents=True, exist_ok=True)
    plot.write_bytes(draw(result))
    plot.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")
    _say(f"wrote {plot} and {plot.with_suffix('.json')}")
    print(json.dumps(_without_drawing(result)) if as_json else "\n".join(lines(result)))


def _without_drawing(result: dict[str, Any]) -> dict[str, Any]:
    """What only the picture needs stays in the file beside it."""
    return {name: value for name, value in result.items() if name != DRAWN}


def _say(line: str) -> None:
    typer.echo(line, err=True)
