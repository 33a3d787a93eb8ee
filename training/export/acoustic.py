"""The acoustic projector of a checkpoint: a trained one with its weights in 16 bits, or one that says nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from training.export.graph import Graph

POSITIONS_PER_TOKEN = 25  # of 20 ms each: two tokens a second
LARGE_WEIGHT = 4096


def silent_projector(features: int, hidden: int) -> Graph:
    """`audio_features` [1, positions, features] f32 to zeros `acoustic_embeddings` [ceil(positions / 25), hidden]."""
    graph = Graph("acoustic_projector")
    source = graph.input("audio_features", np.float32, [1, "positions", features])
    count = graph.node("Shape", [source], "positions", start=1, end=2)
    rounded = graph.node("Add", [count, graph.integers(POSITIONS_PER_TOKEN - 1)], "positions.up")
    tokens = graph.node("Div", [rounded, graph.integers(POSITIONS_PER_TOKEN)], "tokens")
    shape = graph.node("Concat", [tokens, graph.integers(hidden)], "shape", axis=0)
    zero = graph.constant("zero", np.array([0], np.float32))
    graph.node("Expand", [zero, shape], "acoustic_embeddings")
    graph.output("acoustic_embeddings", np.float32, ["tokens", hidden])
    return graph


def copy_projector(source: Path, target: Path) -> None:
    """Copies a trained graph, its large weights in 16 bits, cast to f32 when the session is made."""
    model = onnx.load(str(source))
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= LARGE_WEIGHT:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.f16"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], name=f"/{name}", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    target.write_bytes(model.SerializeToString(deterministic=True))
