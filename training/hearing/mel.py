"""Whisper's log-mel spectrogram of the real frames only.

Equal to the first columns of transformers' WhisperFeatureExtractor on the same samples: past the end it sees zeros.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor
from transformers import WhisperFeatureExtractor

SAMPLE_RATE_HZ = 16_000
HOP = 160
FFT = 400


def fill_window(mel: Tensor, frames: int = 3000) -> Tensor:
    """The mel [bins, n] of a clip that ends in at least 40 ms of zeros, continued with silence to [bins, frames]."""
    floor = max(-10.0, (float(mel.max()) * 4 - 4) - 8.0)
    return torch.nn.functional.pad(mel, (0, frames - mel.shape[1]), value=(floor + 4) / 4)


@cache
def _filters(bins: int) -> Tensor:
    """[bins, 201] f32, Slaney's scale, as in transformers."""
    filters = WhisperFeatureExtractor(feature_size=bins).mel_filters
    return torch.from_numpy(np.ascontiguousarray(filters.T)).float()


def log_mel(samples: np.ndarray, bins: int = 80) -> Tensor:
    """Samples [n] f32 at 16 kHz to [bins, frames] f32, frames even: ceil(n / 320) * 2."""
    frames = (len(samples) + 2 * HOP - 1) // (2 * HOP) * 2
    signal = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))
    signal = torch.nn.functional.pad(signal, (0, frames * HOP + FFT // 2 - len(samples)))
    signal = torch.nn.functional.pad(signal[None, None], (FFT // 2, 0), mode="reflect")[0, 0]
    spectrum = torch.stft(signal, FFT, HOP, window=torch.hann_window(FFT), center=False, return_complex=True)
    power = spectrum.real**2 + spectrum.imag**2
    decibels = torch.log10(torch.clamp(_filters(bins) @ power[:, :frames], min=1e-10))
    decibels = torch.maximum(decibels, decibels.max() - 8.0)
    return (decibels + 4.0) / 4.0
