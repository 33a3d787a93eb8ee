"""How goldens are stored: raw little-endian arrays, and one JSON file with their names, shapes and tolerances."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def write_array(folder: Path, name: str, values: np.ndarray) -> dict:
    """Writes `name` as raw little-endian f32 or i32, and gives its entry for the JSON file: file, dtype, shape."""
    dtype = "i32" if np.issubdtype(values.dtype, np.integer) else "f32"
    stored = np.ascontiguousarray(values, "<i4" if dtype == "i32" else "<f4")
    file = f"{name}.{dtype}"
    (folder / file).write_bytes(stored.tobytes())
    return {"file": file, "dtype": dtype, "shape": list(stored.shape)}


def write_json(folder: Path, name: str, content: dict) -> None:
    """Writes `name`.json, keys in the order given."""
    (folder / f"{name}.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
