"""The middle of two states of one tuning: `python -m training.sft.average FIRST SECOND --out STATE`.

A tuning that went on from another learns the new without losing as much of the old when it is taken half way (Wortsman
et al., 2022, "Robust fine-tuning of zero-shot models"); it takes no more time to serve.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor


def between(first: dict[str, Tensor], second: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """The weights at `share` of the way from first to second; raises ValueError where they are of other shapes."""
    for name in first.keys() | second.keys():
        if name not in first or name not in second or first[name].shape != second[name].shape:
            raise ValueError(f"{name} is not the same weight in both states")
    return {name: torch.lerp(first[name].float(), second[name].float(), share) for name in first}


def main() -> None:
    """Write the state between two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the way from the first to the second")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    first, second = (
        torch.load(path, map_location="cpu", weights_only=True) for path in (arguments.first, arguments.second)
    )
    parts = {part: between(first[part], second[part], arguments.share) for part in ("adapter", "projector")}
    torch.save({**second, **parts}, arguments.out)


if __name__ == "__main__":
    main()
