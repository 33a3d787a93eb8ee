"""What a recording goes through before it is heard: room, noise, telephone, level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, fftconvolve, resample, sosfilt

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


def at_another_speed(signal: np.ndarray, rng: Generator, most: float = 4 / 3) -> np.ndarray:
    """Faster and higher or slower and lower, by a factor of at most `most`: another dog, another bell. [n] f32."""
    speed = most ** rng.uniform(-1, 1)
    return resample(signal, max(2, round(len(signal) / speed))).astype(np.float32)


def coloured(signal: np.ndarray, rng: Generator, decibels: float = 8.0) -> np.ndarray:
    """As another microphone hears it: up to so many decibels more or less, smoothly over the frequencies. [n] f32."""
    spectrum = np.fft.rfft(signal)
    gains = rng.uniform(-decibels, decibels, 6)
    # Square roots of frequencies: about as far apart as the ear has them.
    curve = np.interp(np.sqrt(np.linspace(0, 1, len(spectrum))), np.linspace(0, 1, len(gains)), gains)
    return np.fft.irfft(spectrum * 10 ** (curve / 20), len(signal)).astype(np.float32)


@dataclass(frozen=True)
class Conditions:
    """How something was recorded: noise in decibels below it (None: none), telephone or not, its peak in [0, 1]."""

    noise_decibels: float | None
    telephone: bool
    peak: float


def record(
    signal: np.ndarray,
    rng: Generator,
    sounds: Sequence[np.ndarray] = (),
    clean: float = 0.25,
    loud: tuple[float, float] | None = None,
) -> tuple[np.ndarray, Conditions]:
    """A random recording of the signal, [n] f32 in [-1, 1]; a share `clean` is only set to another level.

    `loud`: all are in noise, and it is so many decibels below the signal, from and to.
    """
    signal = signal.astype(np.float32)
    decibels, by_telephone = None, False
    if rng.random() >= clean:
        if rng.random() < 0.25:
            signal = fftconvolve(signal, noise.room_response(rng, rng.uniform(0.1, 0.5)))[: len(signal)]
            signal = signal.astype(np.float32)
        if loud is not None or rng.random() < 0.7:
            if sounds and rng.random() < 0.2:
                background = np.resize(sounds[int(rng.integers(len(sounds)))], len(signal))
                decibels = float(rng.uniform(*(loud or (8, 25))))
                signal = mix(signal, background, decibels)
            else:
                make = BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))]
                decibels = float(rng.uniform(*(loud or (6, 35))))
                signal = mix(signal, make(rng, len(signal)), decibels)
        if rng.random() < 0.3:
            by_telephone = True
            signal = telephone(signal / max(1e-3, float(np.abs(signal).max())) * 0.7)
    level = float(rng.uniform(0.02, 0.2) if rng.random() < 0.25 else rng.uniform(0.2, 0.95))
    peak = max(1e-3, float(np.abs(signal).max()))
    return np.clip(signal / peak * level, -1, 1).astype(np.float32), Conditions(decibels, by_telephone, level)


def recorded(signal: np.ndarray, rng: Generator, sounds: Sequence[np.ndarray] = (), clean: float = 0.25) -> np.ndarray:
    """`record` without its conditions."""
    return record(signal, rng, sounds, clean)[0]
