"""One window of one target against those before it: whether it is a scan, a flood, a surge or nothing, and why.

What the words mean, and what they are taken from, is told in traffic.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.traffic_kernel import BUSIEST, COUNT, KNOWN, LAST, PORTS, PRYING, SOURCES, TOP

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

SCAN, FLOOD, SURGE = KINDS = ("scan", "flood", "surge")
WARM_UP = 12  # windows of a target before anything is said
STRANGE = 6.0  # z
MUCH = 3.0  # times the usual, at least
FEW_KNOWN = 0.5  # of the usual share of known neighbourhoods
MOST = 0.3  # share of one source that says it makes most of it
MANY_PORTS = 10
LOGARITHMIC = (COUNT, SOURCES, PORTS)
FLOORS = np.array([0.1, 0.1, 0.3, 0.03, 0.1, 0.05])  # of a spread, by column: logarithms, bits or shares


@dataclass(frozen=True)
class Spotted:
    """One window of one target that is not as usual."""

    target: int
    end_ms: int
    kind: str  # scan, flood or surge
    score: float  # in (0.5, 1)
    observed: Float64s  # shape (6,), see the columns of traffic_kernel
    usual: Float64s  # the medians
    source: int  # the busiest, or for a scan the one with most ports
    address: int  # of the newest record of the target in the window
    reasons: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Such as `flood: 40x the usual connections, 35x the sources; 2% from known neighbourhoods, usual 95%`."""
        count, sources = self.observed[COUNT] / self.usual[COUNT], self.observed[SOURCES] / self.usual[SOURCES]
        size = f"{count:.3g}x the usual connections, {sources:.3g}x the sources"
        return f"{self.kind}: {size}; {', '.join(self.reasons)}"


def spot(target: int, end_ms: int, observed: Float64s, known: Float64s, named: Int64s) -> Spotted | None:
    """What a window with these numbers is, next to the `known` ones, shape (windows, 6), oldest first; None: as usual.

    `named` are the sources and the address of traffic_kernel.summarise.
    """
    z, usual = _z(observed, known), np.median(known, axis=0)
    usual[KNOWN] = np.median(known[-WARM_UP:, KNOWN])
    more = observed >= MUCH * usual
    if z[PORTS] > STRANGE and more[PORTS] and observed[PORTS] >= MANY_PORTS:
        reasons = (f"one source tried {observed[PORTS]:.0f} ports, usual {usual[PORTS]:.0f}",)
        return _spotted(target, end_ms, SCAN, z[PORTS], observed, usual, named, reasons)
    if z[COUNT] <= STRANGE or not more[COUNT]:
        return None
    why = _reasons(observed, usual, z)
    if why:
        return _spotted(target, end_ms, FLOOD, z[COUNT], observed, usual, named, why)
    rate = observed[COUNT] / observed[SOURCES]
    calm = f"{rate:.3g} connections a source and {observed[KNOWN]:.0%} from known neighbourhoods, as usual"
    return _spotted(target, end_ms, SURGE, z[COUNT], observed, usual, named, (calm,))


def _reasons(observed: Float64s, usual: Float64s, z: Float64s) -> tuple[str, ...]:
    """Why more connections than usual are an attack; none: they are not."""
    found = []
    if observed[TOP] >= MOST and z[TOP] > STRANGE:
        found.append(f"one source makes {observed[TOP]:.0%} of them, usual {usual[TOP]:.0%}")
    rate, usual_rate = observed[COUNT] / observed[SOURCES], usual[COUNT] / usual[SOURCES]
    if rate >= MUCH * usual_rate:
        found.append(f"{rate:.3g} connections a source, usual {usual_rate:.3g}")
    if observed[KNOWN] <= FEW_KNOWN * usual[KNOWN] and z[KNOWN] < -STRANGE:
        found.append(f"{observed[KNOWN]:.0%} from known neighbourhoods, usual {usual[KNOWN]:.0%}")
    return tuple(found)


def _spotted(
    target: int,
    end_ms: int,
    kind: str,
    z: float,
    observed: Float64s,
    usual: Float64s,
    named: Int64s,
    why: tuple[str, ...],
) -> Spotted:
    source, score = int(named[PRYING if kind == SCAN else BUSIEST]), float(z / (z + STRANGE))
    return Spotted(target, end_ms, kind, score, observed.copy(), usual, source, int(named[LAST]), why)


def _z(observed: Float64s, known: Float64s) -> Float64s:
    """Shape (6,): how far from the median of the past, in its own spread."""
    values, past = observed.copy(), known.copy()
    for column in LOGARITHMIC:
        values[column], past[:, column] = np.log(values[column]), np.log(past[:, column])
    middle, spread = _middle(past)
    middle[KNOWN], spread[KNOWN] = _middle(past[-WARM_UP:, KNOWN])
    z: Float64s = (values - middle) / np.maximum(spread, FLOORS)
    return z


def _middle(past: Float64s) -> tuple[Float64s, Float64s]:
    """Median, and the spread around it."""
    middle = np.median(past, axis=0)
    return middle, 1.4826 * np.median(np.abs(past - middle), axis=0)
