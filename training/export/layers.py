"""The layers that all graphs are made of: quantized and half-stored linear maps, low-rank additions."""

from __future__ import annotations

import numpy as np

from training.export.graph import MICROSOFT, ExternalFile, Graph
from training.export.quantize import QuantizedMatrix, quantize


def quantized_linear(
    graph: Graph,
    name: str,
    source: str,
    weight: np.ndarray | QuantizedMatrix,
    file: ExternalFile,
    *,
    bias: np.ndarray | None = None,
    block: int = 64,
    accuracy_level: int = 4,
    half_scales: bool = True,
) -> str:
    """y = W x (+ bias): `source` [..., inputs] f32 to `name` [..., outputs] f32, W in 8 bits.

    Accuracy level 4 lets the kernel round the activations to 8 bits too, block by block. `half_scales` stores the
    scales in 16 bits; not for a table whose layout others read.
    """
    matrix = weight if isinstance(weight, QuantizedMatrix) else quantize(weight, block)
    inputs = [
        source,
        graph.constant(f"{name}.weight", matrix.values, file),
        half_stored(graph, f"{name}.scales", matrix.scales, file)
        if half_scales
        else graph.constant(f"{name}.scales", matrix.scales, file),
    ]
    if bias is not None:
        inputs += ["", "", graph.constant(f"{name}.bias", bias.astype(np.float32), file)]
    return graph.node(
        "MatMulNBits",
        inputs,
        name,
        MICROSOFT,
        N=matrix.outputs,
        K=matrix.inputs,
        bits=8,
        block_size=matrix.block,
        accuracy_level=accuracy_level,
    )


def half_stored(graph: Graph, name: str, values: np.ndarray, file: ExternalFile) -> str:
    """A weight kept as f16 on disk and cast to f32 when the session is made (constant folding), once a name."""
    if f"{name}.f16" in graph.initializers:
        return name
    stored = graph.constant(f"{name}.f16", values.astype(np.float16), file)
    return graph.node("Cast", [stored], name, to=1)


def low_rank_addition(graph: Graph, name: str, source: str, base: str, a: str, b: str) -> str:
    """base + (source a) b, all two-dimensional: [n, in] x [in, r] x [r, out] f32; rank 1 of zeros adds nothing.

    The factors 1/2 and 2 cancel exactly. They are there because ONNX Runtime has a kernel of its own for a single
    row when the factor is 1, which adds in another order: without it a row's result is the same to the last bit,
    alone and in a batch (with 8-bit activations behind it a last bit can become another token).
    """
    down = graph.node("FusedMatMul", [source, a], f"{name}.down", MICROSOFT, alpha=0.5)
    return graph.node("Gemm", [down, b, base], name, alpha=2.0)
