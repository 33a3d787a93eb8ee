"""Weights with a scale a column, made of those in blocks."""

import numpy as np

from training.export.quantize import quantize
from training.export.rounded_weights import rounded, smoothed


def test_no_weight_is_further_off_than_half_a_level() -> None:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((12, 128)).astype(np.float32)
    weight[3] = 0
    smoothing = rng.uniform(0.1, 3, 128).astype(np.float16)
    matrix = quantize(weight)
    levels, scales = rounded(matrix.values.reshape(12, 128), matrix.scales, smoothing, zero_point=128)
    smooth = matrix.dequantize() * smoothing.astype(np.float32)
    assert np.abs(levels * scales[:, None] - smooth).max() <= 0.5001 * scales.max()
    assert (np.abs(levels.astype(int)).max(axis=1) == np.where(np.arange(12) == 3, 0, 127)).all()
    assert (scales > 0).all()


def test_smoothing_makes_even_what_is_uneven() -> None:
    reach, weights = np.array([1.0, 100.0, 0.0, 1.0]), np.array([1.0, 1.0, 1.0, 16.0])
    smoothing = smoothed(reach, weights)
    np.testing.assert_allclose(smoothing[:2], [1, 100**0.75], rtol=1e-6)
    np.testing.assert_allclose(smoothing[2], 0.1**0.75, rtol=1e-6)  # a thousandth of the largest at least
    np.testing.assert_allclose(smoothing[3], 0.5, rtol=1e-6)
    assert smoothing.dtype == np.float32
