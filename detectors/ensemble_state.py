"""What the calibrated ensemble is told, and what it keeps for each key: numbers in arrays, nothing else."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
UInt8s = npt.NDArray[np.uint8]
Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]

QUARTERS = 96  # quarter-hours of a day
STREAMS = 8  # spread over three windows, level, likelihood, quiet, point, record
PARTS = 6  # variance, level, likelihood, quiet, point, record
BINS = 1024  # of a tail's histogram
BLOCK = 32  # bins that share one sum
REFERENCE_WARM_UP = 640  # records; the windows below are for this warm-up and grow with it
SMALLEST_WINDOW = 2


class Parameters(NamedTuple):
    """Few, and each with a reason; sd is the robust spread of the key's own values."""

    warm_up: int = REFERENCE_WARM_UP  # records of a key that are learned from before the first score
    short: float = 10.0  # records: windows of the spread, from a burst …
    middle: float = 30.0
    long: float = 40.0  # … to a changed regime; also of the likelihood
    before: float = 30.0  # records whose median a point is compared with
    scale_window: float = 6.0  # warm-ups that centre and spread are taken from: a week of 5-minute values
    scale_every: float = 50.0  # records between two looks at centre and spread
    season_keep: float = 0.99  # a visit: a slot of the day remembers its last hundred visits
    season_clip: float = 3.0  # sd of a slot: what a visit may differ by when it is learned; one bad day is not a season
    rank_window: float = 4.0  # warm-ups that an error is ranked in
    rank_most: float = 3.0  # decades: one record cannot be stranger than that
    drift: float = 0.02  # a record: how fast the level's own mean and spread follow
    slack: float = 0.5  # sd: half of the shift to be found quickest, as in any CUSUM
    level_keep: float = 0.995  # a record: the CUSUM forgets, as shifts become the new level
    quiet_window: float = 0.5  # warm-ups
    quiet_weight: float = 0.5  # a lull alone has to be twice as rare, in decades, as anything else
    quiet_least: float = 0.3  # sd: a spread below it is quiet enough; how much below says nothing
    spread_least: float = 0.05  # sd: spreads that differ by less are not worth an alarm, however regular the series
    variance_floor: float = (
        0.05  # squared sd: of the level's own spread, so that a wobble of a still series is no shift
    )
    record: float = 20.0  # decades for a value as far beyond all before it as their range is wide: 1 for a twentieth
    hold: float = 8.0  # records that a value beyond all before it is remembered for: it may be a single one
    tail: float = 0.05  # the share of the history that the exponential tail is fitted to …
    tail_least: float = 20.0  # … and the least number of records: a mean of fewer is noise
    tail_clip: float = (
        8.0  # mean excesses above the tail's edge that one record can teach: one burst does not hide the next
    )
    memory: float = 16.0  # warm-ups after which the history of a stream counts half
    most: float = 5.0  # decades: what one stream can say
    ramp: float = 2.0  # warm-ups until the score has its full weight: a short history knows little


class Sizes(NamedTuple):
    """The windows in records, for one warm-up."""

    short: int
    middle: int
    long: int
    before: int
    quiet: int
    hold: int
    scale_window: int
    scale_every: int
    rank_window: int
    recent: int  # values that have to be kept for the longest of the windows

    @classmethod
    def of(cls, par: Parameters) -> Sizes:
        """The whole numbers of `par`."""
        share = par.warm_up / REFERENCE_WARM_UP

        def scaled(records: float) -> int:
            return max(SMALLEST_WINDOW, int(records * share + 0.5))

        short, middle, long = scaled(par.short), scaled(par.middle), scaled(par.long)
        before, quiet = scaled(par.before), max(8, int(par.quiet_window * par.warm_up))
        return cls(
            short, middle, long, before, quiet, scaled(par.hold),
            max(par.warm_up, int(par.scale_window * par.warm_up)), scaled(par.scale_every),
            int(par.rank_window * par.warm_up), max(quiet, long, middle, before) + 1,
        )  # fmt: skip


class State(NamedTuple):
    """First axis: the slot of the key. All zero is a key that was never met."""

    seen: Int64s  # (k,) records
    since: Int64s  # (k,) the record that the history counts from
    scale: Float64s  # (k, 2) centre and spread, in the values' unit
    values: Float64s  # (k, scale window) ring of values
    quarter: UInt8s  # (k, warm-up) the quarter-hours of the first values
    z: Float64s  # (k, recent) ring of standardised values
    error: Float64s  # (k, recent) ring of seasonal errors, in the slot's own spread
    season: Float64s  # (k, 96, 3) sum, visits, squared errors of each quarter-hour
    moving: Float64s  # (k, 5) mean squared error; mean and variance of the level; CUSUM up and down
    extremes: Float64s  # (k, 2) the lowest and the highest value so far
    beyond: Float64s  # (k, hold) ring: by how much of the range the last values went beyond all before them
    rank_ring: Int16s  # (k, rank window) bins of the last errors
    rank_bins: Int32s  # (k, 1024 + 32) how many of them are in each bin, and in each block of bins
    rank_mean: Float64s  # (k, long) ring of ranks
    tail: Float32s  # (k, 7, 1024 + 32) histogram of each stream, and of its blocks
    tail_fit: Float64s  # (k, 7, 5) mass, records, edge, mean excess and share of each stream's tail

    @classmethod
    def empty(cls, keys: int, par: Parameters) -> State:
        """Room for so many keys; memory is taken up only as they come."""
        sizes, binned = Sizes.of(par), BINS + BINS // BLOCK
        return cls(
            np.zeros(keys, np.int64), np.zeros(keys, np.int64), np.zeros((keys, 2)),
            np.zeros((keys, sizes.scale_window)), np.zeros((keys, par.warm_up), np.uint8),
            np.zeros((keys, sizes.recent)), np.zeros((keys, sizes.recent)),
            np.zeros((keys, QUARTERS, 3)), np.zeros((keys, 5)), np.zeros((keys, 2)), np.zeros((keys, sizes.hold)),
            np.zeros((keys, sizes.rank_window), np.int16), np.zeros((keys, binned), np.int32),
            np.zeros((keys, sizes.long)),
            np.zeros((keys, STREAMS, binned), np.float32), np.zeros((keys, STREAMS, 5)),
        )  # fmt: skip
