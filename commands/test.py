"""`lab test`: the one gate, the same for a person and for CI: format, lint, types, tests."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from commands.lab_settings import CHECKOUT

CHECKS = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy", "--no-error-summary"],
}


# Whatever the command does not know is an argument for pytest.
CONTEXT = {"ignore_unknown_options": True, "allow_extra_args": True}


def test(
    pytest_arguments: Annotated[list[str] | None, typer.Argument(help="Handed to pytest: `-k name -x`.")] = None,
) -> None:
    """Check format, lint and types, then run every test; ends with pytest's closing line."""
    failed = [name for name, command in CHECKS.items() if not _passes(name, command)]
    if failed:
        print(f"failed before the tests: {', '.join(failed)}", file=sys.stderr, flush=True)
    tests = _python(["pytest", *(pytest_arguments or [])])
    raise typer.Exit(tests or (1 if failed else 0))


def _passes(name: str, command: list[str]) -> bool:
    print(f"lab test: {name}", file=sys.stderr, flush=True)
    return _python(command) == 0


def _python(module_and_arguments: list[str]) -> int:
    """Exit status of `python -m …` in the checkout."""
    return subprocess.run([sys.executable, "-m", *module_and_arguments], cwd=CHECKOUT, check=False).returncode  # noqa: S603 - our own tools
