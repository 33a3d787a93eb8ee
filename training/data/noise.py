"""Signals that are nobody's recording: noises, hum, tones and silence, [n] f32 at 16 kHz, about unit loudness."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

RATE = 16_000


def coloured(rng: Generator, samples: int, exponent: float) -> np.ndarray:
    """Noise whose power falls as 1 / f^exponent: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 20.0)
    return _unit(np.fft.irfft(spectrum / frequency ** (exponent / 2), samples))


def white(rng: Generator, samples: int) -> np.ndarray:
    """White noise."""
    return coloured(rng, samples, 0.0)


def pink(rng: Generator, samples: int) -> np.ndarray:
    """Pink noise, between 0.7 and 1.3 in its exponent."""
    return coloured(rng, samples, float(rng.uniform(0.7, 1.3)))


def brown(rng: Generator, samples: int) -> np.ndarray:
    """Brown noise: rumble."""
    return coloured(rng, samples, float(rng.uniform(1.7, 2.3)))


def hiss(rng: Generator, samples: int) -> np.ndarray:
    """High-passed noise, as of a tape."""
    return coloured(rng, samples, float(rng.uniform(-1.5, -0.7)))


def hum(rng: Generator, samples: int) -> np.ndarray:
    """Mains hum of 50 or 60 Hz with harmonics."""
    time = np.arange(samples) / RATE
    base = float(rng.choice([50.0, 60.0]))
    signal = sum(
        rng.uniform(0.1, 1.0) / order * np.sin(2 * np.pi * (base * order * time + rng.uniform()))
        for order in range(1, int(rng.integers(4, 12)))
    )
    return _unit(np.asarray(signal) + 0.02 * rng.standard_normal(samples))


def beeps(rng: Generator, samples: int) -> np.ndarray:
    """A tone that is switched on and off."""
    time = np.arange(samples) / RATE
    period, on = rng.uniform(0.25, 1.2), rng.uniform(0.3, 0.7)
    tone = np.sin(2 * np.pi * rng.uniform(400, 2600) * time)
    return _unit(tone * ((time % period) < period * on) + 1e-4 * rng.standard_normal(samples))


def tone(rng: Generator, samples: int) -> np.ndarray:
    """A steady tone."""
    time = np.arange(samples) / RATE
    return _unit(np.sin(2 * np.pi * rng.uniform(150, 3000) * time) + 1e-4 * rng.standard_normal(samples))


def room_response(rng: Generator, seconds: float) -> np.ndarray:
    """An exponentially decaying impulse response: a small to middling room."""
    samples = int(seconds * RATE)
    tail = rng.standard_normal(samples) * np.exp(-6.9 * np.arange(samples) / samples)
    tail *= float(rng.uniform(0.05, 0.25)) / np.sqrt((tail**2).sum())
    tail[0] = 1.0
    return tail.astype(np.float32)


def _unit(signal: np.ndarray) -> np.ndarray:
    return (signal / (np.sqrt(np.mean(signal**2)) + 1e-9)).astype(np.float32)
