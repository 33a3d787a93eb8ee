"""When tokens begin, by transformers' median filter and time warping: `gpu-worker/speech/goldens/alignment.json`.

Attention that wanders over the positions as speech does, with noise; the steps around are openai/whisper's
(`timing.py`, `find_alignment`).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from transformers.models.whisper.generation_whisper import _dynamic_time_warping, _median_filter

MEDIAN_WIDTH = 7
FIRST_ROW = 1


def case(heads: int, rows: int, positions: int, real: int, seed: int) -> dict:
    """One attention, rounded as it is stored, and the position at which each token begins."""
    rng = np.random.default_rng(seed)
    centres = np.sort(rng.uniform(0, real, rows))
    distance = (np.arange(positions)[None, None] - centres[None, :, None]) / 3
    scores = -(distance**2) + rng.normal(0, 1.5, (heads, rows, positions))
    scores[..., real:] = -40
    weights = torch.from_numpy(scores).softmax(-1).float().numpy().round(6)
    used = torch.from_numpy(weights[:, :, :real].astype(np.float64))
    used = used / used.sum(-1, keepdim=True)
    std, mean = torch.std_mean(used, dim=-2, keepdim=True, unbiased=False)
    filtered = _median_filter((used - mean) / std, MEDIAN_WIDTH)
    matrix = filtered.mean(dim=0)[FIRST_ROW:-1].numpy()
    rows_of, times = _dynamic_time_warping(-matrix)
    jumps = np.pad(np.diff(rows_of), (1, 0), constant_values=1).astype(bool)
    return {
        "dims": [heads, rows, positions],
        "realPositions": real,
        "attention": [float(f"{value:.6f}") for value in weights.reshape(-1)],
        "starts": [int(time) for time in times[jumps]],
    }


def main() -> None:
    """Write the goldens."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("gpu-worker/speech/goldens/alignment.json"))
    arguments = parser.parse_args()
    cases = [case(2, 9, 40, 33, 1), case(3, 14, 60, 60, 2), case(1, 5, 12, 5, 3), case(2, 20, 48, 41, 4)]
    arguments.out.write_text(json.dumps({"firstRow": FIRST_ROW, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
