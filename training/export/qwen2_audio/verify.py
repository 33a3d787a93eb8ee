"""Runs a pack that was written, where there is memory for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from training.export.qwen2_audio.runner import Qwen2AudioRunner

# Graphs that compute in f32 widen weights that are stored in 16 bits.
BYTES_PER_STORED_BYTE = 2.5
TOLERANCE = 0.05  # of the largest logit: the same prompt fed at once and in pieces


def verify_pack(folder: Path, report: Callable[[str], None] = print) -> bool:
    """Runs both graphs: finite numbers, an audio alike alone and in a batch, a prompt alike at once and in pieces.

    Gives False, and says so, where the memory is too small to load it. Raises ValueError when something is wrong.
    """
    lacking = lacking_memory(sum(path.stat().st_size for path in folder.glob("*.bin")))
    if lacking:
        report(f"not verified: {lacking}")
        return False
    runner = Qwen2AudioRunner(folder)
    rng = np.random.default_rng(0)
    mels = list(rng.uniform(-1, 1.5, (2, runner.manifest["audio"]["mel_bins"], 120)).astype(np.float32))
    together, alone = runner.hear(mels, [118, 61]), runner.hear([mels[1][:, :64]], [61])
    differs = np.abs(together[1] - alone[0]).max() / np.abs(alone[0]).max()
    if not differs <= TOLERANCE:
        raise ValueError(f"audio.onnx: a window alone and in a batch differ by {differs:.1%}")

    text = runner.rows(rng.integers(0, 1000, 12).tolist())
    prompt = np.concatenate([text[:4], together[0], text[4:]])[None]
    length = prompt.shape[1]
    whole = runner.read(runner.decoder(1, length), prompt, [length - 1])
    pieces = runner.decoder(1, length)
    runner.read(pieces, prompt[:, : length - 6], [])
    parted = runner.read(pieces, prompt[:, length - 6 :], [5])
    differs = np.abs(whole - parted).max() / np.abs(whole).max()
    if not differs <= TOLERANCE:
        raise ValueError(f"decoder.onnx: a prompt at once and in pieces differ by {differs:.1%}")
    report(f"verified: {folder} runs")
    return True


def lacking_memory(stored: int) -> str | None:
    """Why a pack of so many bytes can't be run here; None if it can."""
    needed, available = stored * BYTES_PER_STORED_BYTE, available_memory()
    if needed <= available:
        return None
    return f"to run it takes about {needed / 1e9:.0f} GB of memory, and {available / 1e9:.0f} are free"


def available_memory() -> int:
    """Bytes that can be had without swapping; as much as one likes where the system doesn't say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 1 << 62
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
