"""Linear maps whose inputs and weights are rounded to 8 bits, for products on the processor's 8-bit instructions.

Weights have a scale a column. They are stored in 16 bits and rounded when the session is made (constant folding), or
before it by whoever makes the session (rounded_weights.py). What a row gives depends on no other row: inputs are
rounded by steps a channel that were measured beforehand, or by a scale of the row's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto, helper

from training.export.graph import MICROSOFT, Graph

LEVELS = 127
ZERO_POINT = 128
# Of what was measured: other voices reach further. More of it costs precision (docs/log.md).
MARGIN = 1.25
# Gelu is never below -0.17: what it reaches is its largest value, and at least this.
GELU_DEPTH = 0.17


@dataclass(frozen=True)
class Rounded:
    """A value in 8 bits, [..., width] u8, with what one level stands for: by channel, or by row.

    `steps` [width, 1] f32, taken into the weights; or `scales` [rows, 1] f32, that the products are multiplied with.
    """

    values: str
    steps: str | None = None
    scales: str | None = None


def rounded_by_channel(graph: Graph, source: str, reach: np.ndarray) -> Rounded:
    """`source` [..., width] f32, whose channels go as far as `reach` [width] says; what goes further is cut."""
    # No channel's steps are nothing, however silent it was.
    steps = (MARGIN / LEVELS * np.maximum(reach, reach.max() / 1000)).astype(np.float32)
    inverse = graph.constant(f"{source}.inverse_steps", 1 / steps)
    levels = graph.node("Mul", [source, inverse], f"{source}.levels")
    one = graph.constant("one_level", np.array(1, np.float32))
    values = graph.node("QuantizeLinear", [levels, one, zero_point(graph)], f"{source}.rounded")
    return Rounded(values, steps=graph.constant(f"{source}.steps", steps[:, None]))


def rounded_gelu(graph: Graph, source: str, width: int) -> Rounded:
    """`source` [..., width] f32, an output of Gelu, as rows [n, width]."""
    rows = graph.node("Reshape", [source, graph.integers(-1, width)], f"{source}.rows")
    largest = graph.node("ReduceMax", [rows, graph.integers(-1)], f"{source}.largest", keepdims=0)
    depth = graph.constant("gelu_depth", np.array(GELU_DEPTH, np.float32))
    reach = graph.node("Max", [largest, depth], f"{source}.reach")
    scales = graph.node("Mul", [reach, one_level(graph)], f"{source}.scales")
    shape = graph.node("Shape", [scales], f"{source}.row_count")
    zero = helper.make_tensor("value", TensorProto.UINT8, [1], [ZERO_POINT])
    zeros = graph.node("ConstantOfShape", [shape], f"{source}.zeros", value=zero)
    values = graph.node("QuantizeLinear", [rows, scales, zeros], f"{source}.rounded", axis=0)
    column = graph.node("Unsqueeze", [scales, graph.integers(1)], f"{source}.scales.column")
    return Rounded(values, scales=column)


def rounded_linear(graph: Graph, name: str, source: Rounded, matrix: str, bias: str) -> str:
    """y = x `matrix` [inputs, outputs] + `bias` [outputs]: to `name` [..., outputs] f32, shaped as `source.values`."""
    if source.steps is not None:
        matrix = graph.node("Mul", [matrix, source.steps], f"{name}.matrix")
    reach = graph.node(
        "ReduceMax", [graph.node("Abs", [matrix], f"{name}.sizes"), graph.integers(0)], f"{name}.reach", keepdims=0
    )
    level = graph.node("Mul", [reach, one_level(graph)], f"{name}.level")
    scales = graph.node("Max", [level, smallest_scale(graph)], f"{name}.scales")
    levels = graph.node("Round", [graph.node("Div", [matrix, scales], f"{name}.quotients")], f"{name}.levels")
    weights = graph.node("Cast", [levels], f"{name}.rounded", to=TensorProto.INT8)
    one = graph.constant("one_level", np.array(1, np.float32))
    inputs = [source.values, weights, one, scales, zero_point(graph)]
    if source.scales is None:
        return graph.node("MatMulIntegerToFloat", [*inputs, "", bias], name, MICROSOFT)
    product = graph.node("MatMulIntegerToFloat", inputs, f"{name}.product", MICROSOFT)
    product = graph.node("Mul", [product, source.scales], f"{name}.scaled")
    return graph.node("Add", [product, bias], name)


def rounded_by_row(graph: Graph, source: str, smoothing: str, some_rows: bool = True) -> Rounded:
    """`source` [rows, width] f32 over `smoothing` [width] f32, a constant; then each row by its own reach.

    A row of zeros has a scale of zero: whatever levels it gets by that, products with them are zero again. Every node
    costs a lone stream microseconds, so there are none for what needn't be: `some_rows` says that there is always one.
    """
    even = graph.node("Mul", [source, graph.node("Reciprocal", [smoothing], f"{source}.inverse")], f"{source}.even")
    sizes = graph.node("Abs", [even], f"{source}.sizes")
    reach = graph.node("ReduceMax", [sizes, graph.integers(-1)], f"{source}.reach")
    if not some_rows:
        # Of none ONNX Runtime (1.31) gives a reduction the shape of its input.
        reach = graph.node("Reshape", [reach, graph.integers(-1, 1)], f"{source}.reach.column")
    scales = graph.node("Mul", [reach, one_level(graph)], f"{source}.scales")
    levels = graph.node("Div", [even, scales], f"{source}.levels")
    one = graph.constant("one_level", np.array(1, np.float32))
    return Rounded(graph.node("QuantizeLinear", [levels, one, zero_point(graph)], f"{source}.rounded"), scales=scales)


def rounded_product(graph: Graph, name: str, source: Rounded, weights: str, scales: str) -> str:
    """y = x W: `source` rounded by row, `weights` [inputs, outputs] i8, `scales` [outputs] f32; to [rows, outputs]."""
    one = graph.constant("one_level", np.array(1, np.float32))
    inputs = [source.values, weights, one, scales, zero_point(graph)]
    product = graph.node("MatMulIntegerToFloat", inputs, f"{name}.product", MICROSOFT)
    return graph.node("Mul", [product, source.scales], name)


def smallest_scale(graph: Graph) -> str:
    """Where all is zero it isn't divided by."""
    return graph.constant("smallest_scale", np.array(1e-30, np.float32))


def zero_point(graph: Graph) -> str:
    """The level that stands for zero."""
    return graph.constant("zero_point", np.array(ZERO_POINT, np.uint8))


def one_level(graph: Graph) -> str:
    """What one level is of a reach."""
    return graph.constant("one_of_all_levels", np.array(1 / LEVELS, np.float32))
