"""The signals that goldens are made of, and the front-end of transformers on them."""

from __future__ import annotations

from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly
from transformers import WhisperFeatureExtractor

SAMPLE_RATE_HZ = 16_000
HOP_SAMPLES = 160
RECORDING = Path("web/samples/inaugural.wav")


def load_recording(path: Path = RECORDING) -> np.ndarray:
    """A sound file as 16 kHz mono, [samples] f32."""
    samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
    mono = samples.mean(axis=1)
    common = gcd(SAMPLE_RATE_HZ, rate)
    return resample_poly(mono, SAMPLE_RATE_HZ // common, rate // common).astype(np.float32)


def signals() -> dict[str, np.ndarray]:
    """Deterministic signals and two seconds of a real voice, each [samples] f32 at 16 kHz."""
    time = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    noise = np.random.default_rng(7).standard_normal(SAMPLE_RATE_HZ // 2 + 37)
    return {
        "sweep": (0.5 * np.sin(2 * np.pi * (50 * time + 3900 * time**2))).astype(np.float32),
        "noise": (0.1 * noise).astype(np.float32),
        "silence": np.zeros(SAMPLE_RATE_HZ // 5, np.float32),
        "speech": load_recording()[: 2 * SAMPLE_RATE_HZ],
    }


def real_frames(samples: int) -> int:
    """Frames that hold any of the audio, rounded up to an even number (conv2 halves them)."""
    return (samples + 2 * HOP_SAMPLES - 1) // (2 * HOP_SAMPLES) * 2


def log_mel(samples: np.ndarray, bins: int) -> np.ndarray:
    """The real frames of WhisperFeatureExtractor's 30 s spectrogram, [bins, frames] f32 (NumPy path, float64 inside).

    Behind the audio the extractor sees zeros up to 30 s, so the last frames do too.
    """
    extractor = WhisperFeatureExtractor(feature_size=bins)
    padded = np.zeros(extractor.n_samples, np.float32)
    padded[: len(samples)] = samples
    mel = extractor._np_extract_fbank_features(padded[None], device="cpu")[0]
    return np.asarray(mel[:, : real_frames(len(samples))], np.float32)
