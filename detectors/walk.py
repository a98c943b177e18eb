"""The hot loop of the forest: eight rows walk through a tree together, without a branch on the data.

A step is three loads, a comparison and an addition, each waiting for the one before; with eight rows in turn the
processor works on seven others in the meantime. Indices are 32 bits wide because that halves their registers' work.
Rows are taken in chunks through all trees, so that a tree's arrays stay in the first-level cache while a chunk passes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detectors.compiled import compiled

Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
UInt8s = npt.NDArray[np.uint8]

LANES = 8
CHUNK = 256  # rows; a multiple of LANES
_ZERO, _ONE = np.uint32(0), np.uint32(1)


@compiled
def sum_path_lengths(x: Float32s, feature: UInt8s, threshold: Float32s, path_length: Float64s, total: Float64s) -> None:
    """Add to `total`, shape (n,), the path lengths of the n rows of `x` over all trees, in the order of the trees.

    `x` has shape (n, d) and is contiguous; the others are those of FlatForest. Nothing is checked here.
    """
    rows, d = x.shape
    trees, inner = feature.shape
    depth = 0
    while (1 << depth) - 1 < inner:
        depth += 1
    flat = x.reshape(-1)
    whole = rows - rows % LANES
    for chunk in range(0, whole, CHUNK):
        for tree in range(trees):
            column, cut, leaf = feature[tree], threshold[tree], path_length[tree]
            for row in range(chunk, min(chunk + CHUNK, whole), LANES):
                at = row * d
                a = b = c = e = f = g = h = i = _ZERO
                for _ in range(depth):
                    a = np.uint32(a + a + _ONE + np.uint32(flat[at + column[a]] > cut[a]))
                    b = np.uint32(b + b + _ONE + np.uint32(flat[at + d + column[b]] > cut[b]))
                    c = np.uint32(c + c + _ONE + np.uint32(flat[at + 2 * d + column[c]] > cut[c]))
                    e = np.uint32(e + e + _ONE + np.uint32(flat[at + 3 * d + column[e]] > cut[e]))
                    f = np.uint32(f + f + _ONE + np.uint32(flat[at + 4 * d + column[f]] > cut[f]))
                    g = np.uint32(g + g + _ONE + np.uint32(flat[at + 5 * d + column[g]] > cut[g]))
                    h = np.uint32(h + h + _ONE + np.uint32(flat[at + 6 * d + column[h]] > cut[h]))
                    i = np.uint32(i + i + _ONE + np.uint32(flat[at + 7 * d + column[i]] > cut[i]))
                total[row] += leaf[a - inner]
                total[row + 1] += leaf[b - inner]
                total[row + 2] += leaf[c - inner]
                total[row + 3] += leaf[e - inner]
                total[row + 4] += leaf[f - inner]
                total[row + 5] += leaf[g - inner]
                total[row + 6] += leaf[h - inner]
                total[row + 7] += leaf[i - inner]
    for row in range(whole, rows):
        for tree in range(trees):
            node = 0
            for _ in range(depth):
                node = 2 * node + 1 + (x[row, feature[tree, node]] > threshold[tree, node])
            total[row] += path_length[tree, node - inner]
