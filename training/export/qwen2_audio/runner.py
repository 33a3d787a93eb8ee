"""Runs a pack of Qwen2-Audio from Python, as the worker does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from training.export.sessions import ELEMENT_TYPES, CachedDecoder, open_session

# What the convolutions see of what lies behind the audio.
FRAMES_BEHIND = 2


class Qwen2AudioRunner:
    """A pack, ready to be asked; `manifest`: of one whose pack.json isn't written yet."""

    def __init__(self, folder: Path, manifest: dict | None = None, threads: int = 2) -> None:
        self.manifest = manifest or json.loads((folder / "pack.json").read_text())
        self.model = self.manifest["language_model"]
        self.audio = open_session(folder / self.manifest["audio"]["graph"], threads)
        self.language = open_session(folder / self.model["graph"], threads)
        self._table = np.memmap(folder / self.model["embedding"]["file"], np.uint8, "r")

    def hear(self, mels: list[np.ndarray], counts: list[int]) -> list[np.ndarray]:
        """Audio embeddings [tokens, hidden] f32 of spectrograms [128, frames], all of as many frames, as one batch.

        `counts`: frames that hold audio, of each.
        """
        feeds = {"mel": np.stack(mels).astype(np.float32), "frame_counts": np.array(counts, np.int64)}
        rows, tokens = self.audio.run(["audio_embeddings", "token_counts"], feeds)
        return [of_one[:count] for of_one, count in zip(rows, tokens.tolist(), strict=True)]

    def rows(self, ids: list[int]) -> np.ndarray:
        """Embeddings of token ids, [length, hidden] f32."""
        vocabulary, hidden, layout = self.model["vocabulary"], self.model["hidden"], self.model["embedding"]
        if layout["bits"] == 16:
            return self._table.view(np.float16).reshape(vocabulary, hidden)[ids].astype(np.float32)
        values = self._table[: vocabulary * hidden].reshape(vocabulary, -1, layout["block_size"])[ids]
        scales = self._table[vocabulary * hidden :].view(np.float32).reshape(vocabulary, -1, 1)[ids]
        return ((values.astype(np.float32) - layout["zero_point"]) * scales).reshape(len(ids), hidden)

    def splice(self, ids: list[int], heard: list[np.ndarray]) -> np.ndarray:
        """A prompt's embeddings [length, hidden] f32, the rows of `heard` at the placeholders."""
        embeddings = self.rows(ids)
        placeholders = np.array(ids) == self.manifest["tokens"]["audio"]
        if placeholders.any():
            embeddings[placeholders] = np.concatenate(heard)
        return embeddings

    def decoder(self, rows: int, capacity: int, adapter: Mapping[str, np.ndarray] | None = None) -> CachedDecoder:
        """An empty cache for `rows` sequences; what the adapter lacks has rank 0, which adds nothing."""
        decoder = CachedDecoder(self.language, rows, capacity)
        for value in self.language.get_inputs():
            if value.name.startswith("lora_"):
                nothing = np.zeros([size if isinstance(size, int) else 0 for size in value.shape])
                decoder.bind(value.name, (adapter or {}).get(value.name, nothing).astype(ELEMENT_TYPES[value.type]))
        return decoder

    def read(self, decoder: CachedDecoder, embeddings: np.ndarray, positions: list[int]) -> np.ndarray:
        """Logits [positions, vocabulary] f32 after `embeddings` [rows, length, hidden] behind what was read before."""
        decoder.bind("inputs_embeds", embeddings.astype(np.float32))
        decoder.bind("logits_positions", np.array(positions, np.int64))
        return decoder.run(embeddings.shape[1])
