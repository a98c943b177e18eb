"""`lab predict`: one prediction consumer in the foreground; start as many as there are partitions."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.connect import in_var, read_settings
from consumer_prediction.run import run
from consumer_prediction.settings import PredictionSettings
from kafka_cluster.clock import Stop, SystemClock


def predict(
    consumer_id: Annotated[
        str | None, typer.Option("--id", help="Name of this member; keep it over restarts, use it once at a time.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="after-training, earliest or latest: where the group begins.")
    ] = None,
    static: Annotated[bool, typer.Option("--static", help="Keep the partitions while this member restarts.")] = False,
) -> None:
    """Join the prediction group, score, and publish anomalies until Ctrl-C."""
    settings = read_settings(
        PredictionSettings,
        consumer_id=consumer_id,
        prediction_start=start,
        static_member=static or None,
        models_dir=in_var("MODELS_DIR", "models"),
    )
    stop = Stop().on_signals()
    run(settings, SystemClock(stop), stop)
