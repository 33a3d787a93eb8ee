"""A run's curve and its watch: what isn't finite is dropped and said; progress has a time to go, curves are drawn."""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
from torch import Tensor


class Progress:
    """Losses and gradient norms step by step, appended to `path` (JSON lines), so that a resumed run continues them."""

    def __init__(self, path: Path, every: int = 25) -> None:
        self.path, self.every = path, every
        self.dropped = 0
        self._recent: list[dict[str, float]] = []

    def is_finite(self, loss: Tensor, step: int) -> bool:
        """Whether the batch may be learned from; says so where it may not."""
        if torch.isfinite(loss):
            return True
        self.dropped += 1
        print(f"step {step}: loss is {loss.item()}, the batch is dropped ({self.dropped} so far)", flush=True)
        return False

    def add(self, step: int, share: float, elapsed_s: float, **values: float) -> None:
        """One step: `share` of the run is done after `elapsed_s`."""
        self._recent.append(values)
        if len(self._recent) < self.every:
            return
        means = {name: sum(row[name] for row in self._recent) / len(self._recent) for name in values}
        self._recent.clear()
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "share": share, **means}) + "\n")
        to_go = elapsed_s * (1 - share) / max(share, 1e-6)
        shown = " ".join(f"{name} {value:.3f}" for name, value in means.items())
        print(f"step {step} {100 * share:.0f} % {shown}, {to_go / 60:.0f} min to go", flush=True)

    def plot(self, target: Path) -> None:
        """The curves as a PNG, one panel a value; nothing where matplotlib isn't installed."""
        if not self.path.exists():  # a run of fewer steps than one line
            return
        try:
            from matplotlib.figure import Figure
        except ImportError:
            print("no plot: matplotlib is not installed", flush=True)
            return
        rows = [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
        names = [name for name in rows[0] if name not in ("step", "share")] if rows else []
        figure = Figure(figsize=(7, 2.4 * max(1, len(names))))
        for index, name in enumerate(names):
            axes = figure.add_subplot(len(names), 1, index + 1)
            axes.plot([row["step"] for row in rows], [row[name] for row in rows])
            axes.set_ylabel(name)
        figure.savefig(target)


def clipped(parameters: list[Tensor], most: float, progress: Progress, step: int) -> float | None:
    """The gradients' norm after clipping it to `most`; None, and gradients gone, where it isn't finite."""
    norm = float(torch.nn.utils.clip_grad_norm_(parameters, most))
    if math.isfinite(norm):
        return norm
    progress.dropped += 1
    print(f"step {step}: the gradient's norm is {norm}, the batch is dropped ({progress.dropped} so far)", flush=True)
    for parameter in parameters:
        parameter.grad = None
    return None
