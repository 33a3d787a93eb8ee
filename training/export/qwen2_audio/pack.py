"""Writes a pack of Qwen2-Audio's architecture, one tensor in memory at a time; resumes where it was stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from training.export.graph import ExternalFile
from training.export.llama_decoder import SITES, LlamaDecoder, LlamaOptions, head_size, site_shapes
from training.export.manifest import file_hash, listed_files, write_manifest
from training.export.qwen2_audio.audio_graph import Qwen2AudioTower
from training.export.qwen2_audio.cache import measure_cache
from training.export.qwen2_audio.checkpoint import Checkpoint
from training.export.qwen2_audio.verify import lacking_memory
from training.export.whisper_encoder import EncoderOptions

BITS = {"int4": 4, "int8": 8, "fp16": 16}
PRECISIONS = {"fp32": np.float32, "fp16": np.float16}
# In smaller blocks the 4 bits lose less; 8 lose hardly anything in any.
BLOCKS = {4: 32, 8: 64, 16: 64}
PROGRESS = "export-progress.json"
TOKENS = {
    "start_of_turn": "<|im_start|>",
    "end_of_turn": "<|im_end|>",
    "end_of_text": "<|endoftext|>",
    "audio_start": "<|audio_bos|>",
    "audio": "<|AUDIO|>",
    "audio_end": "<|audio_eos|>",
}
BASE = {"name": "base", "description": "As published."}


@dataclass(frozen=True)
class PackOptions:
    """`weights` of the language model; `precision` is what is computed in: fp32 for a CPU, fp16 for a GPU.

    `cache_bits`: 8, or as many as the precision has.
    """

    name: str = "qwen2-audio"
    weights: Literal["int4", "int8", "fp16"] = "int8"
    precision: Literal["fp32", "fp16"] = "fp32"
    sites: tuple[str, ...] = SITES
    cache_bits: Literal[8] | None = None

    def __post_init__(self) -> None:
        if self.cache_bits and self.precision != "fp32":
            raise ValueError("caches of 8 bits go with --precision fp32; with fp16 they have 16 bits")


def write_pack(source: Path, folder: Path, options: PackOptions, report: Callable[[str], None] = print) -> None:
    """Writes the pack of the checkpoint at `source` into `folder`.

    Large files that an interrupted run of the same export has finished are kept, if their hashes are still right.
    Raises ValueError when the checkpoint isn't one that can be exported.
    """
    checkpoint = Checkpoint.open(source)
    tower, decoder = build_graphs(checkpoint, options)
    files = [*tower.files, *decoder.files]
    lacking = lacking_memory(sum(file.size for file in files)) if options.cache_bits else None
    if lacking:
        raise ValueError(f"caches of {options.cache_bits} bits are measured by running the model: {lacking}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack.json").unlink(missing_ok=True)
    progress = Progress(folder, [asdict(options), checkpoint.fingerprint()])
    for index, file in enumerate(files):
        kept = progress.write(file)
        report(f"{index + 1}/{len(files)} {file.name} {file.size / 1e6:.1f} MB{' (was there)' if kept else ''}")
    tower.graph.save(folder, "audio.onnx")
    decoder.graph.save(folder, "decoder.onnx")
    tokenizer = write_tokenizer(source, folder)
    licence = source / "LICENSE"
    if licence.exists():
        shutil.copyfile(licence, folder / "LICENSE")
    names = ["audio.onnx", "decoder.onnx", *(file.name for file in files), "tokenizer.json"]
    content = manifest(checkpoint, options, tokenizer)
    if options.cache_bits:
        report("measuring keys and values: the model is run")
        scales = measure_cache(source, folder, content)
        build_graphs(checkpoint, options, scales)[1].graph.save(folder, "decoder.onnx")
    write_manifest(folder, content | {"files": listed_files(folder, names, progress.hashes)})
    progress.finish()


def build_graphs(
    checkpoint: Checkpoint, options: PackOptions, cache_scales: Mapping[str, np.ndarray] | None = None
) -> tuple[Qwen2AudioTower, LlamaDecoder]:
    """Both graphs, their weights not read yet."""
    config, bits, precision = checkpoint.config, BITS[options.weights], PRECISIONS[options.precision]
    tower = Qwen2AudioTower(
        config.audio_config,
        config.text_config.hidden_size,
        checkpoint.weights,
        EncoderOptions(weights="f16", precision=precision, file="audio.bin"),
    )
    layers = config.text_config.num_hidden_layers
    decoder = LlamaDecoder(
        config.text_config,
        checkpoint.weights,
        LlamaOptions(
            bits=bits,
            precision=precision,
            block=BLOCKS[bits],
            sites=options.sites,
            max_positions=config.text_config.max_position_embeddings,
            layer_files=tuple(f"layer-{layer:02}.bin" for layer in range(layers)),
        ),
        cache_scales,
    )
    return tower, decoder


class Progress:
    """Which files of an export are done, in a file beside them; that of another export is forgotten."""

    def __init__(self, folder: Path, what: list[object]) -> None:
        self.folder = folder
        self.path = folder / PROGRESS
        self.what = json.loads(json.dumps(what))
        self.hashes: dict[str, str] = {}
        if self.path.exists():
            content = json.loads(self.path.read_text())
            if content["what"] == self.what:
                self.hashes = content["sha256"]

    def write(self, file: ExternalFile) -> bool:
        """Writes `file` unless it is there, and whole; tells whether it was."""
        path = self.folder / file.name
        known = self.hashes.get(file.name)
        if known and path.exists() and path.stat().st_size == file.size and file_hash(path) == known:
            return True
        self.hashes[file.name] = file.save(self.folder)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps({"what": self.what, "sha256": self.hashes}))
        partial.rename(self.path)
        return False

    def finish(self) -> None:
        """Nothing is left to do."""
        self.path.unlink(missing_ok=True)


def write_tokenizer(source: Path, folder: Path) -> Tokenizer:
    """Writes `tokenizer.json`, made of vocab.json and merges.txt where the checkpoint has none, and gives it."""
    path = source / "tokenizer.json"
    if path.exists():
        tokenizer = Tokenizer.from_file(str(path))
    else:
        tokenizer = AutoTokenizer.from_pretrained(source).backend_tokenizer
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    return tokenizer


def token_ids(checkpoint: Checkpoint, tokenizer: Tokenizer) -> dict[str, int]:
    """Ids of the special tokens. Raises ValueError where the tokenizer isn't the checkpoint's."""
    ids = {name: tokenizer.token_to_id(token) for name, token in TOKENS.items()}
    missing = [TOKENS[name] for name, id in ids.items() if id is None]
    if missing:
        raise ValueError(f"the tokenizer doesn't know {', '.join(missing)}: it isn't Qwen2-Audio's")
    if ids["audio"] != checkpoint.config.audio_token_id:
        raise ValueError(
            f"<|AUDIO|> is {ids['audio']} in the tokenizer and {checkpoint.config.audio_token_id} in config.json"
        )
    return ids


def manifest(checkpoint: Checkpoint, options: PackOptions, tokenizer: Tokenizer) -> dict[str, object]:
    """The content of `pack.json`, its files not listed yet."""
    audio, text = checkpoint.config.audio_config, checkpoint.config.text_config
    embedding: dict[str, object] = {"file": "embedding.bin", "bits": 16}
    if options.weights != "fp16":
        embedding |= {"bits": 8, "block_size": BLOCKS[BITS[options.weights]], "zero_point": 128}
    sites = site_shapes(text)
    return {
        "format": 1,
        "name": options.name,
        "description": "Qwen2-Audio: audio and text in, text out.",
        "licence": "Apache-2.0",
        "provenance": [
            {
                "what": "Qwen2-Audio by Alibaba Cloud",
                "licence": "Apache-2.0",
                "source": f"the folder '{checkpoint.folder.name}', laid out as "
                "https://huggingface.co/Qwen/Qwen2-Audio-7B-Instruct",
                "changes": f"language model in {options.weights}, audio tower in fp16, computed in {options.precision}",
            }
        ],
        "files": {},
        "requires": [],
        "tokenizer": "tokenizer.json",
        "architecture": "qwen2-audio",
        "audio": {
            "graph": "audio.onnx",
            "sample_rate_hz": 16_000,
            "mel_bins": audio.num_mel_bins,
            "hop_samples": 160,
            "max_frames": 2 * audio.max_source_positions,
        },
        "language_model": {
            "graph": "decoder.onnx",
            "embedding": embedding,
            "layers": text.num_hidden_layers,
            "hidden": text.hidden_size,
            "heads": text.num_attention_heads,
            "kv_heads": text.num_key_value_heads,
            "head_dim": head_size(text),
            "vocabulary": text.vocab_size,
            "max_positions": text.max_position_embeddings,
            "adapter_sites": [
                {"name": name, "inputs": sites[name][0], "outputs": sites[name][1]} for name in options.sites
            ],
        },
        "tokens": token_ids(checkpoint, tokenizer),
        "prompt": {"template": "qwen2-audio", "default_system": "You are a helpful assistant."},
        "generation": checkpoint.generation(),
        "checkpoints": [BASE],
        "default_checkpoint": BASE["name"],
    }
