"""What each channel is divided by before it is rounded to 8 bits: found by trying, map by map.

As in SmoothQuant, unevenness goes from the values to the weights, which are multiplied with the same. How much of it
is best differs from map to map; as in AWQ, what comes nearest on values that were really read is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from training.export.rounded_weights import LEVELS, SMALLEST_SCALE

EXPONENTS = (0.4, 0.5, 0.6, 0.7, 0.8)
WEIGHTS_EXPONENTS = (0.0, 0.25, 0.5)


def smoothed(kinds: Sequence[np.ndarray], weight: np.ndarray) -> np.ndarray:
    """The nearest smoothing, [inputs] f32, of geometric mean 1.

    `kinds`: what the map reads, rows [n, inputs] f32 of each kind of prompt, all of the same weight; `weight`
    [outputs, inputs] f32.
    """
    wanted = [rows @ weight.T for rows in kinds]

    def error(smoothing: np.ndarray) -> float:
        scaled = (_rounded(weight * smoothing) / smoothing).T
        given = [(_rounded(rows / smoothing) * smoothing) @ scaled for rows in kinds]
        return sum(
            float(((one - exact) ** 2).mean() / (exact**2).mean()) for one, exact in zip(given, wanted, strict=True)
        )

    return min(candidates(kinds, weight), key=error)


def candidates(kinds: Sequence[np.ndarray], weight: np.ndarray) -> Iterator[np.ndarray]:
    """How far and how large a channel's values are, to a power, over how far its weights go, to another."""
    weights = _no_smaller(np.abs(weight).max(axis=0))
    furthest = _middle([np.abs(rows).max(axis=0) for rows in kinds])
    usual = _middle([np.sqrt((rows**2).mean(axis=0)) for rows in kinds])
    for values in (usual, np.sqrt(furthest * usual), furthest):
        for exponent in EXPONENTS:
            for weights_exponent in WEIGHTS_EXPONENTS:
                smoothing = values**exponent / weights**weights_exponent
                yield (smoothing / np.exp(np.log(smoothing).mean())).astype(np.float32)


def _middle(sizes: Sequence[np.ndarray]) -> np.ndarray:
    """The geometric mean of the kinds: one that goes further doesn't count for more."""
    return np.exp(np.mean([np.log(_no_smaller(size)) for size in sizes], axis=0))


def _no_smaller(sizes: np.ndarray) -> np.ndarray:
    """No channel is smaller than a thousandth of the largest, however silent it was."""
    return np.maximum(sizes, max(sizes.max() / 1000, SMALLEST_SCALE))


def _rounded(rows: np.ndarray) -> np.ndarray:
    """Each row to the nearest of 127 levels either side of zero."""
    scales = np.maximum(np.abs(rows).max(axis=1, keepdims=True) / LEVELS, SMALLEST_SCALE)
    return np.rint(rows / scales) * scales
