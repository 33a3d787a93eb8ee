"""Keys and values of Qwen2-Audio in 8 bits: how far each channel reaches is measured on conversations about sounds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from training.data.texts import reading, training_sentences
from training.export.calibrate import scales_of
from training.export.qwen2_audio.runner import Qwen2AudioRunner
from training.export.sessions import CachedDecoder
from training.goldens.qwen2_audio.cases import CONVERSATIONS, said, text
from training.goldens.qwen2_audio.prompts import Prompts

TEXTS, TEXT_WORDS = 8, 250


def measure_cache(checkpoint: Path, pack: Path, manifest: dict) -> dict[str, np.ndarray]:
    """The scales of `LlamaDecoder`, by a pack whose caches aren't in 8 bits yet."""
    return scales_of(caches(Prompts(checkpoint), Qwen2AudioRunner(pack, manifest)))


def caches(prompts: Prompts, runner: Qwen2AudioRunner) -> Iterator[CachedDecoder]:
    """What is cached of each prompt; always the same ones."""
    rng = random.Random(5)
    texts = [[said("user", text(reading(rng, training_sentences(), TEXT_WORDS)))] for _ in range(TEXTS)]
    for messages in [*CONVERSATIONS.values(), *texts]:
        inputs = prompts.inputs(messages)
        ids, heard = inputs["input_ids"][0].tolist(), []
        if "input_features" in inputs:
            counts = inputs["feature_attention_mask"].sum(-1).tolist()
            heard = runner.hear(list(inputs["input_features"].numpy()), counts)
        decoder = runner.decoder(1, len(ids))
        runner.read(decoder, runner.splice(ids, heard)[None], [])
        yield decoder
