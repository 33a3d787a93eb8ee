"""SmolLM2 with a LoRA adapter on fused projections, lean enough to train on a CPU; on a GPU where there is one.

The base is frozen, in bf16 or f32; the adapter is f32. Sites and layout are those of the ONNX export: `qkv`
and `gate_up` are fused, with one A for what is fused; y = W x + (x a) b, the scale folded into b.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import LlamaForCausalLM

from training.device import best_device

LAYERS, HIDDEN, HEADS, KV_HEADS, HEAD, INNER = 30, 576, 9, 3, 64, 1536
SITES = {
    "qkv": (HIDDEN, (HEADS + 2 * KV_HEADS) * HEAD),
    "o": (HIDDEN, HIDDEN),
    "gate_up": (HIDDEN, 2 * INNER),
    "down": (INNER, HIDDEN),
}
MARKERS = ("audio_bos", "audio_speech", "audio_eos")
END = 2
"""<|im_end|>, which ends every turn."""
Cache = list[tuple[Tensor, Tensor]]


def faster_dtype(device: torch.device) -> torch.dtype:
    """bf16 or f32, whichever is multiplied faster there: f32 by half with AVX-512 alone, bf16 with AMX or a GPU."""

    def seconds(dtype: torch.dtype) -> float:
        inputs = torch.ones(1024, HIDDEN, dtype=dtype, device=device)
        weight = torch.ones(2 * INNER, HIDDEN, dtype=dtype, device=device)
        F.linear(inputs, weight).sum().item()
        start = time.perf_counter()
        for _ in range(10):
            product = F.linear(inputs, weight)
        product.sum().item()  # a GPU works on behind the caller: whoever reads a value waits for it
        return time.perf_counter() - start

    return min((torch.bfloat16, torch.float32), key=seconds)


class Adapter(nn.Module):
    """The LoRA matrices of all layers and the embeddings of the three markers."""

    def __init__(self, rank: int = 16, scale: float = 2.0) -> None:
        super().__init__()
        self.scale = scale
        self.a = nn.ParameterDict()
        self.b = nn.ParameterDict()
        for layer in range(LAYERS):
            for site, (inputs, outputs) in SITES.items():
                self.a[f"{layer}_{site}"] = nn.Parameter(torch.randn(inputs, rank) * inputs**-0.5)
                self.b[f"{layer}_{site}"] = nn.Parameter(torch.zeros(rank, outputs))
        self.markers = nn.Parameter(torch.zeros(len(MARKERS), HIDDEN))

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of `adapter.safetensors`: lora_{layer}_{site}_a, _b with the scale, f16, and the markers, f32."""
        named: dict[str, Tensor] = {}
        for key in self.a:
            named[f"lora_{key}_a"] = self.a[key].detach().half().contiguous()
            named[f"lora_{key}_b"] = (self.b[key].detach() * self.scale).half().contiguous()
        for index, marker in enumerate(MARKERS):
            named[marker] = self.markers[index].detach().float().clone()
        return named


