"""Keys and values in 8 bits: `python -m training.export.kv_cache --packs models --smollm2 DIR`.

Measures how far each channel of the keys and values reaches on what the model reads (plain text with the base
model; chats with real sounds, through the default checkpoint's adapter) and writes `decoder.onnx` anew with these
scales; the weights stay as they are. A quarter of the memory, and of the traffic that attention over a long context
waits for; see docs/log.md. Also the last step of `training.export.packs`.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from training.data.texts import reading, training_sentences
from training.export.llama_decoder import LlamaDecoder, LlamaOptions
from training.export.manifest import listed_files, write_manifest
from training.export.sessions import CachedDecoder, PackRunner
from training.export.tensors import in_memory
from training.goldens.audio import log_mel, signals
from training.goldens.language import splice
from training.goldens.prompts import audio, render, text, user

# The furthest value seen is the last level. A margin of a fifth cost more than it saved: docs/log.md.
LEVELS = 127
TEXTS, TEXT_TOKENS = 16, 400
CHATS = 24
QUESTIONS = ("Transcribe the audio.", "What do you hear?", "What is the message about?", "")


def quantize_cache(packs: Path, model: LlamaForCausalLM, options: LlamaOptions = LlamaOptions()) -> None:
    """Measures with caches in 32 bits, then writes the decoder of `packs`/pocket with caches in 8."""
    folder = packs / "pocket"
    manifest, weights = json.loads((folder / "pack.json").read_text()), in_memory(model)
    LlamaDecoder(model.config, weights, options).graph.save(folder, "decoder.onnx")
    scales = measure(packs)
    LlamaDecoder(model.config, weights, options, scales).graph.save(folder, "decoder.onnx")
    manifest["files"] = listed_files(folder, list(manifest["files"]))
    write_manifest(folder, manifest)


def measure(packs: Path) -> dict[str, np.ndarray]:
    """The size of one level by channel: "key_0", "value_0", ... to [kv heads, head_dim] f32."""
    runner = PackRunner(packs)
    return scales_of(runner.read(embeddings, adapter)[1] for embeddings, adapter in prompts(runner, packs))


def scales_of(decoders: Iterable[CachedDecoder]) -> dict[str, np.ndarray]:
    """The size of one level by channel, of what one row of each of these has cached."""
    reach: dict[str, np.ndarray] = {}
    for decoder in decoders:
        for name, cache in decoder.caches.items():
            furthest = np.abs(cache.numpy()[0]).max(axis=1)
            reach[name] = np.maximum(reach.get(name, 0), furthest)
    return {name: (furthest / LEVELS).astype(np.float32) for name, furthest in reach.items()}


def prompts(runner: PackRunner, packs: Path) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Embeddings [length, hidden] f32 with the adapter to read them with; always the same ones."""
    tokenizer = Tokenizer.from_file(str(packs / "pocket" / "tokenizer.json"))
    rng = random.Random(5)
    for _ in range(TEXTS):
        written = tokenizer.encode(reading(rng, training_sentences(), TEXT_TOKENS), add_special_tokens=False)
        yield runner.table[written.ids[:TEXT_TOKENS]], {}

    features = [runner.encode(log_mel(samples, 80))["audio_features"] for samples in signals().values()]
    for chat in range(CHATS):
        acoustic = runner.acoustic.run(None, {"audio_features": features[chat % len(features)]})[0]
        said = tokenizer.encode(reading(rng, training_sentences(), 5 * chat), add_special_tokens=False).ids
        question = user(audio((len(acoustic), len(said))), text(QUESTIONS[chat % len(QUESTIONS)]))
        heard = np.concatenate([acoustic, runner.table[said]])
        yield splice(runner, render(tokenizer, [question]), heard), runner.adapter


def main() -> None:
    """Reads the command line and writes the decoder anew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--smollm2", type=Path, required=True)
    arguments = parser.parse_args()
    quantize_cache(arguments.packs, LlamaForCausalLM.from_pretrained(arguments.smollm2).eval())


if __name__ == "__main__":
    main()
