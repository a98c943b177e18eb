"""Isolation Forest as flat arrays, scored by a branchless kernel.

A record's score is 2^(-E[h(x)] / c(psi)): h(x) is the path length of x in a tree, its mean is over the trees, psi
the number of samples a tree was grown on, and c(psi) the mean path length of an unsuccessful search in a binary
search tree of psi nodes. Near 1 is strange, well below 0.5 is ordinary. Liu, Ting and Zhou, "Isolation Forest",
ICDM 2008. scikit-learn's `score_samples` is the negative of this score.

Each tree is stored as a complete binary tree of the forest's greatest depth D: the children of node i are 2i + 1
and 2i + 2, a leaf above the bottom hands its path length down to every slot below it, so each row takes D steps
through each tree whatever its values. Scoring costs trees x D steps a row and allocates nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.errors import DetectorError
from detectors.walk import LANES, blocks_of, pack, sortable, sum_path_lengths

Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
MAX_FEATURES = 256  # a feature index is one byte
MAX_DEPTH = 16  # 2^16 slots a tree; scikit-learn's default of 256 samples a tree gives 8


def mean_path_length(samples: int) -> float:
    """c(n): mean path length of an unsuccessful search among n samples; 0 for one, 1 for two."""
    if samples <= 1:
        return 0.0
    if samples == 2:  # noqa: PLR2004 - the formula below is an approximation that does not hold for two
        return 1.0
    return float(2.0 * (np.log(samples - 1.0) + np.euler_gamma) - 2.0 * (samples - 1.0) / samples)


@dataclass(frozen=True)
class FlatForest:
    """T trees of depth D over d features; see the module's text."""

    feature: npt.NDArray[np.uint8]  # shape (T, 2^D - 1): which column a node compares
    threshold: Float32s  # shape (T, 2^D - 1): go right where the column is greater; +inf below a leaf
    path_length: Float64s  # shape (T, 2^D): h(x) of each bottom slot, from the left
    samples: int  # psi
    features: int  # d

    def score(self, x: Float32s) -> Float64s:
        """Shape (n,), in (0, 1]; higher is stranger. `x` is float32 of shape (n, d), finite. Raises ValueError."""
        if x.ndim != 2 or x.shape[1] != self.features or x.dtype != np.float32:  # noqa: PLR2004 - a matrix
            raise ValueError(f"need float32 rows of {self.features} features, got {x.dtype} of shape {x.shape}")
        blocks = blocks_of(sortable(x))
        sums = np.zeros(len(blocks) * LANES)
        sum_path_lengths(blocks, self._nodes, self.path_length, sums)
        total = sums[: len(x)]
        usual = len(self.feature) * mean_path_length(self.samples)
        # Trees of one sample have no paths; scikit-learn calls that a mean relative length of 1.
        relative = total / usual if usual > 0 else np.ones(len(x))
        scores: Float64s = np.exp2(-relative)
        return scores

    @cached_property
    def _nodes(self) -> npt.NDArray[np.uint64]:
        return pack(self.feature, self.threshold)

    def warm(self) -> None:
        """Compile or load the kernel, so that the first record does not wait for it."""
        self.score(np.zeros((1, self.features), dtype=np.float32))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `from_arrays` takes: numbers only, loading them runs no code."""
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "path_length": self.path_length,
            "samples": np.asarray(self.samples),
            "features": np.asarray(self.features),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> FlatForest:
        """The forest of `arrays()`. Raises DetectorError when they do not fit together."""
        forest = cls(
            np.ascontiguousarray(arrays["feature"], dtype=np.uint8),
            np.ascontiguousarray(arrays["threshold"], dtype=np.float32),
            np.ascontiguousarray(arrays["path_length"], dtype=np.float64),
            int(arrays["samples"]),
            int(arrays["features"]),
        )
        inner = forest.feature.shape[1]
        fits = (
            forest.threshold.shape == forest.feature.shape
            and forest.path_length.shape == (len(forest.feature), inner + 1)
            and (inner & (inner + 1)) == 0
            and forest.feature.max(initial=0) < forest.features  # the kernel does not check its indices
        )
        if not fits:
            raise DetectorError("forest", "its arrays do not fit together", "train a new model")
        return forest

    @classmethod
    def from_sklearn(cls, fitted: Any) -> FlatForest:
        """The flat form of a fitted `sklearn.ensemble.IsolationForest`. Raises DetectorError past the limits above."""
        features = int(fitted.n_features_in_)
        trees = [estimator.tree_ for estimator in fitted.estimators_]
        depth = max(tree.max_depth for tree in trees)
        if features > MAX_FEATURES or depth > MAX_DEPTH:
            reason = f"{features} features and depth {depth}, the limits are {MAX_FEATURES} and {MAX_DEPTH}"
            raise DetectorError("forest", reason, "lower max_samples or the number of features")
        flat = cls(
            np.zeros((len(trees), (1 << depth) - 1), dtype=np.uint8),
            np.full((len(trees), (1 << depth) - 1), np.inf, dtype=np.float32),
            np.zeros((len(trees), 1 << depth)),
            int(fitted.max_samples_),
            features,
        )
        for row, (tree, columns) in enumerate(zip(trees, fitted.estimators_features_, strict=True)):
            _flatten(tree, columns, flat.feature[row], flat.threshold[row], flat.path_length[row])
        return flat


def _flatten(
    tree: Any, columns: npt.NDArray[np.int64], feature: npt.NDArray[np.uint8], threshold: Float32s, leaf: Float64s
) -> None:
    """Lay one scikit-learn tree out in the rows of the flat arrays."""
    waiting = [(0, 0, 0)]  # (node of the tree, slot in the flat arrays, depth)
    while waiting:
        node, slot, depth = waiting.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left < 0:  # a leaf: every bottom slot below it holds its path length
            first, last = slot, slot
            while first < len(feature):
                first, last = 2 * first + 1, 2 * last + 2
            # The depth counts as scikit-learn sums it, nodes first and minus one last, to the same rounding.
            h = (depth + 1.0) + mean_path_length(int(tree.n_node_samples[node])) - 1.0
            leaf[first - len(feature) : last - len(feature) + 1] = h
            continue
        feature[slot] = columns[tree.feature[node]]
        threshold[slot] = _largest_float32_not_above(float(tree.threshold[node]))
        waiting.append((left, 2 * slot + 1, depth + 1))
        waiting.append((right, 2 * slot + 2, depth + 1))


def _largest_float32_not_above(threshold: float) -> np.float32:
    """For float32 x, `x <= threshold` and `x <= this` are the same."""
    rounded = np.float32(threshold)
    # Compared as float64: NumPy would round the threshold to float32 first, and find the two equal.
    return np.nextafter(rounded, np.float32(-np.inf)) if float(rounded) > threshold else rounded