class Llm(nn.Module):
    """The frozen base; every call may bring an adapter. Computes in `dtype`, by default the faster one there."""

    def __init__(self, folder: Path, dtype: torch.dtype | None = None, device: torch.device | None = None) -> None:
        super().__init__()
        device = device or best_device()
        dtype = dtype or faster_dtype(device)
        base = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval().to(device)
        self.dtype = dtype
        self.register_buffer("embedding", base.model.embed_tokens.weight.detach().float())
        self.register_buffer("head", base.model.embed_tokens.weight.detach().to(dtype))
        self.weights: list[dict[str, Tensor]] = []
        self.norms: list[tuple[Tensor, Tensor]] = []
        for layer in base.model.layers:
            attention, mlp = layer.self_attn, layer.mlp
            fused = {
                "qkv": (attention.q_proj, attention.k_proj, attention.v_proj),
                "o": (attention.o_proj,),
                "gate_up": (mlp.gate_proj, mlp.up_proj),
                "down": (mlp.down_proj,),
            }
            self.weights.append(
                {site: torch.cat([part.weight.detach() for part in parts]).to(dtype) for site, parts in fused.items()}
            )
            self.norms.append((layer.input_layernorm.weight.detach(), layer.post_attention_layernorm.weight.detach()))
        self.last_norm = base.model.norm.weight.detach()
        frequencies = 100_000.0 ** (-torch.arange(0, HEAD, 2, device=device).float() / HEAD)
        angles = torch.outer(torch.arange(4096, device=device).float(), frequencies)
        self.cosine, self.sine = angles.cos().to(dtype), angles.sin().to(dtype)

    @property
    def device(self) -> torch.device:
        """Where it is: what it reads must be there too."""
        return self.embedding.device

    def forward(
        self,
        embeddings: Tensor,
        adapter: Adapter | None = None,
        past: Cache | None = None,
        positions: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Cache]:
        """Hidden states [batch, n, 576] before the head, and the keys and values of all positions so far.

        `embeddings` [batch, n, 576]. Right-padded rows need no mask. With a `past`, `positions` [batch, n] and `mask`
        [batch, 1, n, total] (additive, or bool) say where rows stand that were left- or right-padded.
        """
        hidden = embeddings.to(self.dtype)
        length = hidden.shape[1]
        if positions is None:
            cosine, sine = self.cosine[:length][None, None], self.sine[:length][None, None]
        else:
            cosine, sine = self.cosine[positions][:, None], self.sine[positions][:, None]
        present: Cache = []
        for index in range(LAYERS):
            normed = _rms(hidden, self.norms[index][0])
            mixed, kept = self._attention(
                self._linear(normed, index, "qkv", adapter), cosine, sine, past[index] if past else None, mask
            )
            present.append(kept)
            hidden = hidden + self._linear(mixed, index, "o", adapter)
            normed = _rms(hidden, self.norms[index][1])
            gate, up = self._linear(normed, index, "gate_up", adapter).split(INNER, -1)
            hidden = hidden + self._linear(F.silu(gate) * up, index, "down", adapter)
        return _rms(hidden, self.last_norm), present

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden states [n, 576] to [n, 49152] f32."""
        return F.linear(hidden, self.head).float()

    def _linear(self, inputs: Tensor, layer: int, site: str, adapter: Adapter | None) -> Tensor:
        outputs = F.linear(inputs, self.weights[layer][site])
        if adapter is None:
            return outputs
        key = f"{layer}_{site}"
        low = inputs @ (adapter.a[key] * adapter.scale).to(self.dtype)
        return outputs + low @ adapter.b[key].to(self.dtype)

    def _attention(
        self, fused: Tensor, cosine: Tensor, sine: Tensor, past: tuple[Tensor, Tensor] | None, mask: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        batch, length, _ = fused.shape
        split = fused.view(batch, length, HEADS + 2 * KV_HEADS, HEAD).transpose(1, 2)
        queries = _rotate(split[:, :HEADS], cosine, sine)
        keys = _rotate(split[:, HEADS : HEADS + KV_HEADS], cosine, sine)
        values = split[:, HEADS + KV_HEADS :]
        if past is not None:
            keys, values = torch.cat((past[0], keys), 2), torch.cat((past[1], values), 2)
        if past is not None and length == 1:
            # One position: the heads of a group are as good as positions, and nothing is copied.
            grouped = queries.reshape(batch, KV_HEADS, HEADS // KV_HEADS, HEAD)
            mixed = F.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask)
            return mixed.reshape(batch, 1, HIDDEN), (keys, values)
        wide_keys = keys.repeat_interleave(HEADS // KV_HEADS, 1)
        wide_values = values.repeat_interleave(HEADS // KV_HEADS, 1)
        causal = mask is None and past is None
        mixed = F.scaled_dot_product_attention(queries, wide_keys, wide_values, attn_mask=mask, is_causal=causal)
        return mixed.transpose(1, 2).reshape(batch, length, HIDDEN), (keys, values)


def _rms(hidden: Tensor, weight: Tensor) -> Tensor:
    wide = hidden.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5) * weight).to(hidden.dtype)


def _rotate(heads: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = heads.chunk(2, -1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), -1)


@torch.no_grad()
def generate(llm: Llm, prompts: list[Tensor], adapter: Adapter | None, max_tokens: int) -> list[list[int]]:
    """The greedy answer to each prompt [n_i, 576], without the end token."""
    return [answers[0] for answers in sample(llm, prompts, adapter, max_tokens, (0.0,))]


@torch.no_grad()
def sample(
    llm: Llm, prompts: list[Tensor], adapter: Adapter | None, max_tokens: int, temperatures: Sequence[float]
) -> list[list[list[int]]]:
    """An answer at each temperature to each prompt [n_i, 576], without the end token; 0 is greedy.

    A prompt is read once for all of its answers, and rows that have ended are left out as soon as they are half of all.
    """
    device = prompts[0].device
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    hidden, past = llm(torch.nn.utils.rnn.pad_sequence(prompts, batch_first=True), adapter)
    copies = len(temperatures)
    first = hidden[torch.arange(len(prompts), device=device), lengths - 1].repeat_interleave(copies, 0)
    past = [(keys.repeat_interleave(copies, 0), values.repeat_interleave(copies, 0)) for keys, values in past]
    lengths = lengths.repeat_interleave(copies)
    heat = torch.tensor(temperatures, device=device).repeat(len(prompts))
    kept = torch.arange(int(lengths.max()), device=device)[None, :] < lengths[:, None]
    rows = torch.arange(len(lengths), device=device)
    answers: list[list[int]] = [[] for _ in rows]
    done = torch.zeros(len(rows), dtype=torch.bool, device=device)
    step = _choose(llm.logits(first), heat)
    for index in range(max_tokens):
        done |= (step == END) | (step == 0)
        for row, token, ended in zip(rows.tolist(), step.tolist(), done.tolist(), strict=True):
            if not ended:
                answers[row].append(token)
        if done.all() or index == max_tokens - 1:
            break
        if 2 * int(done.sum()) >= len(rows):
            going = ~done
            rows, step, heat, lengths, kept = (value[going] for value in (rows, step, heat, lengths, kept))
            past = [(keys[going], values[going]) for keys, values in past]
            done = done[going]
        kept = torch.cat((kept, torch.ones_like(kept[:, :1])), 1)
        positions = (lengths + index)[:, None]
        hidden, past = llm(llm.embedding[step][:, None], adapter, past, positions, kept[:, None, None, :])
        step = _choose(llm.logits(hidden[:, 0]), heat)
    return [answers[start : start + copies] for start in range(0, len(answers), copies)]


def _choose(logits: Tensor, temperatures: Tensor) -> Tensor:
    """The likeliest token of each row, or one drawn where its temperature is not 0."""
    drawn = torch.multinomial((logits / temperatures.clamp(min=1e-3)[:, None]).softmax(-1), 1)[:, 0]
    return torch.where(temperatures == 0.0, logits.argmax(-1), drawn)
