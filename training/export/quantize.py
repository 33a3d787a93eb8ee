"""Weights of 8 or 4 bits in blocks along the rows, in the layout of ONNX Runtime's MatMulNBits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from training.export.graph import Weight
from training.export.tensors import Tensor

ZERO_POINT = {8: 128, 4: 8}


@dataclass(frozen=True)
class QuantizedMatrix:
    """A matrix [outputs, inputs]: `values` u8 [outputs, blocks, block * bits / 8], `scales` f32 [outputs, blocks]."""

    values: np.ndarray
    scales: np.ndarray
    inputs: int
    bits: int = 8

    def dequantize(self) -> np.ndarray:
        """The matrix that the graph computes with, [outputs, inputs] f32: (value - zero point) * scale."""
        values = self.values
        if self.bits == 4:
            values = np.stack([values & 15, values >> 4], axis=-1).reshape(*values.shape[:2], -1)
        centred = values.astype(np.float32) - ZERO_POINT[self.bits]
        return (centred * self.scales[..., None]).reshape(len(values), -1)[:, : self.inputs]


def quantize(weight: np.ndarray, block: int = 64, bits: int = 8) -> QuantizedMatrix:
    """Rounding of `weight` [outputs, inputs] to levels of one scale a block along the inputs, without an offset.

    Eight bits are symmetric, 255 levels. Of four bits all 16 levels are used, the lowest for the value that is
    furthest from zero, whatever its sign (as llama.cpp's Q4_0). The scales are numbers that f16 holds exactly, so they
    can be stored in 16 bits at no loss.
    """
    outputs, inputs = weight.shape
    padded = np.pad(weight.astype(np.float32), ((0, 0), (0, -inputs % block)))
    blocks = padded.reshape(outputs, -1, block)
    if bits == 8:
        scales = np.abs(blocks).max(axis=2) / 127
    else:
        highest, lowest = blocks.max(axis=2), blocks.min(axis=2)
        scales = np.where(-lowest >= highest, lowest, highest) / -8
    scales = scales.astype(np.float16).astype(np.float32)
    scales[scales == 0] = 2.0**-14
    levels = np.rint(blocks / scales[..., None])
    if bits == 8:
        values = (np.clip(levels, -127, 127) + ZERO_POINT[8]).astype(np.uint8)
    else:
        nibbles = (np.clip(levels, -8, 7) + ZERO_POINT[4]).astype(np.uint8)
        values = nibbles[..., 0::2] | nibbles[..., 1::2] << 4
    return QuantizedMatrix(values, scales, inputs, bits)


@dataclass(frozen=True)
class QuantizedWeight:
    """A matrix that is quantized when it is written: the same numbers as `quantize`, a run of rows at a time."""

    source: Tensor
    block: int = 64
    bits: int = 8
    _scales: list[np.ndarray] = field(default_factory=list, repr=False)

    @property
    def outputs(self) -> int:
        """Rows of the matrix."""
        return self.source.shape[0]

    @property
    def inputs(self) -> int:
        """Columns of the matrix."""
        return self.source.shape[1]

    @property
    def values(self) -> Weight:
        """u8 [outputs, blocks, block * bits / 8]"""
        shape = (self.outputs, self._blocks, self.block * self.bits // 8)
        return Weight(shape, np.dtype(np.uint8), self._value_pieces)

    @property
    def scales(self) -> Weight:
        """f32 [outputs, blocks]; they are kept from when the values were written, which is before, until they are."""
        return Weight((self.outputs, self._blocks), np.dtype(np.float32), self._scale_pieces)

    @property
    def _blocks(self) -> int:
        return -(-self.inputs // self.block)

    def _value_pieces(self) -> Iterator[np.ndarray]:
        self._scales.clear()
        for rows in self.source.pieces():
            matrix = quantize(rows, self.block, self.bits)
            self._scales.append(matrix.scales)
            yield matrix.values

    def _scale_pieces(self) -> Iterator[np.ndarray]:
        if not self._scales:
            for _ in self._value_pieces():
                pass
        # Let go of as they are written: those of all layers together are large.
        while self._scales:
            yield self._scales.pop(0)
