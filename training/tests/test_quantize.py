"""Eight-bit blocks: what is stored, and what an error is at most."""

import numpy as np
import pytest

from training.export.quantize import ZERO_POINT, quantize


@pytest.mark.parametrize(("inputs", "block"), [(128, 64), (576, 128)])
def test_error_is_at_most_half_a_step(inputs: int, block: int) -> None:
    weight = np.random.default_rng(0).standard_normal((5, inputs)).astype(np.float32)
    matrix = quantize(weight, block)
    steps = np.repeat(matrix.scales, block, axis=1)[:, :inputs]
    # The scale is rounded to 16 bits, so a block's largest value may be clipped by that much more.
    assert np.all(np.abs(matrix.dequantize() - weight) <= steps * (0.5 + 127 * 2.0**-11))


def test_scales_survive_sixteen_bits() -> None:
    matrix = quantize(np.random.default_rng(1).standard_normal((4, 64)).astype(np.float32) * 1e-3)
    assert np.array_equal(matrix.scales, matrix.scales.astype(np.float16).astype(np.float32))


def test_zeros_stay_zero() -> None:
    matrix = quantize(np.zeros((2, 64), np.float32))
    assert np.all(matrix.values == ZERO_POINT)
    assert np.all(matrix.dequantize() == 0)
