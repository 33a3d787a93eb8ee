"""Eight-bit and four-bit blocks: what is stored, and what an error is at most."""

import numpy as np
import pytest

from training.export import tensors
from training.export.quantize import QuantizedWeight, quantize
from training.export.tensors import Tensor, stacked


@pytest.mark.parametrize(("inputs", "block"), [(128, 64), (576, 128)])
def test_error_is_at_most_half_a_step(inputs: int, block: int) -> None:
    weight = np.random.default_rng(0).standard_normal((5, inputs)).astype(np.float32)
    matrix = quantize(weight, block)
    steps = np.repeat(matrix.scales, block, axis=1)[:, :inputs]
    # The scale is rounded to 16 bits, so a block's largest value may be clipped by that much more.
    assert np.all(np.abs(matrix.dequantize() - weight) <= steps * (0.5 + 127 * 2.0**-11))


def test_four_bits_are_exact_at_the_furthest_value_and_within_a_step_elsewhere() -> None:
    weight = np.random.default_rng(2).standard_normal((6, 64)).astype(np.float32)
    matrix = quantize(weight, 32, bits=4)
    assert matrix.values.shape == (6, 2, 16)
    steps = np.abs(np.repeat(matrix.scales, 32, axis=1))
    error = np.abs(matrix.dequantize() - weight)
    # The side that is not the furthest has seven levels: its end may be half a step past the last one.
    assert np.all(error <= steps * 1.01)
    furthest = np.abs(weight).reshape(6, 2, 32).argmax(axis=2)
    assert np.all(np.take_along_axis((error / steps).reshape(6, 2, 32), furthest[..., None], 2) <= 8 * 2.0**-11)


@pytest.mark.parametrize("bits", [4, 8])
def test_scales_survive_sixteen_bits(bits: int) -> None:
    matrix = quantize(np.random.default_rng(1).standard_normal((4, 64)).astype(np.float32) * 1e-3, bits=bits)
    assert np.array_equal(matrix.scales, matrix.scales.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("bits", [4, 8])
def test_zeros_stay_zero(bits: int) -> None:
    assert np.all(quantize(np.zeros((2, 64), np.float32), bits=bits).dequantize() == 0)


@pytest.mark.parametrize("bits", [4, 8])
def test_a_run_of_rows_at_a_time_gives_the_same(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = np.random.default_rng(3).standard_normal((11, 96)).astype(np.float32)
    whole = quantize(weight, 32, bits)
    monkeypatch.setattr(tensors, "PIECE_BYTES", 4 * 96 * 2)  # two rows
    in_runs = QuantizedWeight(stacked([Tensor.of(weight[:5]), Tensor.of(weight[5:])]), 32, bits)
    assert len(list(in_runs.values.pieces())) == 6
    assert in_runs.values.tobytes() == whole.values.tobytes()
    assert in_runs.scales.tobytes() == whole.scales.tobytes()
    assert in_runs.scales.tobytes() == whole.scales.tobytes()  # what was let go of is computed again
    assert QuantizedWeight(Tensor.of(weight), 32, bits).scales.tobytes() == whole.scales.tobytes()
