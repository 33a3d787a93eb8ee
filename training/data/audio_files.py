"""Audio files of any format, decoded by ffmpeg."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

RATE = 16_000


def decode(file: Path) -> np.ndarray:
    """Any audio file as [n] f32 mono at 16 kHz, its first two minutes; empty when it isn't audio."""
    if not file.exists():
        raise FileNotFoundError(file)
    command = ["ffmpeg", "-v", "error", "-t", "120", "-i", str(file), "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=False).stdout, np.float32)
