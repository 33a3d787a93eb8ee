"""The layers that all graphs are made of: quantized and half-stored linear maps, low-rank additions."""

from __future__ import annotations

import numpy as np

from training.export.graph import MICROSOFT, ExternalFile, Graph, Weight
from training.export.quantize import QuantizedWeight


def quantized_linear(
    graph: Graph,
    name: str,
    source: str,
    matrix: QuantizedWeight,
    file: ExternalFile,
    *,
    bias: np.ndarray | None = None,
    accuracy_level: int = 4,
    half_scales: bool = True,
) -> str:
    """y = W x (+ bias): `source` [..., inputs] to `name` [..., outputs], W in 8 or 4 bits.

    Accuracy level 4 lets the kernel round the activations to 8 bits too, block by block. `half_scales` stores the
    scales in 16 bits; not for a table whose layout others read.
    """
    inputs = [source, graph.constant(f"{name}.weight", matrix.values, file)]
    if half_scales:
        inputs.append(half_stored(graph, f"{name}.scales", matrix.scales, file))
    else:
        scales = graph.constant(f"{name}.scales", matrix.scales, file)
        is_wide = graph.precision == np.float32
        inputs.append(scales if is_wide else graph.cast(scales, f"{scales}.cast", graph.precision))
    if bias is not None:
        inputs += ["", "", graph.constant(f"{name}.bias", bias.astype(graph.precision), file)]
    return graph.node(
        "MatMulNBits",
        inputs,
        name,
        MICROSOFT,
        N=matrix.outputs,
        K=matrix.inputs,
        bits=matrix.bits,
        block_size=matrix.block,
        accuracy_level=accuracy_level,
    )


def half_stored(graph: Graph, name: str, values: np.ndarray | Weight, file: ExternalFile) -> str:
    """A weight kept as f16 on disk, once a name; a graph that computes in f32 casts it when the session is made."""
    stored = f"{name}.f16"
    is_known = stored in graph.initializers
    graph.constant(stored, values.astype(np.float16), file)
    if graph.precision == np.float16:
        return stored
    return name if is_known else graph.cast(stored, name, np.float32)


def low_rank_addition(graph: Graph, name: str, source: str, base: str, a: str, b: str) -> str:
    """base + (source a) b, all two-dimensional: [n, in] x [in, r] x [r, out] f32; rank 1 of zeros adds nothing.

    The factors 1/2 and 2 cancel exactly. They are there because ONNX Runtime has a kernel of its own for a single
    row when the factor is 1, which adds in another order: without it a row's result is the same to the last bit,
    alone and in a batch (with 8-bit activations behind it a last bit can become another token).
    """
    down = graph.node("FusedMatMul", [source, a], f"{name}.down", MICROSOFT, alpha=0.5)
    return graph.node("Gemm", [down, b, base], name, alpha=2.0)
