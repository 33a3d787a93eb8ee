"""A run's watch: what isn't finite is dropped, the curve continues, the norm is clipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from training.sft.progress import Progress, clipped


def test_a_loss_that_is_not_finite_is_dropped_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(tmp_path / "curve.jsonl")
    assert progress.is_finite(torch.tensor(1.0), 1)
    assert not progress.is_finite(torch.tensor(float("nan")), 2)
    assert progress.dropped == 1
    assert "the batch is dropped" in capsys.readouterr().out


def test_gradients_are_clipped_or_dropped(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "curve.jsonl")
    weight = torch.zeros(4, requires_grad=True)
    weight.grad = torch.full((4,), 5.0)
    assert clipped([weight], 1.0, progress, 1) == pytest.approx(10.0)
    assert float(weight.grad.norm()) == pytest.approx(1.0, rel=1e-4)
    weight.grad = torch.tensor([float("inf"), 0.0, 0.0, 0.0])
    assert clipped([weight], 1.0, progress, 2) is None
    assert weight.grad is None and progress.dropped == 1


def test_the_curve_goes_on_where_a_run_was_broken_off(tmp_path: Path) -> None:
    path = tmp_path / "curve.jsonl"
    for start in (0, 2):
        progress = Progress(path, every=2)
        for step in range(start, start + 2):
            progress.add(step, step / 4, 1.0, loss=float(step))
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [row["loss"] for row in rows] == [0.5, 2.5]
    Progress(tmp_path / "none.jsonl").plot(tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
