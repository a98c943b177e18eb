"""`lab train`: train on what the metrics topic holds, evaluate, announce the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from commands.connect import in_var, read_settings
from consumer_training.settings import TrainingSettings
from kafka_cluster.clock import Stop, SystemClock


def train(
    wait_for: Annotated[int | None, typer.Option(help="Wait until the topic holds so many records.")] = None,
    fraction: Annotated[float | None, typer.Option(help="Share of the records to train on, in event time.")] = None,
    features: Annotated[str | None, typer.Option(help="Comma-separated metrics and time features.")] = None,
    trees: Annotated[int | None, typer.Option(help="Trees of the forest.")] = None,
    contamination: Annotated[float | None, typer.Option(help="Share of the training part above the threshold.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed and records make the same model.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Train an Isolation Forest on the first 60 % of the records, evaluate it on the rest, announce it."""
    from consumer_training.train import train as run  # noqa: PLC0415 - scikit-learn takes a second; --help need not

    settings = read_settings(
        TrainingSettings,
        training_wait_for=wait_for,
        training_fraction=fraction,
        training_features=features,
        training_trees=trees,
        training_contamination=contamination,
        training_seed=seed,
        training_dataset=_dataset(),
        models_dir=in_var("MODELS_DIR", "models"),
    )
    stop = Stop().on_signals()
    trained = run(settings, SystemClock(stop), stop)
    plot = trained.bundle / "evaluation.png"
    typer.echo(f"model bundle: {trained.bundle}", err=True)
    if trained.evaluation is not None:
        typer.echo(f"evaluation plot: {plot}", err=True)
    if as_json:
        rows = {"training_rows": trained.training_rows, "test_rows": trained.test_rows}
        evaluation = trained.evaluation and trained.evaluation.to_json()
        print(json.dumps({"version": trained.version, "bundle": str(trained.bundle), **rows, "evaluation": evaluation}))


def _dataset() -> Path | None:
    """The data set that `lab produce` laid ready, for units and labels; none where there is none."""
    path: Path | None = in_var("TRAINING_DATASET", "data", "dataset.json")
    return path if path is not None and path.exists() else None
