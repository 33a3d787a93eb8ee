"""Whisper's decoder as an ONNX graph: one step or several, keys and values appended in place.

The eight-bit head is the embedding table too: rows are gathered from the same tensor and de-quantized.
A batch is `windows` times as many rows each (the hypotheses of a beam search): rows of one window share its audio,
whose keys and values are given, and read, once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from transformers import WhisperForConditionalGeneration

from training.export.graph import MICROSOFT, ExternalFile, Graph
from training.export.layers import half_stored, quantized_linear
from training.export.quantize import QuantizedWeight
from training.export.tensors import in_memory, stacked
from training.export.whisper_encoder import LAYER_NORM_EPSILON, stacked_biases


@dataclass(frozen=True)
class DecoderOptions:
    """What was chosen by measurement; see docs/log.md."""

    block: int = 64
    accuracy_level: int = 4
    file: str = "decoder.bin"


class WhisperDecoder:
    """Builds the graph; `graph` and `files` are ready to be saved afterwards."""

    def __init__(self, model: WhisperForConditionalGeneration, options: DecoderOptions = DecoderOptions()) -> None:
        self.config = model.config
        self.alignment_heads: list[list[int]] = model.generation_config.alignment_heads
        self.options = options
        self.heads = model.config.decoder_attention_heads
        self.head_dim = model.config.d_model // self.heads
        self.weights = in_memory(model)
        self.graph = Graph("whisper_decoder")
        self.file = ExternalFile(options.file)
        self.files = [self.file]
        self._build()

    def _build(self) -> None:
        graph, config = self.graph, self.config
        ids = graph.input("input_ids", np.int64, ["batch", "sequence"])
        graph.input("position", np.int64, ["batch"])
        graph.input("seqlens_k", np.int32, ["batch"])
        graph.input("total_sequence_length", np.int32, [])
        graph.input("frame_counts", np.int64, ["windows"])
        head = QuantizedWeight(self.weights["model.decoder.embed_tokens.weight"], self.options.block)
        stream = graph.node("Add", [self._embedding(ids, head), self._positions(ids)], "embedded")
        self._audio_mask()
        # [batch, sequence, hidden] again, when the rows have listened.
        graph.node("Shape", ["embedded"], "hidden_shape")

        branch, alignments = None, []
        for layer in range(config.decoder_layers):
            stream, branch = self._layer(layer, stream, branch, alignments)
        # Only the last position goes through the head.
        last = [
            graph.node("Gather", [value, graph.constant("minus_one", np.array(-1, np.int64))], name, axis=1)
            for value, name in ((stream, "last_stream"), (branch, "last_branch"))
        ]
        final, _ = self._norm("final_norm", "model.decoder.layer_norm", *last)
        quantized_linear(graph, "logits", final, head, self.file, accuracy_level=self.options.accuracy_level)
        # The kernel's softmax takes a tenth of what a loop outside would.
        graph.node("LogSoftmax", ["logits"], "log_probabilities", axis=-1)
        graph.output("log_probabilities", np.float32, ["batch", config.vocab_size])
        for layer in range(config.decoder_layers):
            for kind in ("key", "value"):
                graph.output(f"present_{kind}_{layer}", np.float32, self._cache_shape("total"))
        graph.node("Concat", alignments, "cross_attention", axis=1)
        shape = ["windows", len(self.alignment_heads), "rows_x_sequence", "positions"]
        graph.output("cross_attention", np.float32, shape)

    def _cache_shape(self, length: str) -> list[int | str]:
        return ["batch", self.heads, length, self.head_dim]

    def _vector(self, name: str) -> str:
        return self.graph.constant(name, self.weights[name].read(), self.file)

    def _embedding(self, ids: str, head: QuantizedWeight) -> str:
        """Rows of the head's own tensor: (value - 128) * scale, [batch, sequence, hidden] f32."""
        graph = self.graph
        values = graph.constant("logits.weight", head.values, self.file)
        scales = half_stored(graph, "logits.scales", head.scales, self.file)
        rows = graph.node("Gather", [values, ids], "token_values", axis=0)
        rows = graph.node("Cast", [rows], "token_values.f32", to=1)
        rows = graph.node("Sub", [rows, graph.constant("zero_point", np.array(128, np.float32))], "token_centred")
        scale = graph.node("Gather", [scales, ids], "token_scales", axis=0)
        scale = graph.node("Unsqueeze", [scale, graph.integers(-1)], "token_scales.column")
        rows = graph.node("Mul", [rows, scale], "token_blocks")
        return graph.node("Reshape", [rows, graph.integers(0, 0, -1)], "token_rows")

    def _positions(self, ids: str) -> str:
        """Learned position rows from each row's own `position` on, [batch, sequence, hidden] f32."""
        graph = self.graph
        name = "model.decoder.embed_positions.weight"
        table = half_stored(graph, name, self.weights[name].read(), self.file)
        length = graph.node("Squeeze", [graph.node("Shape", [ids], "id_count", start=1, end=2)], "id_count.scalar")
        zero = graph.constant("zero", np.array(0, np.int64))
        one = graph.constant("one", np.array(1, np.int64))
        offsets = graph.node("Range", [zero, length, one], "offsets")
        first = graph.node("Unsqueeze", ["position", graph.integers(1)], "position.column")
        index = graph.node("Add", [first, offsets], "position_index")
        return graph.node("Gather", [table, index], "position_rows", axis=0)

    def _audio_mask(self) -> None:
        """`audio_bias` [windows, 1, 1, positions] f32: 0 on a window's real positions, far below it past them."""
        graph = self.graph
        length = graph.node("Shape", ["cross_key_0"], "audio_length", start=2, end=3)
        length = graph.node("Squeeze", [length], "audio_length.scalar")
        index = graph.node("Range", ["zero", length, "one"], "audio_index")
        two = graph.constant("two", np.array(2, np.int64))
        real = graph.node("Div", ["frame_counts", two], "real_positions")
        real = graph.node("Unsqueeze", [real, graph.integers(1, 2, 3)], "real_positions.column")
        is_real = graph.node("Less", [index, real], "is_real")
        nothing = graph.constant("no_bias", np.array(0, np.float32))
        masked = graph.constant("masked_bias", np.array(-1e9, np.float32))
        graph.node("Where", [is_real, nothing, masked], "audio_bias")
        windows = graph.node("Shape", ["cross_key_0"], "windows", start=0, end=1)
        query_shape = [windows, graph.integers(-1), graph.integers(self.heads), graph.integers(self.head_dim)]
        graph.node("Concat", query_shape, "query_shape", axis=0)

    def _norm(self, name: str, weight: str, stream: str, branch: str | None) -> tuple[str, str]:
        """(normalized, residual stream) after adding `branch` to `stream`."""
        gamma, beta = self._vector(f"{weight}.weight"), self._vector(f"{weight}.bias")
        if branch is None:
            inputs = [stream, gamma, beta]
            return self.graph.node("LayerNormalization", inputs, name, epsilon=LAYER_NORM_EPSILON), stream
        outputs = [name, "", "", f"{name}.residual"]
        inputs = [stream, branch, gamma, beta]
        self.graph.node("SkipLayerNormalization", inputs, outputs, MICROSOFT, epsilon=LAYER_NORM_EPSILON)
        return name, outputs[3]

    def _linear(self, name: str, source: str, modules: list[str]) -> str:
        """One projection, or several of the same input stacked; a missing bias (Whisper's keys) is zero."""
        weight = stacked([self.weights[f"{m}.weight"] for m in modules])
        options = self.options
        return quantized_linear(
            self.graph,
            name,
            source,
            QuantizedWeight(weight, options.block),
            self.file,
            bias=stacked_biases(self.weights, modules),
            accuracy_level=options.accuracy_level,
        )

    def _layer(self, layer: int, stream: str, branch: str | None, alignments: list[str]) -> tuple[str, str]:
        graph, name, module = self.graph, f"layer_{layer}", f"model.decoder.layers.{layer}"
        normed, stream = self._norm(f"{name}.self_norm", f"{module}.self_attn_layer_norm", stream, branch)
        packed = self._linear(f"{name}.qkv", normed, [f"{module}.self_attn.{p}_proj" for p in "qkv"])
        past = [graph.input(f"past_{kind}_{layer}", np.float32, self._cache_shape("max")) for kind in ("key", "value")]
        attended = graph.node(
            "GroupQueryAttention",
            [packed, "", "", *past, "seqlens_k", "total_sequence_length"],
            [f"{name}.attended", f"present_key_{layer}", f"present_value_{layer}"],
            MICROSOFT,
            num_heads=self.heads,
            kv_num_heads=self.heads,
            do_rotary=0,
        )
        out = self._linear(f"{name}.self_out", attended, [f"{module}.self_attn.out_proj"])
        normed, stream = self._norm(f"{name}.cross_norm", f"{module}.encoder_attn_layer_norm", stream, out)
        out = self._cross_attention(layer, normed, alignments)
        normed, stream = self._norm(f"{name}.feed_forward_norm", f"{module}.final_layer_norm", stream, out)
        inner = self._linear(f"{name}.inner", normed, [f"{module}.fc1"])
        inner = graph.node("Gelu", [inner], f"{name}.gelu", MICROSOFT)
        return stream, self._linear(f"{name}.outer", inner, [f"{module}.fc2"])

    def _cross_attention(self, layer: int, normed: str, alignments: list[str]) -> str:
        """Attention over the audio, in plain operators because the alignment heads' weights are an output.

        To the audio, the rows of a window are so many more positions of one sequence.
        """
        graph, name = self.graph, f"layer_{layer}.cross"
        module = f"model.decoder.layers.{layer}.encoder_attn"
        key, value = (
            graph.input(f"cross_{kind}_{layer}", np.float32, ["windows", self.heads, "positions", self.head_dim])
            for kind in ("key", "value")
        )
        query = self._linear(f"{name}.query", normed, [f"{module}.q_proj"])
        query = graph.node("Reshape", [query, "query_shape"], f"{name}.query_heads")
        query = graph.node("Transpose", [query], f"{name}.query_rows", perm=[0, 2, 1, 3])
        scores = graph.node(
            "FusedMatMul", [query, key], f"{name}.scores", MICROSOFT, transB=1, alpha=self.head_dim**-0.5
        )
        scores = graph.node("Add", [scores, "audio_bias"], f"{name}.masked")
        weights = graph.node("Softmax", [scores], f"{name}.weights", axis=-1)
        chosen = [head for at, head in self.alignment_heads if at == layer]
        if chosen:
            heads = graph.integers(*chosen)
            alignments.append(graph.node("Gather", [weights, heads], f"{name}.alignment", axis=1))
        mixed = graph.node("MatMul", [weights, value], f"{name}.mixed")
        mixed = graph.node("Transpose", [mixed], f"{name}.mixed_rows", perm=[0, 2, 1, 3])
        mixed = graph.node("Reshape", [mixed, "hidden_shape"], f"{name}.joined")
        return self._linear(f"{name}.out", mixed, [f"{module}.out_proj"])
