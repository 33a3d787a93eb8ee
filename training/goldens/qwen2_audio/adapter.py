"""A random low-rank adapter of the tiny model, saved by PEFT as a training would save it."""

from __future__ import annotations

from pathlib import Path

import peft
import torch
from transformers import Qwen2AudioForConditionalGeneration

SITES = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


@torch.no_grad()
def adapt(model: Qwen2AudioForConditionalGeneration, folder: Path, seed: int = 3) -> None:
    """Adapts the model in place, so that it answers otherwise, and saves the adapter into `folder`."""
    torch.manual_seed(seed)
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=4, lora_alpha=8, target_modules=SITES)).eval()
    for name, weight in adapted.named_parameters():
        if "lora_" in name:
            # Numbers that 16 bits hold, so that nothing but the order of sums differs.
            weight.copy_((torch.randn_like(weight) * 0.2).half().float())
    adapted.save_pretrained(folder)
