"""The vocabulary bridge: what Whisper's decoder believes, as soft tokens in the LLM's embedding space.

Both vocabularies are byte-level BPE, so the same piece string is the same text: 36,961 pieces are shared. A step of
Whisper's decoder becomes the weighted sum of the LLM's embeddings of its likeliest shared pieces. Where the likeliest
piece isn't shared, the LLM's own pieces of its text stand in its place.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor

from training.hearing.whisper import END_OF_TEXT, Heard

ALTERNATIVES = 8


class Bridge:
    """Maps Whisper's pieces to the LLM's."""

    def __init__(self, whisper: Tokenizer, llm: Tokenizer) -> None:
        self.whisper, self.llm = whisper, llm
        known = llm.get_vocab(with_added_tokens=False)
        self.shared = torch.full((END_OF_TEXT,), -1, dtype=torch.long)
        for piece, index in whisper.get_vocab(with_added_tokens=False).items():
            if index < END_OF_TEXT and piece in known:
                self.shared[index] = known[piece]

    def soft(self, heard: Heard) -> tuple[Tensor, Tensor]:
        """Speech tokens of what was heard: LLM ids [m, 8] and weights [m, 8] whose rows sum to one."""
        rows: list[tuple[Tensor, Tensor]] = []
        for piece, ids, probabilities in zip(heard.ids, heard.top_ids, heard.top_probabilities, strict=True):
            if int(self.shared[piece]) < 0:
                rows += [self._hard(index) for index in self._own_pieces(piece)]
                continue
            mapped = self.shared[ids]
            weights = torch.where(mapped >= 0, probabilities.float(), 0.0)
            rows.append((mapped.clamp(min=0), weights / weights.sum()))
        return _stack(rows)

    def simulate(self, text: str, rng: random.Random, confusable: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Speech tokens as if the text had been heard: soft now and then, and sometimes leaning to a wrong piece."""
        rows: list[tuple[Tensor, Tensor]] = []
        blur = rng.choice([0.0, 0.02, 0.05, 0.12])
        for piece in self.whisper.encode(" " + text.strip(), add_special_tokens=False).ids:
            target = int(self.shared[piece])
            if target < 0:
                rows += [self._hard(index) for index in self._own_pieces(piece)]
                continue
            doubt = min(0.6, rng.expovariate(1 / blur)) if blur else 0.0
            others = [rng.choice(confusable) for _ in range(2)]
            ids = torch.tensor([target, *others] + [0] * (ALTERNATIVES - 3))
            weights = torch.tensor([1 - doubt, doubt * 0.7, doubt * 0.3] + [0.0] * (ALTERNATIVES - 3))
            rows.append((ids, weights))
        return _stack(rows)

    def _own_pieces(self, piece: int) -> list[int]:
        return self.llm.encode(self.whisper.decode([piece]), add_special_tokens=False).ids

    def _hard(self, index: int) -> tuple[Tensor, Tensor]:
        ids, weights = torch.zeros(ALTERNATIVES, dtype=torch.long), torch.zeros(ALTERNATIVES)
        ids[0], weights[0] = index, 1.0
        return ids, weights


def _stack(rows: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    if not rows:
        return torch.zeros(0, ALTERNATIVES, dtype=torch.long), torch.zeros(0, ALTERNATIVES)
    return torch.stack([ids for ids, _ in rows]), torch.stack([weights for _, weights in rows])
