"""Whisper's encoder as an ONNX graph of dynamic length, with the decoder's cross-attention projections.

It takes only the real frames. In a batch, frames past a row's own count are masked in attention; before that
zeros are enough, because conv2 (stride 2, an even count) never looks past the last real frame.

`audio_features`, what the acoustic projector reads, are the states half way up: they tell sounds apart better than the
last layer's, which are on their way to being words (docs/log.md).

Given how far each channel goes, linear maps are computed in 8 bits (rounded_linear.py), in 32 all else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedConfig, WhisperForConditionalGeneration

from training.export.graph import MICROSOFT, ExternalFile, Graph, Weight
from training.export.layers import half_stored, quantized_linear
from training.export.quantize import QuantizedWeight
from training.export.rounded_linear import Rounded, rounded_by_channel, rounded_gelu, rounded_linear
from training.export.tensors import Tensor, in_memory, stacked

LAYER_NORM_EPSILON = 1e-5


@dataclass(frozen=True)
class EncoderOptions:
    """`weights`: "int8", "f16" (stored; computed in `precision`) or "f32"; chosen by measurement, see docs/log.md."""

    weights: str = "f16"
    precision: type = np.float32
    block: int = 64
    accuracy_level: int = 4
    file: str = "encoder.bin"


def stacked_biases(weights: Mapping[str, Tensor], modules: list[str]) -> np.ndarray:
    """The biases of several projections, one behind the other; a missing one (Whisper's keys) is zero."""
    return np.concatenate(
        [
            weights[f"{m}.bias"].read()
            if f"{m}.bias" in weights
            else np.zeros(weights[f"{m}.weight"].shape[0], np.float32)
            for m in modules
        ]
    )


class AudioTower:
    """Convolutions and layers as Whisper has them, and the models that descend from it.

    `config` has the names of transformers' WhisperConfig; `weights` are named "model.encoder...".
    """

    def __init__(
        self, name: str, config: PreTrainedConfig, weights: Mapping[str, Tensor], options: EncoderOptions
    ) -> None:
        self.config = config
        self.options = options
        self.weights = weights
        self.graph = Graph(name, options.precision)
        self.file = ExternalFile(options.file)
        self.files = [self.file]

    def _convolutions(self, mel: str) -> str:
        """[batch, mel bins, frames] to rows [batch, positions, hidden], two frames a position."""
        stream = self._convolution(mel, "conv1", stride=1)
        stream = self._convolution(stream, "conv2", stride=2)
        return self.graph.node("Transpose", [stream], "conv_rows", perm=[0, 2, 1])

    def _positions(self, stream: str, length: str) -> str:
        """Adds the embedding of each of the first `length` positions."""
        graph = self.graph
        table = self._stored("model.encoder.embed_positions.weight")
        ends = [graph.integers(0), length, graph.integers(0)]
        return graph.node("Add", [stream, graph.node("Slice", [table, *ends], "position_rows")], "embedded")

    def _layers(self, stream: str) -> tuple[str, str]:
        """(residual stream, what the last layer adds to it)"""
        branch = ""
        for layer in range(self.config.encoder_layers):
            stream, branch = self._layer(layer, stream, branch)
        return stream, branch

    def _stored(self, name: str) -> str:
        """A weight of the checkpoint as an f32 value of the graph, however it is stored."""
        if self.options.weights == "f32":
            return self.graph.constant(name, self.weights[name].read(), self.file)
        return half_stored(self.graph, name, self.weights[name].read(), self.file)

    def _vector(self, name: str) -> str:
        return self.graph.constant(name, self.weights[name].weight(self.graph.precision), self.file)

    def _convolution(self, source: str, name: str, stride: int) -> str:
        weight = self._stored(f"model.encoder.{name}.weight")
        bias = self._vector(f"model.encoder.{name}.bias")
        out = self.graph.node("Conv", [source, weight, bias], name, pads=[1, 1], strides=[stride])
        return self.graph.node("Gelu", [out], f"{name}.gelu", MICROSOFT)

    def _mask(self, length: str, real: str | None = None) -> None:
        """`key_mask` [batch, positions] i32, 1 where a position is real; `all_real`, whether that is everywhere.

        `real` [batch] i64: how many are, where it isn't one for every two frames of `frame_counts`.
        """
        graph = self.graph
        scalar = graph.node("Squeeze", [length], "position_count")
        zero = graph.constant("zero", np.array(0, np.int64))
        one = graph.constant("one", np.array(1, np.int64))
        index = graph.node("Range", [zero, scalar, one], "position_index")
        if real is None:
            real = graph.node("Div", ["frame_counts", graph.constant("two", np.array(2, np.int64))], "real_positions")
        column = graph.node("Unsqueeze", [real, graph.integers(1)], "real_positions.column")
        graph.node("Cast", [graph.node("Less", [index, column], "is_real")], "key_mask", to=6)
        shortest = graph.node("ReduceMin", [real], "shortest", keepdims=0)
        graph.node("GreaterOrEqual", [shortest, scalar], "all_real")

    def _norm(self, name: str, weight: str, stream: str, branch: str) -> tuple[str, str]:
        """(normalized, residual stream) after adding `branch` to `stream`, where there is one."""
        gamma, beta = self._vector(f"{weight}.weight"), self._vector(f"{weight}.bias")
        if not branch:
            inputs = [stream, gamma, beta]
            out = self.graph.node("LayerNormalization", inputs, name, epsilon=LAYER_NORM_EPSILON)
            return out, stream
        residual = f"{name}.residual"
        self.graph.node(
            "SkipLayerNormalization",
            [stream, branch, gamma, beta],
            [name, "", "", residual],
            MICROSOFT,
            epsilon=LAYER_NORM_EPSILON,
        )
        return name, residual

    def _linear(self, name: str, source: str, modules: list[str]) -> str:
        """One projection, or several of the same input stacked; a missing bias (Whisper's keys) is zero."""
        weight = stacked([self.weights[f"{m}.weight"] for m in modules])
        bias = stacked_biases(self.weights, modules)
        if self.options.weights == "int8":
            return quantized_linear(
                self.graph,
                name,
                source,
                QuantizedWeight(weight, self.options.block),
                self.file,
                bias=bias,
                accuracy_level=self.options.accuracy_level,
            )
        if self.options.weights == "f16":
            matrix = half_stored(self.graph, f"{name}.weight", transposed(weight), self.file)
        else:
            matrix = self.graph.constant(f"{name}.weight", transposed(weight), self.file)
        product = self.graph.node("MatMul", [source, matrix], f"{name}.product")
        bias = bias.astype(self.graph.precision)
        return self.graph.node("Add", [product, self.graph.constant(f"{name}.bias", bias, self.file)], name)

    def _layer(self, layer: int, stream: str, branch: str) -> tuple[str, str]:
        graph, name, module = self.graph, f"layer_{layer}", f"model.encoder.layers.{layer}"
        normed, stream = self._norm(f"{name}.attention_norm", f"{module}.self_attn_layer_norm", stream, branch)
        packed = self._linear(f"{name}.qkv", normed, [f"{module}.self_attn.{p}_proj" for p in "qkv"])
        parts = [f"{name}.{p}" for p in ("query", "key", "value")]
        graph.node("Split", [packed], parts, axis=-1, num_outputs=3)
        # Without a mask the kernel is fused and needs no [positions, positions] scores: the usual case, one clip.
        heads = self.config.encoder_attention_heads
        masked, plain = (
            graph.branch(f"{name}.{kind}", "MultiHeadAttention", inputs, MICROSOFT, num_heads=heads)
            for kind, inputs in (("masked", [*parts, "", "key_mask"]), ("plain", parts))
        )
        attended = graph.node("If", ["all_real"], f"{name}.attended", then_branch=plain, else_branch=masked)
        out = self._linear(f"{name}.out", attended, [f"{module}.self_attn.out_proj"])
        normed, stream = self._norm(f"{name}.feed_forward_norm", f"{module}.final_layer_norm", stream, out)
        inner = self._linear(f"{name}.inner", normed, [f"{module}.fc1"])
        inner = graph.node("Gelu", [inner], f"{name}.gelu", MICROSOFT)
        return stream, self._linear(f"{name}.outer", inner, [f"{module}.fc2"])


def transposed(tensor: Tensor) -> Weight:
    """A matrix [outputs, inputs] as MatMul wants it, [inputs, outputs] f32, read when it is written."""
    return Weight(tensor.shape[::-1], np.dtype(np.float32), lambda: [tensor.read().T])


class WhisperEncoder(AudioTower):
    """Builds the graph; `graph` and `files` are ready to be saved afterwards."""

    def __init__(
        self,
        model: WhisperForConditionalGeneration,
        options: EncoderOptions = EncoderOptions(),
        reach: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """`reach`: how far the channels go that linear maps read (encoder_reach.py); None: they stay in 32 bits."""
        super().__init__("whisper_encoder", model.config, in_memory(model), options)
        self.reach = reach
        self.rounded: dict[str, Rounded] = {}
        graph, config = self.graph, self.config
        mel = graph.input("mel", np.float32, ["batch", config.num_mel_bins, "frames"])
        graph.input("frame_counts", np.int64, ["batch"])
        stream = self._convolutions(mel)
        length = graph.node("Shape", [stream], "positions", start=1, end=2)
        stream = self._positions(stream, length)
        self._mask(length)

        stream, branch = self._layers(stream)
        states, _ = self._norm("states", "model.encoder.layer_norm", stream, branch)
        graph.output("audio_features", np.float32, ["batch", "positions", config.d_model])
        for layer in range(config.decoder_layers):
            for kind in ("key", "value"):
                self._cross_projection(layer, kind, states)

    def _layer(self, layer: int, stream: str, branch: str) -> tuple[str, str]:
        if layer == self.config.encoder_layers // 2:
            stream, branch = self.graph.node("Sum", [stream, branch], "audio_features"), ""
        return super()._layer(layer, stream, branch)

    def _norm(self, name: str, weight: str, stream: str, branch: str) -> tuple[str, str]:
        """SkipLayerNormalization takes five times as long as its parts on the CPU; Add is fused to it, Sum isn't."""
        if not branch:
            return super()._norm(name, weight, stream, branch)
        stream = self.graph.node("Sum", [stream, branch], f"{name}.residual")
        return super()._norm(name, weight, stream, "")

    def _linear(self, name: str, source: str, modules: list[str]) -> str:
        if self.reach is None:
            return super()._linear(name, source, modules)
        graph = self.graph
        weight = stacked([self.weights[f"{m}.weight"] for m in modules])
        matrix = half_stored(graph, f"{name}.weight", transposed(weight), self.file)
        bias = graph.constant(f"{name}.bias", stacked_biases(self.weights, modules), self.file)
        if source in self.reach:
            if source not in self.rounded:
                self.rounded[source] = rounded_by_channel(graph, source, self.reach[source])
            return rounded_linear(graph, name, self.rounded[source], matrix, bias)
        outputs, inputs = weight.shape
        rows = rounded_linear(graph, f"{name}.rows", rounded_gelu(graph, source, inputs), matrix, bias)
        leading = graph.node("Shape", [source], f"{name}.leading", start=0, end=2)
        shape = graph.node("Concat", [leading, graph.integers(outputs)], f"{name}.shape", axis=0)
        return graph.node("Reshape", [rows, shape], name)

    def _cross_projection(self, layer: int, kind: str, states: str) -> None:
        """The decoder's keys or values over the audio, once for all of its steps: [batch, heads, positions, 64]."""
        graph, config = self.graph, self.config
        heads, name = config.decoder_attention_heads, f"cross_{kind}_{layer}"
        module = f"model.decoder.layers.{layer}.encoder_attn.{kind[0]}_proj"
        rows = self._linear(f"{name}.rows", states, [module])
        split = graph.node("Reshape", [rows, graph.integers(0, 0, heads, -1)], f"{name}.heads")
        graph.node("Transpose", [split], name, perm=[0, 2, 1, 3])
        graph.output(name, np.float32, ["batch", heads, "positions", config.d_model // heads])
