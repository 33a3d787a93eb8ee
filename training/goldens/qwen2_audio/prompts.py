"""Conversations as transformers' processor of Qwen2-Audio prepares them."""

from __future__ import annotations

from pathlib import Path

from transformers import AutoProcessor, BatchFeature

from training.goldens.audio import SAMPLE_RATE_HZ
from training.goldens.qwen2_audio.cases import clips


class Prompts:
    """The processor of a checkpoint, and the audios that the conversations name."""

    def __init__(self, checkpoint: Path) -> None:
        self.processor = AutoProcessor.from_pretrained(checkpoint)
        self.processor.tokenizer.padding_side = "left"
        self.clips = clips()

    def inputs(self, *conversations: list[dict]) -> BatchFeature:
        """What the model is given for several conversations at once."""
        render = self.processor.apply_chat_template
        texts = [render(messages, add_generation_prompt=True, tokenize=False) for messages in conversations]
        parts = [part for messages in conversations for message in messages for part in message["content"]]
        audios = [self.clips[part["audio"]] for part in parts if part["type"] == "audio"]
        heard = {"audio": audios, "sampling_rate": SAMPLE_RATE_HZ} if audios else {}
        return self.processor(text=texts, return_tensors="pt", padding=True, **heard)
