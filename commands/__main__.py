"""`lab`: the command line. Only the module of the command that was given is imported, so that each starts fast."""

from __future__ import annotations

import importlib
import sys

import typer

from detectors.errors import DetectorError
from kafka_cluster import log
from kafka_cluster.errors import one_clear_line

# In the order of --help: the whole story, then its steps, then the tools.
COMMANDS = (
    "demo", "test", "up", "down", "status", "doctor", "topics", "data", "produce", "events", "train", "predict",
    "dashboard", "alerts", "history", "connections", "traffic", "tail", "dlq", "logs", "scorecard", "bench", "faults",
    "experiment",
)  # fmt: skip
EPILOG = "Settings come from the environment; docs/reference.md lists them all."


def command_line(names: tuple[str, ...]) -> typer.Typer:
    """The application with the commands of `names`: each is the function of that name in its module, or its `app`."""
    app = typer.Typer(
        name="lab",
        help="Real-time anomaly detection on infrastructure metrics with Kafka.",
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def group() -> None:  # with a callback, a single command keeps its name
        pass

    for name in names:
        module = importlib.import_module(f"commands.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name, context_settings=getattr(module, "CONTEXT", None))(getattr(module, name))
    return app


def main() -> int:
    """Run the command that was given; a usage error ends with status 2."""
    log.configure()
    given = sys.argv[1:2]
    names = tuple(given) if given and given[0] in COMMANDS else COMMANDS
    command_line(names)(prog_name="lab")
    return 0


if __name__ == "__main__":
    sys.exit(one_clear_line(main, DetectorError)())
