"""Where training keeps its files: one build folder, never inside the repository's tracked tree."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def build_dir() -> Path:
    """The folder of all downloads, caches and checkpoints: $AURICLE_BUILD_DIR, else ./build."""
    return Path(os.environ.get("AURICLE_BUILD_DIR", "build")).resolve()


def train_dir() -> Path:
    """The folder of what this recipe makes; created when missing."""
    path = build_dir() / "train"
    path.mkdir(parents=True, exist_ok=True)
    return path


def whisper_base() -> Path:
    """Whisper tiny.en as a Hugging Face folder, made by `training.base`."""
    return build_dir() / "base" / "whisper-tiny.en"


def smollm2_base() -> Path:
    """SmolLM2-135M-Instruct as a Hugging Face folder, made by `training.base`."""
    return build_dir() / "base" / "smollm2"


def whisper_short_context() -> Path:
    """Whisper tiny.en after the short-context distillation, a Hugging Face folder."""
    return train_dir() / "whisper-short-context"


def kokoro_voices() -> Path:
    """The folder of Kokoro's style vectors, unpacked from the npm package `kokoro-js`."""
    return build_dir() / "npm" / "package" / "voices"


def sound_packages() -> Path:
    """The folder into which Debian packages with recordings of sounds are unpacked."""
    return build_dir() / "debs" / "x"


def checkpoint_dir(name: str = "sft") -> Path:
    """A finished checkpoint: adapter.safetensors, acoustic.onnx, hearing.json."""
    path = train_dir() / ("checkpoint" if name == "sft" else f"checkpoint-{name}")
    path.mkdir(parents=True, exist_ok=True)
    return path
