"""Goldens of the language model: the logits of the first answered token, torch f32 against the exported graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from training.export.llama_decoder import SITE_MODULES
from training.export.sessions import PackRunner
from training.goldens.files import write_json
from training.goldens.hearing import HeardClip
from training.goldens.prompts import AUDIO, AUDIO_END, AUDIO_SPEECH, AUDIO_START, audio, render, text, user

TOP = 20
TOLERANCE = {"logit": 1.5, "top_1_equal": True}
MARKERS = {AUDIO_START: "audio_bos", AUDIO_SPEECH: "audio_speech", AUDIO_END: "audio_eos"}


@torch.no_grad()
def merge_adapter(model: LlamaForCausalLM, adapter: dict[str, np.ndarray], sites: list[str]) -> None:
    """Adds a checkpoint's low-rank matrices to the weights: W += (a b)^T, fused sites row by row."""
    for index, layer in enumerate(model.model.layers):
        for site in sites:
            a, b = adapter[f"lora_{index}_{site}_a"], adapter[f"lora_{index}_{site}_b"]
            change, row = torch.from_numpy((a @ b).T.copy()), 0
            for name in SITE_MODULES[site]:
                weight = layer.get_submodule(name).weight
                weight += change[row : row + len(weight)]
                row += len(weight)


def splice(table: np.ndarray, adapter: dict[str, np.ndarray], ids: list[int], heard: np.ndarray) -> np.ndarray:
    """The prompt's embeddings [length, hidden] f32: rows of `table`, those of `heard` at the placeholders, and the
    adapter's markers."""
    rows = iter(heard)
    embed = {
        **{marker: lambda name=name: adapter[name] for marker, name in MARKERS.items()},
        AUDIO: lambda: next(rows),
    }
    return np.stack([embed[i]() if i in embed else table[i] for i in ids]).astype(np.float32)


@torch.no_grad()
def write_language(folder: Path, packs: Path, model: LlamaForCausalLM, runner: PackRunner, clip: HeardClip) -> None:
    """Writes logits-text.json and logits-spliced.json: ids of the prompt, the 20 best ids and their logits."""
    sites = [site["name"] for site in runner.pocket["language_model"]["adapter_sites"]]
    merge_adapter(model, runner.adapter, sites)
    tokenizer = Tokenizer.from_file(str(packs / "pocket" / "tokenizer.json"))
    spliced = user(audio((len(clip.acoustic), len(clip.speech))), text("Transcribe the audio."))
    prompts = {"text": user(text("What is the capital of France?")), "spliced": spliced}
    for name, message in prompts.items():
        ids = render(tokenizer, [message])
        embeddings = splice(runner.table, runner.adapter, ids, np.concatenate([clip.acoustic, clip.speech]))
        # The reference's own embedding rows are unrounded; the bridge and the projector are the pack's.
        reference_rows = torch.from_numpy(embeddings)
        plain = torch.tensor([i < model.config.vocab_size for i in ids])
        reference_rows[plain] = model.get_input_embeddings()(torch.tensor(ids)[plain])
        logits = model(inputs_embeds=reference_rows[None]).logits[0, -1].numpy()
        ours = runner.next_logits(embeddings)
        top = np.argsort(-logits)[:TOP]
        content = {
            "reference": "LlamaForCausalLM in torch, f32, default checkpoint merged",
            "checkpoint": runner.pocket["default_checkpoint"],
            "tolerance": TOLERANCE,
            "measured": {
                "logit": float(np.abs(ours[top] - logits[top]).max()),
                "top_1_equal": bool(ours.argmax() == logits.argmax()),
            },
            "message": message,
            "acoustic": "hearing-speech.acoustic.f32" if name == "spliced" else None,
            "speech": "hearing-speech.speech.f32" if name == "spliced" else None,
            "ids": ids,
            "top_ids": top.tolist(),
            "top_logits": [round(float(value), 4) for value in logits[top]],
        }
        write_json(folder, f"logits-{name}", content)
        print(f"logits of {name}: first token {tokenizer.decode([int(top[0])])!r}", content["measured"])
