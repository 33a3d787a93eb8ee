"""The whole pocket model in torch: a recording and a text in, an answer out, as the server does it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from training import paths
from training.hearing.listening import Ear, split_windows
from training.sft.model import Llm, generate
from training.sft.prompts import Prompt, Renderer
from training.sft.train import state_path
from training.sft.tuned import Tuned


@dataclass(frozen=True)
class Request:
    """A recording, [n] f32 at 16 kHz (or None), and what is asked about it ("" is voice chat)."""

    samples: np.ndarray | None
    text: str


class Chat(Tuned):
    """The tuned model and the ear before it."""

    def __init__(self, dtype: torch.dtype | None = None, state: Path | None = None) -> None:
        super().__init__(state or state_path(), Llm(paths.smollm2_base(), dtype))
        self.tokenizer = Tokenizer.from_file(str(paths.smollm2_base() / "tokenizer.json"))
        self.renderer = Renderer(self.tokenizer)
        self.ear = Ear()
        self.transcripts: list[str] = []

    @torch.no_grad()
    def answer(self, requests: list[Request], max_tokens: int = 64, batch: int = 12, base: bool = False) -> list[str]:
        """Greedy answers; with `base` the adapter is left out. What was heard is left in `transcripts`."""
        prompts = [self._prompt(request) for request in requests]
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        answers = [""] * len(prompts)
        for first in range(0, len(order), batch):
            rows = order[first : first + batch]
            embedded = [self.embedded(prompts[row], []) for row in rows]
            adapter = None if base else self.adapter
            for row, ids in zip(rows, generate(self.llm, embedded, adapter, max_tokens), strict=True):
                answers[row] = self.tokenizer.decode(ids).strip()
        return answers

    def _prompt(self, request: Request) -> Prompt:
        if request.samples is None:
            return self.renderer.turns([([request.text], "")])
        heard = [item for part in split_windows(request.samples) for item in self.ear.windows([part])]
        self.transcripts.append(" ".join(item.transcript for item in heard).strip())
        parts: list = [[item.window for item in heard]]
        return self.renderer.turns([([*parts, request.text] if request.text else parts, "")])
