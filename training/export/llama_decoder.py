"""A language model of Llama's architecture (SmolLM2, Qwen2) as one ONNX graph: embeddings in, logits of chosen
positions out.

Keys and values live in buffers that the caller owns: bound to `past_*` and `present_*` alike they are appended
to in place, in 32 or 16 bits or, given scales, in 8. Low-rank adapters are inputs, so one session serves every
checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from transformers import LlamaConfig, Qwen2Config

from training.export.graph import MICROSOFT, ExternalFile, Graph
from training.export.layers import half_stored, low_rank_addition, quantized_linear
from training.export.quantize import QuantizedWeight
from training.export.rounded_linear import rounded_by_row, rounded_product
from training.export.rounded_weights import RoundedWeights
from training.export.tensors import Tensor, stacked

# The projections of each site, in the order of their outputs.
SITE_MODULES = {
    "qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "o": ("self_attn.o_proj",),
    "gate_up": ("mlp.gate_proj", "mlp.up_proj"),
    "down": ("mlp.down_proj",),
}
SITES = tuple(SITE_MODULES)


@dataclass(frozen=True)
class LlamaOptions:
    """What was chosen by measurement; see docs/log.md.

    `bits` of the weights: 8 or 4 in blocks, or 16 (f16). Embedding and head have 8 where the layers have 4.
    `precision`: what is computed in, f32 for a CPU, f16 for a GPU; caches and adapters are of this type too.
    """

    bits: Literal[4, 8, 16] = 8
    precision: type = np.float32
    block: int = 64
    accuracy_level: int = 4
    head_accuracy_level: int = 4
    sites: tuple[str, ...] = SITES
    max_positions: int = 8192
    embedding_file: str = "embedding.bin"
    head_file: str = "head.bin"
    layer_files: tuple[str, ...] = field(default=("layers-0.bin", "layers-1.bin", "layers-2.bin"))


def head_size(config: LlamaConfig | Qwen2Config) -> int:
    """Width of an attention head; Qwen2's configuration doesn't say it."""
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def site_shapes(config: LlamaConfig | Qwen2Config) -> dict[str, tuple[int, int]]:
    """(inputs, outputs) of each place where an adapter can be added."""
    hidden, inner = config.hidden_size, config.intermediate_size
    qkv = (config.num_attention_heads + 2 * config.num_key_value_heads) * head_size(config)
    return {
        "qkv": (hidden, qkv),
        "o": (config.num_attention_heads * head_size(config), hidden),
        "gate_up": (hidden, 2 * inner),
        "down": (inner, hidden),
    }


def rotary_tables(graph: Graph, head_dim: int, theta: float, positions: int) -> tuple[str, str]:
    """Cosines and sines of each position, [positions, head_dim / 2].

    Computed when the session is made (constant folding, in f64), which keeps 2 MB out of the files.
    """
    frequencies = theta ** -(np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
    count, zero, one = (
        graph.constant(name, np.array(value, np.int64))
        for name, value in (("rotary_positions", positions), ("zero", 0), ("one", 1))
    )
    index = graph.node("Cast", [graph.node("Range", [zero, count, one], "rotary_index")], "rotary_index.f64", to=11)
    column = graph.node("Unsqueeze", [index, graph.integers(1)], "rotary_column")
    angles = graph.node("Mul", [column, graph.constant("rotary_frequencies", frequencies)], "rotary_angles")
    return (
        graph.cast(graph.node("Cos", [angles], "rotary_cosines.f64"), "rotary_cosines", graph.precision),
        graph.cast(graph.node("Sin", [angles], "rotary_sines.f64"), "rotary_sines", graph.precision),
    )


class LlamaDecoder:
    """Builds the graph; `graph` and `files` are ready to be saved afterwards."""

    def __init__(
        self,
        config: LlamaConfig | Qwen2Config,
        weights: Mapping[str, Tensor],
        options: LlamaOptions = LlamaOptions(),
        cache_scales: Mapping[str, np.ndarray] | None = None,
        smoothing: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """`weights`: by transformers' names ("model.layers.0...", "lm_head.weight"), read when the files are saved.

        `cache_scales`: by "key_0", "value_0", ..., [kv heads, head_dim] f32 (calibrate.py); None keeps the precision.
        `smoothing`: by "layer_0.qkv", ..., [inputs] f32 (calibrate.py): these maps multiply in 8 bits by a scale a
        column, for CPUs. The files of weights are the same; what `rounded` describes is made of them.
        """
        self.config = config
        self.options = options
        self.head_dim = head_size(config)
        self.cache_scales = cache_scales
        self.smoothing = smoothing or {}
        self.rounded = RoundedWeights()
        self.cache_type = options.precision if cache_scales is None else np.int8
        self.weights = weights
        self.shapes = site_shapes(config)
        self.graph = Graph("llama_decoder", options.precision)
        self.inputs: dict[str, str] = {}
        """The value in the graph that each map reads, [rows, inputs], by "layer_0.qkv", ..."""
        # The host reads embedding rows from this file itself: values first, scales right behind them.
        self.embedding = ExternalFile(options.embedding_file, alignment=1)
        self.layers = [ExternalFile(name) for name in options.layer_files]
        self.files = [self.embedding, *self.layers]
        if not config.tie_word_embeddings:
            self.head = ExternalFile(options.head_file)
            self.files.append(self.head)
        if self.smoothing:
            self.files.append(self.rounded.smoothing)
        self._build()

    def _build(self) -> None:
        graph, hidden = self.graph, self.config.hidden_size
        # Stored first, so that the file's layout does not depend on the order of the nodes.
        self._embedding_rows()

        embeds = graph.input("inputs_embeds", np.float32, ["batch", "sequence", hidden])
        graph.input("seqlens_k", np.int32, ["batch"])
        graph.input("total_sequence_length", np.int32, [])
        graph.input("logits_positions", np.int64, ["rows"])
        # Everything but attention works on [batch * sequence, ...]: low-rank additions are then one Gemm.
        leading = graph.node("Shape", [embeds], "leading_dimensions", start=0, end=2)
        width = graph.integers(self.shapes["qkv"][1])
        graph.node("Concat", [leading, width], "packed_shape", axis=0)
        stream = graph.node("Reshape", [embeds, graph.integers(-1, hidden)], "hidden_in")
        if graph.precision != np.float32:
            stream = graph.cast(stream, "hidden_in.cast", graph.precision)
        self.rotary = rotary_tables(
            graph, self.head_dim, self.config.rope_parameters["rope_theta"], self.options.max_positions
        )

        branch = None
        for layer in range(self.config.num_hidden_layers):
            stream, branch = self._layer(layer, stream, branch)
        final = self._norm("final_norm", "model.norm.weight", stream, branch)[0]
        self._logits(final)
        graph.output("logits", np.float32, ["rows", self.config.vocab_size])
        for layer in range(self.config.num_hidden_layers):
            for kind in ("key", "value"):
                graph.output(f"present_{kind}_{layer}", self.cache_type, self._cache_shape("total"))

    def _embedding_rows(self) -> None:
        """What the host reads: rows in 8 bits with their scales, or in 16. A tied head reads them too."""
        table = self.weights["model.embed_tokens.weight"]
        if self.options.bits == 16:
            self.embedding.append("logits.weight.f16", table.weight(np.float16))
            return
        rows = QuantizedWeight(table, self.options.block)
        self.embedding.append("logits.weight", rows.values)
        self.embedding.append("logits.scales", rows.scales)

    def _logits(self, source: str) -> None:
        graph, is_tied = self.graph, self.config.tie_word_embeddings
        name = "logits" if graph.precision == np.float32 else "logits.narrow"
        file = self.embedding if is_tied else self.head
        table = self.weights["model.embed_tokens.weight" if is_tied else "lm_head.weight"]
        if self.options.bits == 16:
            matrix = half_stored(graph, "logits.weight", table.weight(np.float32), file)
            graph.node("Gemm", [source, matrix], name, transB=1)
        else:
            level = self.options.head_accuracy_level
            matrix = QuantizedWeight(table, self.options.block)
            quantized_linear(graph, name, source, matrix, file, accuracy_level=level, half_scales=not is_tied)
        if name != "logits":
            graph.cast(name, "logits", np.float32)

    def _cache_shape(self, length: str) -> list[int | str]:
        return ["batch", self.config.num_key_value_heads, length, self.head_dim]

    def _file(self, layer: int) -> ExternalFile:
        return self.layers[layer * len(self.layers) // self.config.num_hidden_layers]

    def _norm(self, name: str, weight: str, stream: str, branch: str | None) -> tuple[str, str]:
        """(normalized, residual stream) after adding `branch` to `stream`."""
        gamma = self._vector(f"{name}.gamma", [weight], self.layers[0])
        epsilon = self.config.rms_norm_eps
        if branch is None:
            out = self.graph.node(
                "SimplifiedLayerNormalization", [stream, gamma], name, axis=-1, epsilon=epsilon, stash_type=1
            )
            return out, stream
        residual = f"{name}.residual"
        out = self.graph.node(
            "SkipSimplifiedLayerNormalization",
            [stream, branch, gamma],
            [name, "", "", residual],
            MICROSOFT,
            epsilon=epsilon,
        )
        return out, residual

    def _vector(self, name: str, weights: list[str], file: ExternalFile) -> str:
        tensor = stacked([self.weights[weight] for weight in weights])
        return self.graph.constant(name, tensor.weight(self.graph.precision), file)

    def _projection(self, layer: int, site: str, source: str) -> str:
        """A fused projection, with its bias and its low-rank addition where it has them."""
        graph, options, file, name = self.graph, self.options, self._file(layer), f"layer_{layer}.{site}"
        adapted = site in options.sites
        base = f"{name}.base" if adapted else name
        modules = [f"model.layers.{layer}.{module}" for module in SITE_MODULES[site]]
        weight = stacked([self.weights[f"{module}.weight"] for module in modules])
        # Only projections that all of a site's modules have one for: Qwen2's queries, keys and values.
        biases = [f"{module}.bias" for module in modules if f"{module}.bias" in self.weights]
        bias = [self._vector(f"{name}.bias", biases, file)] if biases else []
        if options.bits == 16:
            matrix = half_stored(graph, f"{name}.weight", weight.weight(np.float32), file)
            graph.node("Gemm", [source, matrix, *bias], base, transB=1)
        else:
            product = f"{base}.product" if bias else base
            matrix = QuantizedWeight(weight, options.block, options.bits)
            if name in self.smoothing:
                smoothing, *stored = self.rounded.add(graph, product, matrix, file, self.smoothing[name])
                # Past the last attention there may be no position that is asked for.
                some_rows = layer < self.config.num_hidden_layers - 1 or site == "qkv"
                rounded_product(graph, product, rounded_by_row(graph, source, smoothing, some_rows), *stored)
            else:
                quantized_linear(graph, product, source, matrix, file, accuracy_level=options.accuracy_level)
            if bias:
                graph.node("Add", [f"{base}.product", *bias], base)
        self.inputs[name] = source
        if not adapted:
            return base
        inputs, outputs = self.shapes[site]
        a = graph.input(f"lora_{layer}_{site}_a", options.precision, [inputs, f"rank_{layer}_{site}"])
        b = graph.input(f"lora_{layer}_{site}_b", options.precision, [f"rank_{layer}_{site}", outputs])
        return low_rank_addition(graph, name, source, base, a, b)

    def _attention(self, layer: int, packed: str) -> str:
        """Appends to the cache and attends to it: packed queries, keys, values to [batch, sequence, heads * size]."""
        graph, config, sides = self.graph, self.config, ("key", "value")
        past = [graph.input(f"past_{side}_{layer}", self.cache_type, self._cache_shape("max")) for side in sides]
        inputs = [packed, "", "", *past, "seqlens_k", "total_sequence_length", *self.rotary]
        attributes: dict[str, object] = {}
        if self.cache_scales is not None:
            # Behind the optional position ids, attention bias and head sink.
            inputs += ["", "", ""]
            for side in sides:
                scales = self.cache_scales[f"{side}_{layer}"].astype(np.float32)[None, :, None]
                inputs.append(graph.constant(f"{side}_{layer}.scales", scales))
            attributes = {"k_quant_type": "PER_CHANNEL", "v_quant_type": "PER_CHANNEL", "kv_cache_bit_width": 8}
        return graph.node(
            "GroupQueryAttention",
            inputs,
            [f"layer_{layer}.attended", f"present_key_{layer}", f"present_value_{layer}"],
            MICROSOFT,
            num_heads=config.num_attention_heads,
            kv_num_heads=config.num_key_value_heads,
            do_rotary=1,
            rotary_interleaved=0,
            **attributes,
        )

    def _layer(self, layer: int, stream: str, branch: str | None) -> tuple[str, str]:
        graph, config, name = self.graph, self.config, f"layer_{layer}"
        torch_name = f"model.layers.{layer}"
        normed, stream = self._norm(f"{name}.attention_norm", f"{torch_name}.input_layernorm.weight", stream, branch)
        packed = self._projection(layer, "qkv", normed)
        packed = graph.node("Reshape", [packed, "packed_shape"], f"{name}.packed")
        attended = self._attention(layer, packed)
        attended = graph.node("Reshape", [attended, graph.integers(-1, self.shapes["o"][0])], f"{name}.rows")
        if layer == config.num_hidden_layers - 1:
            # Past the last attention only the positions that are asked for go on.
            attended = graph.node("Gather", [attended, "logits_positions"], f"{name}.asked", axis=0)
            stream = graph.node("Gather", [stream, "logits_positions"], f"{name}.asked_stream", axis=0)
        out = self._projection(layer, "o", attended)
        normed, stream = self._norm(
            f"{name}.feed_forward_norm", f"{torch_name}.post_attention_layernorm.weight", stream, out
        )
        both = self._projection(layer, "gate_up", normed)
        gate, up = f"{name}.gate", f"{name}.up"
        graph.node("Split", [both], [gate, up], axis=-1, num_outputs=2)
        gate = graph.node("QuickGelu", [gate], f"{name}.silu", MICROSOFT, alpha=1.0)
        inner = graph.node("Mul", [gate, up], f"{name}.inner")
        return stream, self._projection(layer, "down", inner)
