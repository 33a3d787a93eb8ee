"""Weights in 8 bits with a scale a column, made of those in blocks when the pack is loaded.

The pack keeps its weights in blocks (quantize.py); products on the processor's 8-bit instructions take one scale a
column. What a channel's inputs are divided by before they are rounded (`smoothing`), its weights are multiplied with,
so that both are about even; then each column is rounded anew. The result is a file of external data that is never on
disk: for each matrix the levels i8 [inputs, outputs], then the scales f32 [outputs]. `gpu-worker/model/pocket/
rounded-weights.ts` makes the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.export.graph import ExternalFile, Graph, Weight
from training.export.quantize import ZERO_POINT, QuantizedWeight

LEVELS = 127
SMALLEST_SCALE = 1e-30


class RoundedWeights:
    """The matrices of a graph that are rounded so: where they come from, and where they will lie."""

    def __init__(self, name: str = "layers-rounded.bin", smoothing: str = "smoothing.bin") -> None:
        self.file = ExternalFile(name, alignment=1, smallest=0)
        """In memory only."""
        self.smoothing = ExternalFile(smoothing, alignment=1, smallest=0)
        self.matrices: list[dict] = []
        self.block = 0

    def add(
        self, graph: Graph, name: str, matrix: QuantizedWeight, file: ExternalFile, smoothing: np.ndarray
    ) -> tuple[str, str, str]:
        """The constants of one matrix: smoothing [inputs] f32, weights [inputs, outputs] i8, scales [outputs] f32.

        `file` gets what `quantized_linear` would have put there.
        """
        if matrix.inputs % matrix.block or matrix.outputs % 4:
            raise ValueError(f"{name}: {matrix.inputs} inputs aren't blocks, or {matrix.outputs} outputs not fours")
        self.block = matrix.block
        source, _ = file.append(f"{name}.weight", matrix.values)
        scales, _ = file.append(f"{name}.scales.f16", matrix.scales.astype(np.float16))
        shape = {"inputs": matrix.inputs, "outputs": matrix.outputs}
        self.matrices.append({"file": file.name, "weight": source, "scales": scales, **shape})
        half = graph.constant(f"{name}.smoothing.f16", smoothing.astype(np.float16), self.smoothing)
        return (
            graph.cast(half, f"{name}.smoothing", np.float32),
            graph.constant(f"{name}.rounded", _made_later((matrix.inputs, matrix.outputs), np.int8), self.file),
            graph.constant(f"{name}.column_scales", _made_later((matrix.outputs,), np.float32), self.file),
        )

    @property
    def layout(self) -> dict:
        """What the manifest says of them: `RoundedWeights` in `gpu-worker/model/manifest.ts`."""
        return {
            "file": self.file.name,
            "smoothing": self.smoothing.name,
            "block_size": self.block,
            "zero_point": ZERO_POINT[8],
            "matrices": self.matrices,
        }


def rounded_file(folder: Path, layout: dict) -> np.ndarray:
    """The file in memory, u8: every matrix of `layout` out of the files in `folder`."""
    parts, smoothing = [], np.fromfile(folder / layout["smoothing"], "<f2")
    for matrix in layout["matrices"]:
        inputs, outputs, path = matrix["inputs"], matrix["outputs"], folder / matrix["file"]
        values = np.fromfile(path, np.uint8, inputs * outputs, offset=matrix["weight"])
        scales = np.fromfile(path, "<f2", inputs * outputs // layout["block_size"], offset=matrix["scales"])
        levels, column_scales = rounded(
            values.reshape(outputs, inputs), scales.reshape(outputs, -1), smoothing[:inputs], layout["zero_point"]
        )
        smoothing = smoothing[inputs:]
        parts += [levels.T.reshape(-1).view(np.uint8), column_scales.astype("<f4").view(np.uint8)]
    return np.concatenate(parts)


def rounded(
    values: np.ndarray, scales: np.ndarray, smoothing: np.ndarray, zero_point: int
) -> tuple[np.ndarray, np.ndarray]:
    """`values` u8 [outputs, inputs], `scales` f16 [outputs, blocks], `smoothing` f16 [inputs] to levels i8
    [outputs, inputs] and scales f32 [outputs].

    In f64, where all products but one are exact: the same to the bit wherever it is computed. Halves go up.
    """
    outputs, inputs = values.shape
    smooth = (values.astype(np.float64) - zero_point) * smoothing.astype(np.float64)
    blocks = smooth.reshape(outputs, scales.shape[1], -1)
    wide = scales.astype(np.float64)
    reach = (np.abs(blocks).max(axis=2) * wide).max(axis=1)
    columns = np.maximum(reach / LEVELS, SMALLEST_SCALE).astype(np.float32)
    factors = wide / columns.astype(np.float64)[:, None]
    levels = (blocks * factors[:, :, None] + (ZERO_POINT[8] + 0.5)).astype(np.int32) - ZERO_POINT[8]
    return levels.reshape(outputs, inputs).astype(np.int8), columns


def _made_later(shape: tuple[int, ...], dtype: type) -> Weight:
    def pieces() -> list[np.ndarray]:
        raise ValueError("this is made when the pack is loaded")

    return Weight(shape, np.dtype(dtype), pieces)
