"""The weights of an exported graph as arrays, whatever they are stored as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from training.export.quantize import QuantizedMatrix

HALVES = (".f16", ".half")
"""What the names of weights end with that are stored in 16 bits."""


def weights(path: Path) -> dict[str, np.ndarray]:
    """All initializers by name, f32: what is stored in 16 bits under its plain name, what is in 8 bits de-quantized."""
    stored = {
        tensor.name: numpy_helper.to_array(tensor, str(path.parent)) for tensor in onnx.load(path).graph.initializer
    }
    plain = {
        _plain(name): values.astype(np.float32) if values.dtype == np.float16 else values
        for name, values in stored.items()
    }
    for name in [name for name, values in plain.items() if values.dtype == np.uint8 and values.ndim == 3]:
        scales = plain[f"{name.removesuffix('.weight')}.scales"]
        values = plain[name]
        scales = scales.reshape(values.shape[0], values.shape[1])
        plain[name] = QuantizedMatrix(values, scales, values.shape[1] * values.shape[2]).dequantize()
    return plain


def _plain(name: str) -> str:
    for ending in HALVES:
        name = name.removesuffix(ending)
    return name
