"""Whisper on only the real frames, batched: encoder, decoder and greedy decoding with posteriors.

Written over the weights of transformers' WhisperForConditionalGeneration because its own modules neither take
fewer than 3,000 frames nor mask padding in a batch. Source: the Whisper paper (Radford et al., 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import WhisperForConditionalGeneration

START_OF_TRANSCRIPT = 50257
NO_SPEECH = 50361
NO_TIMESTAMPS = 50362
END_OF_TEXT = 50256
FIRST_SPECIAL = 50257
PROMPT = (START_OF_TRANSCRIPT, NO_TIMESTAMPS)
HEADS = 6


@dataclass(frozen=True)
class Heard:
    """What greedy decoding heard in one window.

    `ids` [m] are Whisper's pieces; `top_ids` and `top_probabilities` [m, k] the posterior of each step over plain
    pieces; `no_speech` is the probability of the no-speech token at the first step; `mean_log_probability` is over
    the pieces and the end of text.
    """

    ids: list[int]
    top_ids: Tensor
    top_probabilities: Tensor
    no_speech: float
    mean_log_probability: float


class Encoded(NamedTuple):
    """What the encoder makes of a batch of mels.

    `states` [batch, positions, 384] of the last layer, which the decoder attends to; `features` of the same shape, half
    way up, which the acoustic projector reads; `kept` [batch, positions] bool, the mask of real positions.
    """

    states: Tensor
    features: Tensor
    kept: Tensor


def _attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, causal: bool = False) -> Tensor:
    """[batch, n, width] with keys and values already split in heads [batch, heads, m, 64]."""
    batch, length, width = queries.shape
    split = queries.view(batch, length, HEADS, width // HEADS).transpose(1, 2)
    mixed = F.scaled_dot_product_attention(split, keys, values, attn_mask=mask, is_causal=causal)
    return mixed.transpose(1, 2).reshape(batch, length, width)


def _heads(states: Tensor) -> Tensor:
    batch, length, width = states.shape
    return states.view(batch, length, HEADS, width // HEADS).transpose(1, 2)


def batch_mels(mels: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Pad mels [80, frames_i] to [batch, 80, frames] with zeros; also the frame counts [batch]."""
    counts = torch.tensor([mel.shape[1] for mel in mels])
    padded = torch.zeros(len(mels), mels[0].shape[0], int(counts.max()))
    for row, mel in enumerate(mels):
        padded[row, :, : mel.shape[1]] = mel
    return padded, counts


def encode(model: WhisperForConditionalGeneration, mel: Tensor, counts: Tensor) -> Encoded:
    """Encoder states of the real frames, two a position.

    `mel` [batch, 80, frames], `counts` [batch] real frames (even), both where the model is. A row's states don't depend
    on the others' lengths.
    """
    encoder = model.model.encoder
    frames = mel.shape[-1]
    real = torch.arange(frames, device=mel.device) < counts[:, None]
    hidden = F.gelu(encoder.conv1(mel)) * real[:, None]  # conv2 must see zeros past the end, as it does alone
    hidden = F.gelu(encoder.conv2(hidden)).transpose(1, 2)
    hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
    kept = real[:, ::2]
    mask = None if bool(kept.all()) else kept[:, None, None, :]
    for index, layer in enumerate(encoder.layers):
        if index == len(encoder.layers) // 2:
            features = hidden
        normed = layer.self_attn_layer_norm(hidden)
        attention = layer.self_attn
        mixed = _attention(
            attention.q_proj(normed), _heads(attention.k_proj(normed)), _heads(attention.v_proj(normed)), mask
        )
        hidden = hidden + attention.out_proj(mixed)
        hidden = hidden + layer.fc2(F.gelu(layer.fc1(layer.final_layer_norm(hidden))))
    return Encoded(encoder.layer_norm(hidden), features, kept)


