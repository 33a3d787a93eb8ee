"""The tuning's state (adapter, projector, markers) from a committed checkpoint: `python -m training.restore.tuning`."""

from __future__ import annotations

import torch
from safetensors.torch import load_file

from training import paths
from training.acoustic.projector import Projector
from training.restore.graphs import weights
from training.sft.model import MARKERS, Adapter

CHECKPOINT = paths.REPOSITORY / "models" / "pocket" / "checkpoints" / "sft"


def adapter() -> Adapter:
    """The adapter and the markers as they were exported, rounded to 16 bits."""
    stored = load_file(CHECKPOINT / "adapter.safetensors")
    restored = Adapter()
    with torch.no_grad():
        for key in restored.a:
            restored.a[key].copy_(stored[f"lora_{key}_a"].float())
            restored.b[key].copy_(stored[f"lora_{key}_b"].float() / restored.scale)
        for index, marker in enumerate(MARKERS):
            restored.markers[index].copy_(stored[marker])
    return restored


def projector() -> Projector:
    """The projector as it was exported."""
    stored = weights(CHECKPOINT / "acoustic.onnx")
    restored = Projector(1.0, len(stored["naming.bias"]))
    with torch.no_grad():
        for name, value in [*restored.named_parameters(), *restored.named_buffers()]:
            values = torch.from_numpy(stored[name].copy())
            value.copy_((values.T if name.endswith("weight") and values.ndim == 2 else values).reshape(value.shape))
    return restored.eval()
