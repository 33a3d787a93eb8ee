"""Goldens of the log-mel front-end: the same float32 samples in, spectrograms of 80 and 128 bins out."""

from __future__ import annotations

from pathlib import Path

import transformers

from training.goldens.audio import log_mel, real_frames, signals
from training.goldens.files import write_array, write_json

BINS = (80, 128)


def write_mel(folder: Path) -> None:
    """Writes mel-<signal>.json with its samples [n] and, for each number of bins, mel [bins, frames]."""
    for name, samples in signals().items():
        write_json(
            folder,
            f"mel-{name}",
            {
                "reference": f"transformers {transformers.__version__} WhisperFeatureExtractor",
                "tolerance": 1e-4,
                "sample_rate_hz": 16_000,
                "frames": real_frames(len(samples)),
                "samples": write_array(folder, f"mel-{name}.samples", samples),
                "mel": {str(bins): write_array(folder, f"mel-{name}.{bins}", log_mel(samples, bins)) for bins in BINS},
            },
        )