class Decoder:
    """Whisper's text decoder over one batch of encoder states, with a growing cache of keys and values."""

    def __init__(self, model: WhisperForConditionalGeneration, encoded: Encoded) -> None:
        states, kept = encoded.states, encoded.kept
        self._decoder = model.model.decoder
        self._mask = None if bool(kept.all()) else kept[:, None, None, :]
        self._cross = [
            (_heads(layer.encoder_attn.k_proj(states)), _heads(layer.encoder_attn.v_proj(states)))
            for layer in self._decoder.layers
        ]
        self._past: list[tuple[Tensor, Tensor]] = []
        self._length = 0

    def __call__(self, ids: Tensor) -> Tensor:
        """The last layer's states [batch, n, 384] of the next ids [batch, n]."""
        decoder = self._decoder
        start, length = self._length, ids.shape[1]
        hidden = decoder.embed_tokens(ids) + decoder.embed_positions.weight[start : start + length]
        present: list[tuple[Tensor, Tensor]] = []
        for index, layer in enumerate(decoder.layers):
            attention = layer.self_attn
            normed = layer.self_attn_layer_norm(hidden)
            keys, values = _heads(attention.k_proj(normed)), _heads(attention.v_proj(normed))
            if self._past:
                keys = torch.cat((self._past[index][0], keys), 2)
                values = torch.cat((self._past[index][1], values), 2)
            present.append((keys, values))
            # The first call holds many positions, the later ones a single position that may see everything.
            mixed = _attention(attention.q_proj(normed), keys, values, None, causal=start == 0 and length > 1)
            hidden = hidden + attention.out_proj(mixed)
            crossed = layer.encoder_attn
            mixed = _attention(crossed.q_proj(layer.encoder_attn_layer_norm(hidden)), *self._cross[index], self._mask)
            hidden = hidden + crossed.out_proj(mixed)
            hidden = hidden + layer.fc2(F.gelu(layer.fc1(layer.final_layer_norm(hidden))))
        self._past, self._length = present, start + length
        return decoder.layer_norm(hidden)


@torch.no_grad()
def listen(
    model: WhisperForConditionalGeneration,
    encoded: Encoded,
    max_tokens: int = 224,
    alternatives: int = 8,
) -> list[Heard]:
    """Greedy decoding of a batch; each step keeps its `alternatives` best plain pieces."""
    decoder = Decoder(model, encoded)
    batch = encoded.states.shape[0]
    head = model.model.decoder.embed_tokens.weight
    logits = decoder(torch.tensor([PROMPT] * batch, device=encoded.states.device)) @ head.T
    no_speech = logits[:, 0].float().softmax(-1)[:, NO_SPEECH]
    ids: list[list[int]] = [[] for _ in range(batch)]
    tops: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(batch)]
    scores = [0.0] * batch
    done = [False] * batch
    step_logits = logits[:, -1].float()
    for _ in range(max_tokens):
        step_logits[:, FIRST_SPECIAL:] = -torch.inf
        log_probabilities = step_logits.log_softmax(-1)
        best = log_probabilities.argmax(-1)
        values, indices = log_probabilities[:, :END_OF_TEXT].topk(alternatives)
        for row in range(batch):
            if done[row]:
                continue
            token = int(best[row])
            scores[row] += float(log_probabilities[row, token])
            if token == END_OF_TEXT:
                done[row] = True
                continue
            ids[row].append(token)
            tops[row].append((indices[row], values[row].exp()))
        if all(done):
            break
        step_logits = (decoder(best[:, None])[:, -1] @ head.T).float()
    empty = torch.zeros(0, alternatives)
    return [
        Heard(
            ids[row],
            torch.stack([top[0] for top in tops[row]]) if tops[row] else empty.long(),
            torch.stack([top[1] for top in tops[row]]) if tops[row] else empty,
            float(no_speech[row]),
            scores[row] / (len(ids[row]) + int(done[row]) or 1),
        )
        for row in range(batch)
    ]
