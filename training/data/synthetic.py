"""Sounds that can be computed: sirens, alarms, telephones, bells, clocks, horns, rain, wind, knocks, whistles.

Only for training, beside the real recordings, of which there are few; nothing computed is ever measured on.
Each function gives [n] f32 at 16 kHz.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, sosfilt

from training.data import noise
from training.data.noise import RATE


def _time(samples: int) -> np.ndarray:
    return np.arange(samples) / RATE


def _tone(frequency: np.ndarray | float, samples: int, harmonics: int, rng: Generator) -> np.ndarray:
    """A periodic tone whose frequency may move, with harmonics that fade."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(frequency, samples)) / RATE
    return sum(rng.uniform(0.3, 1) / order**1.2 * np.sin(order * phase) for order in range(1, harmonics + 1))


def siren(rng: Generator, samples: int) -> np.ndarray:
    """A wail, a yelp, or two tones in turn."""
    time, low = _time(samples), rng.uniform(400, 750)
    high = low * rng.uniform(1.25, 2.4)
    kind = rng.integers(3)
    rate = rng.uniform(0.15, 0.5) if kind == 0 else rng.uniform(2, 4.5) if kind == 1 else rng.uniform(0.5, 1.2)
    wave = np.sin(2 * np.pi * rate * time + rng.uniform(0, 6)) / 2 + 0.5
    moved = np.round(wave) if kind == 2 else wave
    return _tone(low + (high - low) * moved, samples, int(rng.integers(2, 6)), rng)


def alarm(rng: Generator, samples: int) -> np.ndarray:
    """Groups of fast electronic beeps."""
    time = _time(samples)
    group, beeps = rng.uniform(0.6, 1.6), int(rng.integers(2, 6))
    length = rng.uniform(0.05, 0.14)
    inside = time % group
    on = (inside < beeps * 2 * length) & (inside % (2 * length) < length)
    return _tone(rng.uniform(1200, 3600), samples, int(rng.integers(1, 5)), rng) * on


def telephone(rng: Generator, samples: int) -> np.ndarray:
    """A ringing bell or trill, on and off, or the ringing tone of an exchange."""
    time, kind = _time(samples), rng.integers(3)
    if kind == 0:
        first, second = rng.choice([(440, 480), (400, 450), (425, 425)])
        ring = np.sin(2 * np.pi * first * time) + np.sin(2 * np.pi * second * time)
        return ring * (time % rng.uniform(3, 5) < rng.uniform(1, 2))
    low = rng.uniform(800, 1500)
    turn = np.round(np.sin(2 * np.pi * rng.uniform(9, 25) * time) / 2 + 0.5)
    ring = _tone(low * (1 + turn * rng.uniform(0.1, 0.35)), samples, 2 if kind == 1 else 5, rng)
    return ring * (time % rng.uniform(1.4, 4) < rng.uniform(0.7, 1.6))


def bell(rng: Generator, samples: int) -> np.ndarray:
    """Struck bells: partials that aren't harmonic, each dying away."""
    out, base = np.zeros(samples), rng.uniform(220, 1400)
    gap, decay = rng.uniform(0.5, 2.5), rng.uniform(0.4, 2.0)
    partials = np.array([0.5, 1, 1.19, 1.56, 2, 2.66, 3.01, 4.1]) * rng.uniform(0.98, 1.02, 8)
    for start in np.arange(rng.uniform(0, 0.3), samples / RATE, gap):
        time = _time(samples - int(start * RATE))
        strike = sum(
            rng.uniform(0.2, 1) * np.sin(2 * np.pi * base * part * time) * np.exp(-time / decay * part**0.5)
            for part in partials
        )
        out[int(start * RATE) :] += strike
    return out


def clock(rng: Generator, samples: int) -> np.ndarray:
    """Ticks, two kinds in turn."""
    out, gap = np.zeros(samples), float(rng.choice([1.0, 0.5, 0.4, 0.25])) * rng.uniform(0.95, 1.05)
    ticks = [_click(rng, rng.uniform(1500, 5000), rng.uniform(0.002, 0.008)) for _ in range(2)]
    for index, start in enumerate(np.arange(0.05, samples / RATE, gap)):
        _add(out, ticks[index % 2] * rng.uniform(0.8, 1), start)
    return out + 2e-4 * rng.standard_normal(samples)


