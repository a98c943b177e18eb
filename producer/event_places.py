"""Where the devices of the event generator are, and the H3 cell that each lies in.

An H3 cell is a hexagon with a 64-bit number; resolution 5 has cells of about 250 km², and each step up a seventh of it.
Events of one cell share a Kafka key and with it a partition, so that whoever watches cells sees all of one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from h3.api import basic_int as h3

from producer.walk_kernel import Float64s, Int64s

SOUTH, NORTH, WEST, EAST = 36.0, 60.0, -10.0, 30.0  # degrees: the devices lie in there
TOWNS = 200  # that they gather around
TOWN_SIZE = 0.1  # degrees, standard deviation


class Places(NamedTuple):
    """A row a key."""

    latitudes: Float64s  # degrees north
    longitudes: Float64s  # degrees east
    cells: Int64s  # H3, always positive


def places(keys: int, seed: int, resolution: int) -> Places:
    """Devices around towns, the same for the same seed."""
    random = np.random.default_rng(seed)
    towns = random.uniform((SOUTH, WEST), (NORTH, EAST), (TOWNS, 2))
    found = towns[random.integers(TOWNS, size=keys)] + TOWN_SIZE * random.normal(size=(keys, 2))
    cells = [h3.latlng_to_cell(latitude, longitude, resolution) for latitude, longitude in found.tolist()]
    return Places(found[:, 0].copy(), found[:, 1].copy(), np.asarray(cells, np.int64))
