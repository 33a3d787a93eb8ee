"""SmolLM2 (Llama architecture) as one ONNX graph: embeddings in, logits of chosen positions out.

Keys and values live in buffers that the caller owns: bound to `past_*` and `present_*` alike they are appended
to in place, in 32 bits or, given scales, in 8. Low-rank adapters are inputs, so one session serves every checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from transformers import LlamaForCausalLM

from training.export.graph import MICROSOFT, ExternalFile, Graph
from training.export.layers import low_rank_addition, quantized_linear
from training.export.quantize import quantize

SITES = ("qkv", "o", "gate_up", "down")


@dataclass(frozen=True)
class LlamaOptions:
    """What was chosen by measurement; see docs/log.md."""

    block: int = 64
    accuracy_level: int = 4
    head_accuracy_level: int = 4
    sites: tuple[str, ...] = SITES
    max_positions: int = 8192
    embedding_file: str = "embedding.bin"
    layer_files: tuple[str, ...] = field(default=("layers-0.bin", "layers-1.bin", "layers-2.bin"))


def site_shapes(model: LlamaForCausalLM) -> dict[str, tuple[int, int]]:
    """(inputs, outputs) of each place where an adapter can be added."""
    config = model.config
    hidden, inner = config.hidden_size, config.intermediate_size
    qkv = (config.num_attention_heads + 2 * config.num_key_value_heads) * config.head_dim
    return {
        "qkv": (hidden, qkv),
        "o": (config.num_attention_heads * config.head_dim, hidden),
        "gate_up": (hidden, 2 * inner),
        "down": (inner, hidden),
    }


def rotary_tables(graph: Graph, head_dim: int, theta: float, positions: int) -> tuple[str, str]:
    """Cosines and sines of each position, [positions, head_dim / 2] f32.

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
        graph.node("Cast", [graph.node("Cos", [angles], "rotary_cosines.f64")], "rotary_cosines", to=1),
        graph.node("Cast", [graph.node("Sin", [angles], "rotary_sines.f64")], "rotary_sines", to=1),
    )


