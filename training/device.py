"""Where tensors are computed: on a GPU where PyTorch finds one, else on the CPU."""

from __future__ import annotations

import torch


def best_device() -> torch.device:
    """The first GPU, or the CPU. Recordings and prompts are made on the CPU and moved when a model reads them."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
