"""What is restored from the packs computes what the packs compute."""

from __future__ import annotations

import numpy as np
import onnxruntime
import torch
from safetensors.torch import load_file

from training.acoustic.projector import STATES, AcousticGraph
from training.export.quantize import quantize
from training.restore import tuning, whisper


def test_adapter_is_the_committed_one_to_the_bit() -> None:
    stored = load_file(tuning.CHECKPOINT / "adapter.safetensors")
    restored = tuning.adapter().tensors()
    assert stored.keys() == restored.keys()
    assert all(torch.equal(stored[name], restored[name]) for name in stored)


@torch.no_grad()
def test_projector_says_what_the_graph_says() -> None:
    states = torch.randn(1, 62, STATES, generator=torch.Generator().manual_seed(5))
    session = onnxruntime.InferenceSession(str(tuning.CHECKPOINT / "acoustic.onnx"), providers=["CPUExecutionProvider"])
    (given,) = session.run(None, {"audio_features": states.numpy()})
    np.testing.assert_allclose(AcousticGraph(tuning.projector())(states).numpy(), given, atol=1e-3)


def test_whisper_quantizes_to_the_same_numbers_again() -> None:
    weights = whisper.state_dict(whisper.PACK)
    head = weights["model.decoder.embed_tokens.weight"].numpy()[:256]
    np.testing.assert_array_equal(quantize(head).dequantize(), head)
    assert len(weights) == 167
