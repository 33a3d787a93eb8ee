"""A checkpoint's `adapter.safetensors`: low-rank matrices named as the decoder's inputs, and the marker embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from transformers import LlamaForCausalLM

from training.export.llama_decoder import site_shapes

MARKERS = ("audio_bos", "audio_speech", "audio_eos")
NEWLINE_ID = 198  # "\n" of SmolLM2: what the untrained markers look like to the model


def expected_shapes(model: LlamaForCausalLM, sites: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """(inputs, outputs) of every low-rank pair, by "<layer>_<site>"."""
    shapes = site_shapes(model.config)
    return {f"{layer}_{site}": shapes[site] for layer in range(model.config.num_hidden_layers) for site in sites}


def write_untrained(path: Path, model: LlamaForCausalLM, sites: tuple[str, ...]) -> None:
    """An adapter that changes nothing: rank 1 of zeros, every marker a line break."""
    tensors = {}
    for name, (inputs, outputs) in expected_shapes(model, sites).items():
        tensors[f"lora_{name}_a"] = np.zeros((inputs, 1), np.float32)
        tensors[f"lora_{name}_b"] = np.zeros((1, outputs), np.float32)
    row = model.get_input_embeddings().weight[NEWLINE_ID].detach().numpy()
    for marker in MARKERS:
        tensors[marker] = row.copy()
    save_file(tensors, path)


def copy_adapter(source: Path, target: Path) -> None:
    """Copies a trained adapter, its low-rank matrices in 16 bits; the markers keep theirs."""
    tensors = load_file(source)
    halves = {k: v.astype(np.float16) if k.startswith("lora_") else v.astype(np.float32) for k, v in tensors.items()}
    save_file({name: np.ascontiguousarray(value) for name, value in halves.items()}, target)


def check_adapter(path: Path, model: LlamaForCausalLM, sites: tuple[str, ...]) -> None:
    """Raises ValueError unless the file holds exactly the tensors that the decoder and the splice ask for."""
    tensors = load_file(path)
    expected = {marker: (model.config.hidden_size,) for marker in MARKERS}
    for name, (inputs, outputs) in expected_shapes(model, sites).items():
        rank = tensors.get(f"lora_{name}_a", np.empty((inputs, 1))).shape[-1]
        expected[f"lora_{name}_a"], expected[f"lora_{name}_b"] = (inputs, rank), (rank, outputs)
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != expected:
        wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        raise ValueError(f"{path}: missing, unknown or of another shape: {wrong[:6]} ({len(wrong)} in all)")
