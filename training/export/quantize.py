"""Eight-bit weights in blocks along the rows, in the layout of ONNX Runtime's MatMulNBits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ZERO_POINT = 128


@dataclass(frozen=True)
class QuantizedMatrix:
    """A matrix [outputs, inputs] as `values` u8 [outputs, blocks, block] and `scales` f32 [outputs, blocks]."""

    values: np.ndarray
    scales: np.ndarray
    inputs: int

    @property
    def outputs(self) -> int:
        """Rows of the matrix."""
        return self.values.shape[0]

    @property
    def block(self) -> int:
        """Weights that share a scale."""
        return self.values.shape[2]

    def dequantize(self) -> np.ndarray:
        """The matrix that the graph computes with, [outputs, inputs] f32: (value - 128) * scale."""
        centred = self.values.astype(np.float32) - ZERO_POINT
        return (centred * self.scales[..., None]).reshape(self.outputs, -1)[:, : self.inputs]


def quantize(weight: np.ndarray, block: int = 64) -> QuantizedMatrix:
    """Symmetric rounding of `weight` [outputs, inputs] to 255 levels, in blocks along the inputs.

    The scales are numbers that f16 holds exactly, so they can be stored in 16 bits at no loss.
    """
    outputs, inputs = weight.shape
    padded = np.pad(weight.astype(np.float32), ((0, 0), (0, -inputs % block)))
    blocks = padded.reshape(outputs, -1, block)
    scales = (np.abs(blocks).max(axis=2) / 127).astype(np.float16).astype(np.float32)
    scales[scales == 0] = 2.0**-14
    values = np.clip(np.rint(blocks / scales[..., None]), -127, 127) + ZERO_POINT
    return QuantizedMatrix(values.astype(np.uint8), scales.astype(np.float32), inputs)
