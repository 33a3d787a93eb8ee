"""A finished checkpoint from the tuning's state: adapter.safetensors, acoustic.onnx, hearing.json."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import onnxruntime as ort
import torch
from safetensors.torch import save_file

from training import paths
from training.acoustic.export import acoustic_graph
from training.acoustic.projector import STATES, AcousticGraph, Projector
from training.hearing.listening import hearing_path
from training.sft.model import Adapter
from training.sft.train import state_path


def write(state: Path, target: Path) -> dict[str, float]:
    """Write the files into `target`; returns their sizes and the largest difference of ONNX against torch."""
    target.mkdir(parents=True, exist_ok=True)
    saved = torch.load(state, weights_only=True)
    adapter = Adapter()
    adapter.load_state_dict(saved["adapter"])
    save_file(adapter.tensors(), target / "adapter.safetensors")
    projector = Projector(1.0)
    projector.load_state_dict(saved["projector"])
    acoustic_graph(projector.eval()).save(target, "acoustic.onnx")
    shutil.copyfile(hearing_path(), target / "hearing.json")
    return {
        "adapter_bytes": (target / "adapter.safetensors").stat().st_size,
        "acoustic_bytes": (target / "acoustic.onnx").stat().st_size,
        "acoustic_difference": _difference(projector, target / "acoustic.onnx"),
        "step": saved["step"],
    }


@torch.no_grad()
def _difference(projector: Projector, model: Path) -> float:
    """Largest difference over lengths that fill their last block and lengths that don't."""
    session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    graph = AcousticGraph(projector)
    worst = 0.0
    for positions in (1, 24, 25, 26, 180, 1500):
        states = torch.randn(1, positions, STATES)
        (given,) = session.run(None, {"audio_features": states.numpy()})
        worst = max(worst, float((torch.from_numpy(given) - graph(states)).abs().max()))
    return worst


def main() -> None:
    """Write the checkpoint of the newest state."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", type=Path, default=None)
    target = parser.parse_args().target or paths.checkpoint_dir()
    print(json.dumps(write(state_path(), target)))


if __name__ == "__main__":
    main()
