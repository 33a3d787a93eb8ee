"""The trained projector as an ONNX graph: pooling and the small network over the states of one window."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from training.acoustic.projector import HIDDEN, POSITIONS_PER_TOKEN, STATES, Projector
from training.export.graph import Graph


def acoustic_graph(projector: Projector) -> Graph:
    """`audio_features` [1, positions, 384] f32 in, `acoustic_embeddings` [ceil(positions / 25), 576] f32 out.

    The same numbers as `projector.pool` and the projector: the last, shorter block is averaged over what it has.
    """
    graph = Graph("acoustic_projector")
    source = graph.input("audio_features", np.float32, [1, "positions", STATES])
    states = graph.node("Squeeze", [source, graph.integers(0)], "states")
    positions = graph.node("Shape", [source], "positions.vector", start=1, end=2)
    rounded = graph.node("Add", [positions, graph.integers(POSITIONS_PER_TOKEN - 1)], "positions.up")
    tokens = graph.node("Div", [rounded, graph.integers(POSITIONS_PER_TOKEN)], "tokens")
    full = graph.node("Mul", [tokens, graph.integers(POSITIONS_PER_TOKEN)], "positions.full")
    missing = graph.node("Sub", [full, positions], "missing")
    pads = graph.node("Concat", [graph.integers(0, 0), missing, graph.integers(0)], "pads", axis=0)
    padded = graph.node("Pad", [states, pads], "padded")
    shape = graph.node("Concat", [tokens, graph.integers(POSITIONS_PER_TOKEN, STATES)], "blocks.shape", axis=0)
    blocks = graph.node("Reshape", [padded, shape], "blocks")
    # How many real positions each block has: 25, and what is left in the last one.
    zero, one = graph.constant("zero", np.array(0, np.int64)), graph.constant("one", np.array(1, np.int64))
    scalar = graph.node("Squeeze", [tokens], "tokens.scalar")
    starts = graph.node("Range", [zero, scalar, one], "block")
    starts = graph.node("Mul", [starts, graph.integers(POSITIONS_PER_TOKEN)], "block.start")
    left = graph.node("Sub", [positions, starts], "block.left")
    counted = graph.node("Min", [left, graph.integers(POSITIONS_PER_TOKEN)], "block.positions")
    counted = graph.node("Cast", [counted], "block.count", to=1)
    count = graph.node("Unsqueeze", [counted, graph.integers(1)], "block.count.column")
    mean, deviation = _moments(graph, blocks, count, "half_second", axis=1)
    length = graph.node("Cast", [positions], "length", to=1)
    whole_mean, whole_deviation = _moments(graph, states, length, "window", axis=0)
    whole = graph.node("Concat", [whole_mean, whole_deviation], "window", axis=0)
    width = graph.node("Concat", [tokens, graph.integers(2 * STATES)], "window.shape", axis=0)
    whole = graph.node("Expand", [whole, width], "window.rows")
    features = graph.node("Concat", [mean, deviation, whole], "features", axis=1)
    centred = graph.node("Sub", [features, _weight(graph, "centre", projector.centre)], "centred")
    scaled = graph.node("Div", [centred, _weight(graph, "spread", projector.spread)], "scaled")
    inner = graph.node("Gelu", [_linear(graph, scaled, "inner", projector.inner)], "inner.gelu")
    middle = graph.node("Gelu", [_linear(graph, inner, "middle", projector.middle)], "middle.gelu")
    added = graph.node("Add", [inner, middle], "added")
    norm = [
        added,
        _weight(graph, "norm.weight", projector.norm.weight),
        _weight(graph, "norm.bias", projector.norm.bias),
    ]
    normed = graph.node("LayerNormalization", norm, "normed", axis=-1, epsilon=1e-5)
    taken_for = graph.node("Softmax", [_linear(graph, normed, "naming", projector.naming)], "naming.likely", axis=-1)
    named = graph.node("MatMul", [taken_for, _weight(graph, "names", projector.names)], "named")
    outer = _linear(graph, normed, "outer", projector.outer)
    besides = graph.node("Mul", [outer, _weight(graph, "scale", projector.scale)], "besides")
    graph.node("Add", [named, besides], "acoustic_embeddings")
    graph.output("acoustic_embeddings", np.float32, ["tokens", HIDDEN])
    return graph


def _moments(graph: Graph, values: str, count: str, name: str, axis: int) -> tuple[str, str]:
    """Mean and deviation over `axis`, padding being zeros: E[x²] - E[x]² over the real positions."""
    axes = graph.integers(axis)
    total = graph.node("ReduceSum", [values, axes], f"{name}.sum", keepdims=0)
    mean = graph.node("Div", [total, count], f"{name}.mean")
    squares = graph.node("Mul", [values, values], f"{name}.squares")
    total = graph.node("ReduceSum", [squares, axes], f"{name}.squares.sum", keepdims=0)
    second = graph.node("Div", [total, count], f"{name}.squares.mean")
    square = graph.node("Mul", [mean, mean], f"{name}.mean.square")
    variance = graph.node("Sub", [second, square], f"{name}.variance")
    nothing = graph.constant("nothing", np.array(0.0, np.float32))
    variance = graph.node("Max", [variance, nothing], f"{name}.variance.positive")
    variance = graph.node(
        "Add", [variance, graph.constant("epsilon", np.array(1e-6, np.float32))], f"{name}.variance.safe"
    )
    return mean, graph.node("Sqrt", [variance], f"{name}.deviation")


def _linear(graph: Graph, source: str, name: str, layer: object) -> str:
    weight = _weight(graph, f"{name}.weight", layer.weight.T)  # type: ignore[attr-defined]
    bias = _weight(graph, f"{name}.bias", layer.bias)  # type: ignore[attr-defined]
    return graph.node("Add", [graph.node("MatMul", [source, weight], f"{name}.product"), bias], name)


def _weight(graph: Graph, name: str, tensor: Tensor) -> str:
    values = tensor.detach().float().contiguous().numpy()
    if values.nbytes < 1 << 16:
        return graph.constant(name, values)
    # Large weights are kept in 16 bits; the runtime widens them once, when it loads the graph.
    return graph.node("Cast", [graph.constant(f"{name}.half", values.astype(np.float16))], name, to=1)
