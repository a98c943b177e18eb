from __future__ import annotations

import numpy as np

from producer.connection_walk import KINDS, LASTS, MINUTE_MS, PORTS, TIMES, ConnectionPlan

START = 1_700_006_400_000
PLAN = ConnectionPlan(services=4, per_minute=100, minutes=50, seed=3, start_ms=START)


def test_the_same_plan_gives_the_same_connections_in_order_within_their_minute() -> None:
    for number in (0, 27, 49):
        one, other = PLAN.minute(number), PLAN.minute(number)
        assert all((a == b).all() for a, b in zip(one, other, strict=True))
        assert (np.diff(one.times_ms) >= 0).all()
        assert START + number * MINUTE_MS <= one.times_ms[0]
        assert one.times_ms[-1] < START + (number + 1) * MINUTE_MS
        assert ((one.sources >= 0) & (one.sources < 1 << 32)).all()
        assert ((one.ports > 0) & (one.ports < 1 << 16) & (one.sizes >= 0)).all()


def test_what_happens_is_what_the_labels_say() -> None:
    usual = PLAN.minute(5)
    for service, label in enumerate(PLAN.labels()):
        assert label.to_ms - label.from_ms == LASTS * MINUTE_MS
        strange = PLAN.minute((label.from_ms - START) // MINUTE_MS)
        its, before = strange.services == service, usual.services == service
        many, sources = its.sum(), len(np.unique(strange.sources[its]))
        if label.kind == "scan":
            assert len(np.unique(strange.ports[its])) > PORTS
            assert many < before.sum() + 2 * PORTS
            continue
        assert many > 0.9 * TIMES * 100
        assert (sources > 0.5 * many) == (label.kind in {"flood", "crowd"})
    assert {label.kind for label in PLAN.labels()} == set(KINDS)
    assert [label.kind for label in PLAN.labels() if not label.is_attack] == ["crowd"]
