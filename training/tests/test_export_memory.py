"""An export of the real shapes takes as much memory as one of its tensors does, not as the model."""

import sys
from pathlib import Path

import numpy as np
import pytest

from training.evaluate.export_memory import export_memory
from training.goldens.qwen2_audio.full_size import full_size_config, tensor_shapes, write_sparse_checkpoint
from training.tests.qwen2_audio import write_vocabulary

MEGABYTE = 1 << 20


def test_the_synthetic_checkpoint_is_as_large_as_the_published_one() -> None:
    parameters = sum(int(np.prod(shape)) for shape in tensor_shapes(full_size_config()).values())
    assert parameters == pytest.approx(8.4e9, rel=0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="the largest resident size is read from /proc")
@pytest.mark.parametrize("weights", ["int4", "fp16"])
def test_a_cut_of_it_is_exported_in_little_memory(tmp_path: Path, weights: str) -> None:
    # One layer of each tower, embedding and head of a sixth of the rows: in f32 each table alone would be 390 MB.
    config = full_size_config(layers=1, audio_layers=1, vocabulary=25_000)
    checkpoint = tmp_path / "checkpoint"
    size = write_sparse_checkpoint(checkpoint, config, write_vocabulary(tmp_path / "vocabulary.json"))
    before, after = export_memory(checkpoint, tmp_path / "pack", weights)
    assert size > 800 * MEGABYTE
    assert after - before < 300 * MEGABYTE
    assert (tmp_path / "pack" / "pack.json").exists()
