"""Smoothing before values and weights are rounded to 8 bits."""

import numpy as np

from training.export.quantize import quantize
from training.export.rounded_weights import rounded
from training.export.smoothing import candidates, smoothed


def _error(rows: np.ndarray, weight: np.ndarray, smoothing: np.ndarray) -> float:
    """How far the product of 8 bits is from the exact one, as the decoder computes it."""
    matrix = quantize(weight)
    half = smoothing.astype(np.float16)
    levels, columns = rounded(matrix.values.reshape(weight.shape), matrix.scales, half, zero_point=128)
    even = rows / half.astype(np.float32)
    scales = np.abs(even).max(axis=1, keepdims=True) / 127
    given = (np.rint(even / scales) @ levels.T.astype(np.float32)) * scales * columns
    exact = rows @ matrix.dequantize().T
    return float(((given - exact) ** 2).mean() / (exact**2).mean())


def _case() -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.normal(0, 1.5, 128))
    kinds = [(rng.standard_normal((64, 128)) * sizes * scale).astype(np.float32) for scale in (1, 7)]
    return kinds, rng.standard_normal((96, 128)).astype(np.float32)


def test_what_is_uneven_is_rounded_nearer() -> None:
    kinds, weight = _case()
    smoothing = smoothed(kinds, weight)
    assert smoothing.dtype == np.float32
    for rows in kinds:
        assert _error(rows, weight, smoothing) < 0.5 * _error(rows, weight, np.ones(128, np.float32))


def test_the_nearest_of_all_is_taken() -> None:
    kinds, weight = _case()
    errors = [sum(_error(rows, weight, one) for rows in kinds) for one in candidates(kinds, weight)]
    taken = sum(_error(rows, weight, smoothed(kinds, weight)) for rows in kinds)
    # The search rounds a little otherwise than the decoder: of those that are about as near it may take another.
    assert taken <= 1.05 * min(errors)


def test_a_channel_that_was_silent_divides_by_something() -> None:
    kinds, weight = _case()
    for rows in kinds:
        rows[:, 5] = 0
    smoothing = smoothed(kinds, weight)
    assert np.isfinite(smoothing).all() and (smoothing.astype(np.float16) > 0).all()
