"""Matrices rounded by a scale a column, as `training.export` rounds them:
`gpu-worker/model/pocket/goldens/rounded-weights.json`.

Two matrices of a file, with something before, between and behind them; a column of zeros, and levels that are halves.
"""

from __future__ import annotations

import argparse
import base64
import json
import tempfile
from pathlib import Path

import numpy as np

from training.export.rounded_weights import rounded_file

BLOCK = 8
SHAPES = [(24, 20), (16, 8)]  # inputs, outputs


def case() -> dict:
    """The files as base64, the layout, and the file that is made of them."""
    rng = np.random.default_rng(11)
    parts, matrices, size = [b"before"], [], 6
    for inputs, outputs in SHAPES:
        values = rng.integers(1, 256, (outputs, inputs)).astype(np.uint8)
        scales = (rng.uniform(0.1, 2, (outputs, inputs // BLOCK)) / 256).astype("<f2")
        values[1] = 128
        # The furthest is 127 levels, so what is half of the smoothing are halves of levels.
        values[2, 0], scales[2] = 255, 2**-8
        matrices.append({"file": "blocks.bin", "weight": size, "scales": size + values.size + 3})
        matrices[-1] |= {"inputs": inputs, "outputs": outputs}
        parts += [values.tobytes(), b"gap", scales.tobytes(), b"behind"]
        size += sum(map(len, parts[-4:]))
    smoothing = np.concatenate([np.where(rng.uniform(size=n) < 0.4, 0.5, rng.uniform(0.02, 1, n)) for n, _ in SHAPES])
    smoothing[[0, SHAPES[0][0]]] = 1
    layout = {"file": "rounded.bin", "smoothing": "smoothing.bin", "block_size": BLOCK, "zero_point": 128}
    layout["matrices"] = matrices
    files = {"blocks.bin": b"".join(parts), "smoothing.bin": smoothing.astype("<f2").tobytes()}
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        made = rounded_file(Path(folder), layout).tobytes()
    encoded = {name: base64.b64encode(data).decode() for name, data in (files | {"rounded.bin": made}).items()}
    return {"layout": layout, "files": encoded}


def main() -> None:
    """Write the goldens."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("gpu-worker/model/pocket/goldens/rounded-weights.json"))
    arguments = parser.parse_args()
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps(case(), indent=1) + "\n")


if __name__ == "__main__":
    main()
