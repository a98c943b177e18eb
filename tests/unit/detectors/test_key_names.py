from __future__ import annotations

import numpy as np

from detectors.key_names import KeyNames
from detectors.key_table import key_ids


def test_every_key_keeps_its_text() -> None:
    names, texts = KeyNames(), [b"key-%d" % (number % 2_500) for number in range(6_000)]
    for first in range(0, 6_000, 700):
        part = texts[first : first + 700]
        slots, new = names.note(key_ids(part))
        for row in new.tolist():
            names.add(part[row])
        assert [names.of(slot) for slot in slots.tolist()] == part
    assert len(names) == 2_500
    assert names.find(int(key_ids([b"key-77"])[0])) == b"key-77"
    assert names.note(np.empty(0, np.int64))[1].tolist() == []
