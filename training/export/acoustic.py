"""The acoustic projector of a checkpoint that has none: as many tokens as a trained one gives, all zero."""

from __future__ import annotations

import numpy as np

from training.export.graph import Graph

POSITIONS_PER_TOKEN = 25  # of 20 ms each: two tokens a second


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
