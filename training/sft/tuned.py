"""The tuned model of one state: base, adapter and projector, ready to be asked."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from training.acoustic.projector import Projector
from training.sft.model import HIDDEN, Adapter, Llm
from training.sft.prompts import Prompt, Window, embed


class Tuned:
    """What `training.sft.train` or `training.dpo.train` has saved, over the base `llm` and where that is."""

    def __init__(self, state: Path, llm: Llm) -> None:
        saved = torch.load(state, map_location="cpu", weights_only=True)
        self.llm = llm
        self.adapter = Adapter()
        self.adapter.load_state_dict(saved["adapter"])
        self.adapter.to(llm.device)
        self.projector = Projector.restored(saved["projector"]).to(llm.device)
        self.projector.requires_grad_(False)

    def embedded(self, prompt: Prompt, answer: list[int]) -> Tensor:
        """Prompt and answer as embeddings [n, 576]."""
        features = [part.acoustic for part in prompt.segments if isinstance(part, Window)]
        acoustic = torch.zeros(0, HIDDEN, device=self.llm.device)
        if features:
            acoustic = self.projector(torch.cat(features).to(self.llm.device))
        whole = Prompt(prompt.segments, answer)
        return embed(whole, self.llm.embedding, self.adapter.markers, acoustic, with_answer=True)
