"""What alerts.yaml may say of a channel, by type. Secrets are named, never written there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from consumer_alerts.channels.config import HABITS, ChannelConfig
from detectors.config_file import Field
from kafka_cluster.records import Severity

VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
COMMON = ("type", "min_severity", "updates", "resend")
HOLD_MS = 3_600_000


@dataclass(frozen=True)
class Shape:
    """What a type knows: texts, secrets (each comes as `<name>_from`), and which sets of them are enough."""

    texts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    needs: tuple[tuple[str, ...], ...] = ((),)
    durations: tuple[tuple[str, int], ...] = ()  # name and default, ms
    labels: bool = False


SHAPES = {
    "log": Shape(),
    "alertmanager": Shape(
        ("url", "user"), ("password", "bearer"), (("url",),), (("hold", HOLD_MS),), labels=True
    ),
    "pagerduty": Shape(("url",), ("routing_key",), (("routing_key_from",),)),
    "slack": Shape(("channel", "url"), ("webhook", "token"), (("webhook_from",), ("token_from", "channel"))),
    "apprise": Shape((), ("urls",), (("urls_from",),)),
    "webhook": Shape(("url",), ("url", "secret"), (("url",), ("url_from",))),
}  # fmt: skip


def channel(name: str, field: Field) -> ChannelConfig:
    """One channel. Raises ConfigError: file, line, field, and nothing of what stands there as a secret."""
    kind = field.mapping().get("type", field).text(list(SHAPES)) if "type" in field.mapping() else _typeless(field)
    shape, habits = SHAPES[kind], HABITS[kind]
    durations = dict(shape.durations)
    froms = [f"{secret}_from" for secret in shape.secrets]
    known = (*COMMON, *shape.texts, *froms, *durations, *(("labels",) if shape.labels else ()))
    found = field.fields(known)
    if sum(all(part in found for part in need) for need in shape.needs) != 1:
        ways = " or ".join(" and ".join(need) for need in shape.needs)
        raise field.wrong(f"needs {ways}" + (", and not both" if len(shape.needs) > 1 else ""))
    options: dict[str, Any] = {text: found[text].text() for text in shape.texts if text in found}
    options |= {wait: found[wait].duration_ms() if wait in found else usual for wait, usual in durations.items()}
    if "labels" in found:
        options["labels"] = {label: value.text() for label, value in found["labels"].mapping().items()}
    secrets = {secret: _variable(found[f"{secret}_from"]) for secret in shape.secrets if f"{secret}_from" in found}
    made = ChannelConfig(
        name,
        kind,
        Severity(found["min_severity"].text([str(one) for one in Severity]))
        if "min_severity" in found
        else Severity.LOW,
        found["updates"].duration_ms() if "updates" in found else habits.updates_ms,
        found["resend"].duration_ms() if "resend" in found else habits.resend_ms,
        options,
        secrets,
    )
    if "hold" in durations and not 0 < made.resend_ms < options["hold"]:
        raise found.get("hold", found.get("resend", field)).wrong("resend must be above 0s and below hold")
    return made


def _typeless(field: Field) -> str:
    raise field.wrong("needs 'type'", f"one of {', '.join(SHAPES)}")


def _variable(field: Field) -> str:
    """The name of an environment variable. What stands there instead may be the secret: it is not repeated."""
    if not isinstance(field.value, str) or not VARIABLE.fullmatch(field.value):
        raise field.wrong(
            "must be the name of an environment variable, such as SLACK_WEBHOOK",
            "the secret itself comes from there, or from the file that <NAME>_FILE names; it must not stand here",
        )
    return field.value
