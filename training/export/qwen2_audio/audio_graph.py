"""Qwen2-Audio's ear as one graph: mel spectrograms of windows in, the embeddings that enter the prompt out.

Whisper's encoder, then pairs of positions are averaged, normalized and projected. Only positions that hold audio are
computed: transformers masks the others of its 30 s windows in attention, and drops what they give. The spectrogram
must reach two frames past the audio (the convolutions look there), or to the end of the 30 s; what lies behind makes
no difference.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from transformers import PreTrainedConfig

from training.export.tensors import Tensor
from training.export.whisper_encoder import AudioTower, EncoderOptions


class Qwen2AudioTower(AudioTower):
    """Builds the graph; `weights` are named "model.encoder..." and "projector..."."""

    def __init__(
        self, config: PreTrainedConfig, hidden: int, weights: Mapping[str, Tensor], options: EncoderOptions
    ) -> None:
        super().__init__("qwen2_audio_tower", config, weights, options)
        graph = self.graph
        mel = graph.input("mel", np.float32, ["windows", config.num_mel_bins, "frames"])
        graph.input("frame_counts", np.int64, ["windows"])
        if graph.precision != np.float32:
            mel = graph.cast(mel, "mel.cast", graph.precision)
        rows = self._convolutions(mel)
        # Up to the last position that is real in any window; one for every two frames begun.
        one, two = (graph.constant(name, np.array(value, np.int64)) for name, value in (("one", 1), ("two", 2)))
        real = graph.node("Div", [graph.node("Add", ["frame_counts", one], "frames_up"), two], "real_positions")
        longest = graph.node("ReduceMax", [real, graph.integers(0)], "longest", keepdims=1)
        rows = graph.node("Slice", [rows, graph.integers(0), longest, graph.integers(1)], "real_rows")
        stream = self._positions(rows, longest)
        self._mask(longest, real)
        stream, branch = self._layers(stream)
        pooled = self._pooled(graph.node("Add", [stream, branch], "heard"))
        normed, _ = self._norm("pooled_norm", "model.encoder.layer_norm", pooled, "")
        name = "audio_embeddings"
        if graph.precision == np.float32:
            self._linear(name, normed, ["projector"])
        else:
            graph.cast(self._linear("projected", normed, ["projector"]), name, np.float32)
        graph.output(name, np.float32, ["windows", "tokens", hidden])
        graph.output(graph.node("Div", [real, two], "token_counts"), np.int64, ["windows"])

    def _pooled(self, rows: str) -> str:
        """Means of pairs of positions; a last one without a partner is dropped."""
        graph, width = self.graph, self.config.d_model
        windows = graph.node("Shape", [rows], "window_count", start=0, end=1)
        length = graph.node("Shape", [rows], "heard_positions", start=1, end=2)
        pairs = graph.node("Div", [length, graph.integers(2)], "pairs")
        even = graph.node("Mul", [pairs, graph.integers(2)], "paired_positions")
        rows = graph.node("Slice", [rows, graph.integers(0), even, graph.integers(1)], "paired_rows")
        shape = graph.node("Concat", [windows, pairs, graph.integers(2, width)], "paired_shape", axis=0)
        rows = graph.node("Reshape", [rows, shape], "paired")
        return graph.node("ReduceMean", [rows, graph.integers(2)], "pooled", keepdims=0)
