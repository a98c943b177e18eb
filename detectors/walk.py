"""The hot loop of the forest: eight rows walk through a tree together, without a branch on the data.

A step is two loads, a comparison and an addition, each waiting for the one before; with eight rows in turn the
processor works on seven others in the meantime. Three things keep a step that short:

- A node is one word: its threshold in the upper half, where its column begins in the lower.
- Both sides of the comparison are whole numbers that sort as the floats do, so that nothing goes through the floating
  point unit.
- Nodes count from 1, the children of i are 2i and 2i + 1: a step doubles and adds the outcome.

Rows are taken in chunks through all trees, so that a tree's arrays stay in the first-level cache while a chunk passes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled

Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
UInt8s = npt.NDArray[np.uint8]
UInt32s = npt.NDArray[np.uint32]
UInt64s = npt.NDArray[np.uint64]

LANES = 8  # rows of a block
CHUNK = 32  # blocks
_SIGN = np.uint32(0x80000000)
_HALF = np.uint64(32)
_ONE = np.uint32(1)


def sortable(x: Float32s) -> UInt32s:
    """Whole numbers of the same shape that compare as the floats do; -0 is 0. Not for NaN."""
    bits = np.ascontiguousarray(x + np.float32(0)).view(np.uint32)  # -0 + 0 is 0
    keys: UInt32s = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    return keys


def pack(feature: UInt8s, threshold: Float32s) -> UInt64s:
    """The nodes of T trees, shape (T, 2^D), of arrays of shape (T, 2^D - 1); node 0 is not used."""
    nodes = np.zeros((len(feature), feature.shape[1] + 1), np.uint64)
    nodes[:, 1:] = sortable(threshold).astype(np.uint64) << _HALF | feature.astype(np.uint64) * np.uint64(LANES)
    return nodes


@compiled
def blocks_of(x: UInt32s) -> UInt32s:
    """Rows of `sortable` as blocks of LANES, column by column: shape (blocks, d * LANES), filled up with 0."""
    rows, d = x.shape
    blocks = np.zeros(((rows + LANES - 1) // LANES, d * LANES), np.uint32)
    for row in range(rows):
        for column in range(d):
            blocks[row // LANES, column * LANES + row % LANES] = x[row, column]
    return blocks


@compiled
def _child(node: np.uint64, at: np.uint32, x: UInt32s, lane: np.uint32) -> np.uint32:
    """Right where the row's value is above the threshold, else left."""
    right = np.uint32(node >> _HALF) < x[np.uint32(node) + lane]
    return np.uint32(at + at + np.uint32(right))


@compiled
def sum_path_lengths(blocks: UInt32s, nodes: UInt64s, path_length: Float64s, total: Float64s) -> None:
    """Add to `total`, shape (LANES * blocks,), the path lengths over all trees, in the order of the trees.

    `blocks` is of `blocks_of`, `nodes` of `pack`, `path_length` has the shape of `nodes`. Nothing is checked here.
    """
    trees, leaves = nodes.shape
    depth = 0
    while (1 << depth) < leaves:
        depth += 1
    for chunk in range(0, len(blocks), CHUNK):
        for tree in range(trees):
            node, leaf = nodes[tree], path_length[tree]
            for block in range(chunk, min(chunk + CHUNK, len(blocks))):
                x = blocks[block]
                a = b = c = e = f = g = h = i = _ONE
                for _ in range(depth):
                    a = _child(node[a], a, x, np.uint32(0))
                    b = _child(node[b], b, x, np.uint32(1))
                    c = _child(node[c], c, x, np.uint32(2))
                    e = _child(node[e], e, x, np.uint32(3))
                    f = _child(node[f], f, x, np.uint32(4))
                    g = _child(node[g], g, x, np.uint32(5))
                    h = _child(node[h], h, x, np.uint32(6))
                    i = _child(node[i], i, x, np.uint32(7))
                row = block * LANES
                total[row] += leaf[a - leaves]
                total[row + 1] += leaf[b - leaves]
                total[row + 2] += leaf[c - leaves]
                total[row + 3] += leaf[e - leaves]
                total[row + 4] += leaf[f - leaves]
                total[row + 5] += leaf[g - leaves]
                total[row + 6] += leaf[h - leaves]
                total[row + 7] += leaf[i - leaves]
