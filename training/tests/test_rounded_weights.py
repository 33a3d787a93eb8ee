"""Weights with a scale a column, made of those in blocks."""

import numpy as np

from training.export.quantize import quantize
from training.export.rounded_weights import rounded


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
