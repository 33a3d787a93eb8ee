"""The weights of a checkpoint by name, read a run of rows at a time: from a model in memory, or from its shards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

from training.export.graph import Weight

PIECE_BYTES = 16 << 20  # of f32 that are held at a time


@dataclass(frozen=True)
class Tensor:
    """A tensor that is read on demand; `rows(start, stop)` of its first dimension are f32."""

    shape: tuple[int, ...]
    rows: Callable[[int, int], np.ndarray]

    @classmethod
    def of(cls, values: np.ndarray) -> Tensor:
        """A tensor that is in memory."""
        return cls(values.shape, lambda start, stop: values[start:stop].astype(np.float32, copy=False))

    def read(self) -> np.ndarray:
        """All of it, f32."""
        return self.rows(0, self.shape[0])

    def pieces(self) -> Iterator[np.ndarray]:
        """All of it, in runs of rows of at most `PIECE_BYTES`."""
        step = max(1, PIECE_BYTES // (4 * int(np.prod(self.shape[1:]))))
        for start in range(0, self.shape[0], step):
            yield self.rows(start, min(start + step, self.shape[0]))

    def weight(self, dtype: type) -> Weight:
        """As a weight of a graph."""
        return Weight(self.shape, np.dtype(np.float32), self.pieces).astype(dtype)


def stacked(tensors: list[Tensor]) -> Tensor:
    """The rows of several tensors, one below the other."""
    if len(tensors) == 1:
        return tensors[0]
    ends = np.cumsum([tensor.shape[0] for tensor in tensors]).tolist()

    def rows(start: int, stop: int) -> np.ndarray:
        parts = []
        for tensor, end in zip(tensors, ends, strict=True):
            first = end - tensor.shape[0]
            if start < end and stop > first:
                parts.append(tensor.rows(max(start - first, 0), min(stop, end) - first))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    return Tensor((ends[-1], *tensors[0].shape[1:]), rows)


def in_memory(model: torch.nn.Module) -> dict[str, Tensor]:
    """The weights of a model that is loaded."""
    return {name: Tensor.of(value.float().numpy()) for name, value in model.state_dict().items()}


def in_shards(folder: Path) -> dict[str, Tensor]:
    """The weights of a Hugging Face folder, whatever their type: `model.safetensors`, or shards with their index.

    A file is opened for each read and closed again, so that what was read doesn't stay mapped.
    """
    index = folder / "model.safetensors.index.json"
    files = sorted(set(json.loads(index.read_text())["weight_map"].values())) if index.exists() else []
    tensors: dict[str, Tensor] = {}
    for path in [folder / name for name in files or ["model.safetensors"]]:
        if not path.exists():
            raise FileNotFoundError(f"{path.name} isn't in {folder}: the checkpoint is incomplete")
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
        tensors |= {name: Tensor(shapes[name], _reader(path, name)) for name in names}
    return tensors


def _reader(path: Path, name: str) -> Callable[[int, int], np.ndarray]:
    def rows(start: int, stop: int) -> np.ndarray:
        with safe_open(path, framework="pt") as file:
            return file.get_slice(name)[start:stop].float().numpy()

    return rows


def renamed(tensors: Mapping[str, Tensor], prefixes: Mapping[str, str]) -> dict[str, Tensor]:
    """The tensors whose names begin with one of `prefixes` (the first that fits), under what it stands for."""
    found = {}
    for name, tensor in tensors.items():
        prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), None)
        if prefix is not None:
            found[prefixes[prefix] + name.removeprefix(prefix)] = tensor
    return found