def knock(rng: Generator, samples: int) -> np.ndarray:
    """Knuckles on wood, in groups."""
    out, frequency = np.zeros(samples), rng.uniform(120, 420)
    start = rng.uniform(0.05, 0.3)
    while start < samples / RATE:
        for _ in range(int(rng.integers(2, 5))):
            _add(out, _click(rng, frequency * rng.uniform(0.95, 1.05), rng.uniform(0.012, 0.03)), start)
            start += rng.uniform(0.15, 0.3)
        start += rng.uniform(0.6, 1.5)
    return out + 2e-4 * rng.standard_normal(samples)


def horn(rng: Generator, samples: int) -> np.ndarray:
    """A car's horn: two rich tones, long or short."""
    time, low = _time(samples), rng.uniform(300, 450)
    tones = _tone(low, samples, 9, rng) + _tone(low * rng.uniform(1.18, 1.28), samples, 9, rng)
    period = rng.uniform(0.5, 3)
    return tones * (time % period < period * rng.uniform(0.5, 0.9))


def rain(rng: Generator, samples: int) -> np.ndarray:
    """Steady noise of many drops, some of them near."""
    band = butter(2, (rng.uniform(300, 900), rng.uniform(5000, 7800)), "bandpass", fs=RATE, output="sos")
    out = sosfilt(band, noise.white(rng, samples)) * 0.3
    for start in rng.uniform(0, samples / RATE, int(samples / RATE * rng.uniform(5, 60))):
        _add(out, _click(rng, rng.uniform(900, 5000), rng.uniform(0.001, 0.006)) * rng.uniform(0.1, 0.8), start)
    return out


def wind(rng: Generator, samples: int) -> np.ndarray:
    """Gusts: low noise whose loudness and pitch wander."""
    moments = np.arange(0, samples / RATE + 1, 0.7)
    slow = np.interp(_time(samples), moments, rng.uniform(0.1, 1, len(moments)))
    low = sosfilt(butter(2, rng.uniform(200, 500), fs=RATE, output="sos"), noise.white(rng, samples))
    centre = rng.uniform(350, 900)
    whistle = sosfilt(butter(2, (centre, centre * 1.5), "bandpass", fs=RATE, output="sos"), noise.white(rng, samples))
    return (low + whistle * slow) * slow


def whistle(rng: Generator, samples: int) -> np.ndarray:
    """Somebody whistling a few notes."""
    notes = np.repeat(rng.uniform(900, 2400, 12), int(samples / 12) + 1)[:samples]
    glide = np.convolve(notes, np.ones(800) / 800, "same")
    time = _time(samples)
    vibrato = 1 + 0.01 * np.sin(2 * np.pi * rng.uniform(4, 7) * time)
    breath = 0.05 * noise.white(rng, samples)
    return (_tone(glide * vibrato, samples, 2, rng) + breath) * (np.sin(2 * np.pi * rng.uniform(0.5, 2) * time) > -0.6)


MAKERS: dict[str, Callable[[Generator, int], np.ndarray]] = {
    "siren": siren,
    "alarm": alarm,
    "telephone": telephone,
    "bell": bell,
    "clock": clock,
    "knock": knock,
    "car horn": horn,
    "rain": rain,
    "wind": wind,
    "whistle": whistle,
}


def _click(rng: Generator, frequency: float, decay: float) -> np.ndarray:
    time = _time(int(8 * decay * RATE) + 8)
    ringing = np.sin(2 * np.pi * frequency * time) + 0.5 * rng.standard_normal(len(time))
    return ringing * np.exp(-time / decay)


def _add(out: np.ndarray, event: np.ndarray, start: float) -> None:
    first = int(start * RATE)
    kept = event[: max(0, len(out) - first)]
    out[first : first + len(kept)] += kept
