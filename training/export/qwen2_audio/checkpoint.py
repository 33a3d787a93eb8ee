"""A Qwen2-Audio checkpoint as it is published: configuration, and weights under the names that the graphs ask for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from transformers import Qwen2AudioConfig

from training.export.tensors import Tensor, in_shards, renamed

# As published, and the two ways in which transformers 5 names the same modules.
PREFIXES = {
    "language_model.model.model.": "model.",
    "language_model.model.": "model.",
    "model.language_model.": "model.",
    "language_model.lm_head.": "lm_head.",
    "lm_head.": "lm_head.",
    "audio_tower.": "model.encoder.",
    "model.audio_tower.": "model.encoder.",
    "multi_modal_projector.linear.": "projector.",
    "model.multi_modal_projector.linear.": "projector.",
}
# Where generation_config.json says nothing.
GENERATION = {"temperature": 0.7, "top_p": 0.5, "top_k": 20, "repetition_penalty": 1.1}


class Weights(dict[str, Tensor]):
    """Tensors by name; one that isn't there is named in the error."""

    def __missing__(self, name: str) -> Tensor:
        raise ValueError(f"the checkpoint has no tensor for '{name}': it is incomplete, or not a Qwen2-Audio")


@dataclass(frozen=True)
class Checkpoint:
    """What is exported; nothing of the weights is read yet."""

    folder: Path
    config: Qwen2AudioConfig
    weights: Weights

    @classmethod
    def open(cls, folder: Path) -> Checkpoint:
        """Raises ValueError when `folder` holds something else than a Qwen2-Audio."""
        path = folder / "config.json"
        if not path.exists():
            raise ValueError(f"{folder} has no config.json: give the folder of a downloaded checkpoint")
        kind = json.loads(path.read_text()).get("model_type")
        if kind != "qwen2_audio":
            raise ValueError(f"{path} describes a '{kind}', not a 'qwen2_audio'")
        config = Qwen2AudioConfig.from_pretrained(folder)
        if config.text_config.use_sliding_window:
            raise ValueError("use_sliding_window is on: the decoder's attention has no window")
        return cls(folder, config, Weights(renamed(in_shards(folder), PREFIXES)))

    def generation(self) -> dict[str, float | int]:
        """Sampling as published with the checkpoint."""
        path = self.folder / "generation_config.json"
        published = json.loads(path.read_text()) if path.exists() else {}
        if published.get("do_sample") is False:
            published["temperature"] = 0
        return {name: published.get(name, value) for name, value in GENERATION.items()} | {"max_tokens": 512}

    def fingerprint(self) -> list[object]:
        """What tells this checkpoint from another without reading it: names, sizes and times of its files."""
        files = [path for path in sorted(self.folder.iterdir()) if path.suffix in (".json", ".safetensors")]
        return [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]
