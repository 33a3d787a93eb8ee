"""What is rounded by how far it reaches: `python -m training.export.calibrate --packs models --smollm2 DIR`.

Measures on what the model reads and answers (plain text and written questions with the base model; chats with real
sounds, through the default checkpoint's adapter) how far each channel goes of the keys and values, which are kept in
8 bits, and what those linear maps read that multiply in 8 bits (rounded_weights.py, smoothing.py). Writes
`decoder.onnx`, `smoothing.bin` and `pack.json` anew.
The weights stay as they are. See docs/log.md. Also the last step of `training.export.packs`.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from training.data.questions import training_questions
from training.data.texts import reading, training_sentences
from training.export.llama_decoder import SITE_MODULES, LlamaDecoder, LlamaOptions
from training.export.manifest import listed_files, write_manifest
from training.export.quantize import quantize
from training.export.sessions import CachedDecoder, PackRunner
from training.export.smoothing import smoothed
from training.export.tensors import Tensor, in_memory
from training.goldens.audio import log_mel, signals
from training.goldens.language import splice
from training.goldens.prompts import audio, render, text, user

# The furthest value seen is the last level. A margin of a fifth cost more than it saved: docs/log.md.
LEVELS = 127
TEXTS, TEXT_TOKENS = 24, 400
QUESTIONS_ASKED = 60
CHATS = 36
ANSWER_TOKENS = 32
ROWS = 16
"""Rows kept of each prompt and its answer, of what a map reads."""
QUESTIONS = ("Transcribe the audio.", "What do you hear?", "What is the message about?", "")

# What multiplies by a scale a column; `down`, whose inputs are the most uneven, keeps its blocks.
ROUNDED_SITES = ("qkv", "o", "gate_up")


def calibrate(packs: Path, model: LlamaForCausalLM, options: LlamaOptions = LlamaOptions()) -> None:
    """Measures in 32 bits, then writes the decoder of `packs`/pocket with caches and products in 8."""
    folder = packs / "pocket"
    manifest, weights = json.loads((folder / "pack.json").read_text()), in_memory(model)
    plain = LlamaDecoder(model.config, weights, options)
    read = {name: value for name, value in plain.inputs.items() if name.split(".")[1] in ROUNDED_SITES}
    for name, value in read.items():
        plain.graph.output(value, np.float32, [f"{name}.rows", plain.shapes[name.split(".")[1]][0]])
    plain.graph.save(folder, "decoder.onnx")
    manifest["language_model"].pop("rounded", None)
    write_manifest(folder, manifest)

    scales, rows = measure(packs, read)
    smoothing = {name: smoothed(rows.pop(name), _matrix(weights, name, options.block)) for name in read}
    decoder = LlamaDecoder(model.config, weights, options, scales, smoothing)
    for file in decoder.layers:
        if file.size != (stored := (folder / file.name).stat().st_size):
            raise ValueError(f"{file.name} has {stored} bytes, this model's would have {file.size}: export it anew")
    decoder.graph.save(folder, "decoder.onnx")
    decoder.rounded.smoothing.save(folder)
    manifest["language_model"]["rounded"] = decoder.rounded.layout
    manifest["files"] = listed_files(folder, [*dict.fromkeys([*manifest["files"], decoder.rounded.smoothing.name])])
    write_manifest(folder, manifest)


def measure(packs: Path, read: Mapping[str, str]) -> tuple[dict[str, np.ndarray], dict[str, list[np.ndarray]]]:
    """The size of one level by channel, "key_0", "value_0", ... to [kv heads, head_dim] f32; and what maps read in each
    kind of prompt, some rows [n, inputs] f32. `read`: outputs of the graph by the map's name.

    Keys and values that go further than here will be cut, so theirs is the furthest of all.
    """
    runner, rng = PackRunner(packs), np.random.default_rng(0)
    caches: dict[str, np.ndarray] = {}
    kept: dict[str, dict[str, list[np.ndarray]]] = {name: {} for name in read}
    for kind, prompt, adapter in prompts(runner, packs):
        values = list(read.values())
        answer = [] if kind == "text" else runner.answer(prompt, adapter, ANSWER_TOKENS)
        embeddings = np.concatenate([prompt, runner.table[answer]])
        # All positions are asked for: the last layer has no others.
        length = len(embeddings)
        _, decoder = runner.read(embeddings, adapter, values, range(length))
        _widen(caches, {name: np.abs(cache.numpy()[0]).max(axis=1) for name, cache in decoder.caches.items()})
        chosen = rng.choice(length, min(ROWS, length), replace=False)
        for name, rows in zip(read, decoder.binding.get_outputs()[-len(values) - 1 : -1], strict=True):
            kept[name].setdefault(kind, []).append(rows.numpy()[chosen])
    rows_by_kind = {name: [np.concatenate(rows) for rows in kinds.values()] for name, kinds in kept.items()}
    return _levels(caches), rows_by_kind


def scales_of(decoders: Iterable[CachedDecoder]) -> dict[str, np.ndarray]:
    """The size of one level by channel, of what one row of each of these has cached."""
    reach: dict[str, np.ndarray] = {}
    for decoder in decoders:
        _widen(reach, {name: np.abs(cache.numpy()[0]).max(axis=1) for name, cache in decoder.caches.items()})
    return _levels(reach)


def _widen(reach: dict[str, np.ndarray], seen: Mapping[str, np.ndarray]) -> None:
    for name, furthest in seen.items():
        reach[name] = np.maximum(reach.get(name, 0), furthest)


def _levels(reach: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: (furthest / LEVELS).astype(np.float32) for name, furthest in reach.items()}


def _matrix(weights: Mapping[str, Tensor], name: str, block: int) -> np.ndarray:
    """The weights of a map as the files have them, [outputs, inputs] f32."""
    layer, site = name.removeprefix("layer_").split(".")
    modules = [weights[f"model.layers.{layer}.{each}.weight"].read() for each in SITE_MODULES[site]]
    return quantize(np.concatenate(modules), block).dequantize()


def prompts(runner: PackRunner, packs: Path) -> Iterator[tuple[str, np.ndarray, dict[str, np.ndarray]]]:
    """Kind, embeddings [length, hidden] f32, and the adapter to read them with; always the same ones."""
    tokenizer = Tokenizer.from_file(str(packs / "pocket" / "tokenizer.json"))
    rng = random.Random(5)
    for _ in range(TEXTS):
        written = tokenizer.encode(reading(rng, training_sentences(), TEXT_TOKENS), add_special_tokens=False)
        yield "text", runner.table[written.ids[:TEXT_TOKENS]], {}
    for asked in training_questions()[:QUESTIONS_ASKED]:
        yield "question", runner.table[render(tokenizer, [user(text(asked))])], {}

    features = [runner.encode(log_mel(samples, 80))["audio_features"] for samples in signals().values()]
    for chat in range(CHATS):
        acoustic = runner.acoustic.run(None, {"audio_features": features[chat % len(features)]})[0]
        said = tokenizer.encode(reading(rng, training_sentences(), 5 * chat), add_special_tokens=False).ids
        question = user(audio((len(acoustic), len(said))), text(QUESTIONS[chat % len(QUESTIONS)]))
        heard = np.concatenate([acoustic, runner.table[said]])
        yield "chat", splice(runner.table, runner.adapter, render(tokenizer, [question]), heard), runner.adapter


def main() -> None:
    """Reads the command line and writes the decoder anew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--smollm2", type=Path, required=True)
    arguments = parser.parse_args()
    calibrate(arguments.packs, LlamaForCausalLM.from_pretrained(arguments.smollm2).eval())


if __name__ == "__main__":
    main()
