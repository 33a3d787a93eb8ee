"""What a recording goes through before it is heard: room, noise, telephone, level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, fftconvolve, sosfilt

from training.data import noise

RATE = 16_000
BACKGROUNDS = (noise.white, noise.pink, noise.pink, noise.brown, noise.hiss, noise.hum)


def telephone(signal: np.ndarray) -> np.ndarray:
    """Band-limited to 300-3400 Hz and quantized by mu-law in 8 bits."""
    band = butter(6, (300, 3400), "bandpass", fs=RATE, output="sos")
    filtered = np.clip(sosfilt(band, signal), -1, 1)
    companded = np.sign(filtered) * np.log1p(255 * np.abs(filtered)) / np.log(256)
    companded = np.round(companded * 127) / 127
    return (np.sign(companded) * (256 ** np.abs(companded) - 1) / 255).astype(np.float32)


def mix(signal: np.ndarray, background: np.ndarray, decibels: float) -> np.ndarray:
    """The signal with a background at a signal-to-noise ratio of so many decibels."""
    power = float(np.mean(signal**2)) / max(1e-12, float(np.mean(background**2))) / 10 ** (decibels / 10)
    return signal + background * np.float32(np.sqrt(power))


def recorded(signal: np.ndarray, rng: Generator, sounds: Sequence[np.ndarray] = (), clean: float = 0.25) -> np.ndarray:
    """A random recording of the signal, [n] f32 in [-1, 1]; a share `clean` is only set to another level."""
    signal = signal.astype(np.float32)
    if rng.random() >= clean:
        if rng.random() < 0.25:
            signal = fftconvolve(signal, noise.room_response(rng, rng.uniform(0.1, 0.5)))[: len(signal)]
            signal = signal.astype(np.float32)
        if rng.random() < 0.7:
            if sounds and rng.random() < 0.2:
                background = np.resize(sounds[int(rng.integers(len(sounds)))], len(signal))
                signal = mix(signal, background, float(rng.uniform(8, 25)))
            else:
                make = BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))]
                signal = mix(signal, make(rng, len(signal)), float(rng.uniform(6, 35)))
        if rng.random() < 0.3:
            signal = telephone(signal / max(1e-3, float(np.abs(signal).max())) * 0.7)
    peak = max(1e-3, float(np.abs(signal).max()))
    return np.clip(signal / peak * rng.uniform(0.05, 0.95), -1, 1).astype(np.float32)