class LlamaDecoder:
    """Builds the graph; `graph` and `files` are ready to be saved afterwards."""

    def __init__(
        self,
        model: LlamaForCausalLM,
        options: LlamaOptions = LlamaOptions(),
        cache_scales: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """`cache_scales`: by "key_0", "value_0", ..., [kv heads, head_dim] f32 (kv_cache.py); None keeps f32."""
        self.config = model.config
        self.options = options
        self.cache_scales = cache_scales
        self.cache_type = np.float32 if cache_scales is None else np.int8
        self.weights = {name: value.numpy() for name, value in model.state_dict().items()}
        self.shapes = site_shapes(model)
        self.graph = Graph("llama_decoder")
        # The host reads embedding rows from this file itself: values first, scales right behind them.
        self.embedding = ExternalFile(options.embedding_file, alignment=1)
        self.layers = [ExternalFile(name) for name in options.layer_files]
        self.files = [self.embedding, *self.layers]
        self._build()

    def _build(self) -> None:
        graph, hidden = self.graph, self.config.hidden_size
        # Stored first, so that the file's layout does not depend on the order of the nodes.
        head = quantize(self.weights["model.embed_tokens.weight"], self.options.block)
        self.embedding.append("logits.weight", head.values.tobytes())
        self.embedding.append("logits.scales", head.scales.tobytes())

        embeds = graph.input("inputs_embeds", np.float32, ["batch", "sequence", hidden])
        graph.input("seqlens_k", np.int32, ["batch"])
        graph.input("total_sequence_length", np.int32, [])
        graph.input("logits_positions", np.int64, ["rows"])
        # Everything but attention works on [batch * sequence, ...]: low-rank additions are then one Gemm.
        leading = graph.node("Shape", [embeds], "leading_dimensions", start=0, end=2)
        width = graph.integers(self.shapes["qkv"][1])
        graph.node("Concat", [leading, width], "packed_shape", axis=0)
        stream = graph.node("Reshape", [embeds, graph.integers(-1, hidden)], "hidden_in")
        self.rotary = rotary_tables(
            graph, self.config.head_dim, self.config.rope_parameters["rope_theta"], self.options.max_positions
        )

        branch = None
        for layer in range(self.config.num_hidden_layers):
            stream, branch = self._layer(layer, stream, branch)
        final = self._norm("final_norm", "model.norm.weight", stream, branch)[0]
        level = self.options.head_accuracy_level
        quantized_linear(graph, "logits", final, head, self.embedding, accuracy_level=level, half_scales=False)
        graph.output("logits", np.float32, ["rows", self.config.vocab_size])
        for layer in range(self.config.num_hidden_layers):
            for kind in ("key", "value"):
                graph.output(f"present_{kind}_{layer}", self.cache_type, self._cache_shape("total"))

    def _cache_shape(self, length: str) -> list[int | str]:
        return ["batch", self.config.num_key_value_heads, length, self.config.head_dim]

    def _file(self, layer: int) -> ExternalFile:
        return self.layers[layer * len(self.layers) // self.config.num_hidden_layers]

    def _norm(self, name: str, weight: str, stream: str, branch: str | None) -> tuple[str, str]:
        """(normalized, residual stream) after adding `branch` to `stream`."""
        gamma = self.graph.constant(f"{name}.gamma", self.weights[weight], self.layers[0])
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

    def _projection(self, layer: int, site: str, source: str, modules: list[str]) -> str:
        """A fused 8-bit projection with its low-rank addition where the site has one."""
        name = f"layer_{layer}.{site}"
        weight = np.concatenate([self.weights[f"model.layers.{layer}.{m}.weight"] for m in modules])
        options = self.options
        adapted = site in options.sites
        base = quantized_linear(
            self.graph,
            f"{name}.base" if adapted else name,
            source,
            weight,
            self._file(layer),
            block=options.block,
            accuracy_level=options.accuracy_level,
        )
        if not adapted:
            return base
        inputs, outputs = self.shapes[site]
        a = self.graph.input(f"lora_{layer}_{site}_a", np.float32, [inputs, f"rank_{layer}_{site}"])
        b = self.graph.input(f"lora_{layer}_{site}_b", np.float32, [f"rank_{layer}_{site}", outputs])
        return low_rank_addition(self.graph, name, source, base, a, b)

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
        packed = self._projection(layer, "qkv", normed, [f"self_attn.{p}_proj" for p in "qkv"])
        packed = graph.node("Reshape", [packed, "packed_shape"], f"{name}.packed")
        attended = self._attention(layer, packed)
        attended = graph.node("Reshape", [attended, graph.integers(-1, self.shapes["o"][0])], f"{name}.rows")
        if layer == config.num_hidden_layers - 1:
            # Past the last attention only the positions that are asked for go on.
            attended = graph.node("Gather", [attended, "logits_positions"], f"{name}.asked", axis=0)
            stream = graph.node("Gather", [stream, "logits_positions"], f"{name}.asked_stream", axis=0)
        out = self._projection(layer, "o", attended, ["self_attn.o_proj"])
        normed, stream = self._norm(
            f"{name}.feed_forward_norm", f"{torch_name}.post_attention_layernorm.weight", stream, out
        )
        both = self._projection(layer, "gate_up", normed, ["mlp.gate_proj", "mlp.up_proj"])
        gate, up = f"{name}.gate", f"{name}.up"
        graph.node("Split", [both], [gate, up], axis=-1, num_outputs=2)
        gate = graph.node("QuickGelu", [gate], f"{name}.silu", MICROSOFT, alpha=1.0)
        inner = graph.node("Mul", [gate, up], f"{name}.inner")
        return stream, self._projection(layer, "down", inner, ["mlp.down_proj"])
