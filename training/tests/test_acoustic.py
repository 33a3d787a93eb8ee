"""The acoustic projector's file: stored in 16 bits, the same interface."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.acoustic import further
from training.acoustic.projector import FEATURES, HIDDEN, Projector
from training.export.acoustic import copy_projector, silent_projector
from training.export.graph import Graph
from training.export.sessions import open_session


def test_the_silent_projector_gives_two_tokens_a_second(tmp_path: Path) -> None:
    silent_projector(features=8, hidden=3).save(tmp_path, "acoustic.onnx")
    session = open_session(tmp_path / "acoustic.onnx", threads=1)
    for positions, tokens in ((1, 1), (25, 1), (26, 2), (1500, 60)):
        features = np.ones((1, positions, 8), np.float32)
        assert session.run(None, {"audio_features": features})[0].shape == (tokens, 3)


def test_a_copy_is_half_the_size_and_computes_with_rounded_weights(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).standard_normal((96, 64)).astype(np.float32)
    graph = Graph("projector")
    source = graph.input("audio_features", np.float32, [1, "positions", 96])
    graph.node("MatMul", [source, graph.constant("weight", weight)], "acoustic_embeddings")
    graph.output("acoustic_embeddings", np.float32, [1, "positions", 64])
    graph.save(tmp_path, "trained.onnx")
    copy_projector(tmp_path / "trained.onnx", tmp_path / "copy.onnx")
    assert (tmp_path / "copy.onnx").stat().st_size < 0.6 * (tmp_path / "trained.onnx").stat().st_size
    features = np.random.default_rng(1).standard_normal((1, 4, 96)).astype(np.float32)
    result = open_session(tmp_path / "copy.onnx", threads=1).run(None, {"audio_features": features})[0]
    np.testing.assert_allclose(result, features @ weight.astype(np.float16).astype(np.float32), atol=1e-4)


def test_a_tuned_projector_takes_a_new_class_and_keeps_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    tuned = Projector(0.5, 2)
    torch.nn.init.normal_(tuned.names)
    monkeypatch.setattr(further, "label_embeddings", lambda classes: torch.full((len(classes), HIDDEN), 7.0))
    more = further.extended(tuned, ["bell", "knock", "rain"], {"knock"})
    features = torch.randn(5, FEATURES)
    (before, hidden_before), (after, hidden) = tuned.read(features), more.read(features)
    torch.testing.assert_close(hidden, hidden_before)
    torch.testing.assert_close(after[:, [0, 2]], before)
    torch.testing.assert_close(more.names[[0, 2]], tuned.names)
    assert bool((more.names[1] == 7).all())
    with pytest.raises(ValueError, match="2 classes, the recordings 3"):
        further.extended(tuned, ["bell", "knock", "rain"], set())
