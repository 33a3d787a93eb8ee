"""Goldens of resample.ts: scipy.signal.resample_poly with the same Kaiser-windowed sinc, in float64.

Run from this folder with numpy and scipy: `python resample.py`. Writes resample-<rate>.f32, little-endian.
"""

from math import gcd, pi

import numpy as np
from scipy.signal import resample_poly
from scipy.special import i0

TARGET_HZ = 16_000
PASS_BAND = 0.91
ATTENUATION_DB = 70.0
RATES_HZ = (8_000, 11_025, 22_050, 44_100, 48_000, 96_000)
SECONDS = 0.1


def chirp(rate: int) -> np.ndarray:
    """A sweep from 50 Hz to the source's Nyquist frequency, [rate / 10] f32."""
    time = np.arange(int(rate * SECONDS)) / rate
    phase = 2 * pi * (50 * time + (rate / 2 - 50) / (2 * SECONDS) * time**2)
    return (0.5 * np.sin(phase)).astype(np.float32)


def lowpass(up: int, down: int) -> np.ndarray:
    """The filter at `up` times the source rate, odd length, sum 1 (resample_poly multiplies by `up`)."""
    nyquist = min(1.0, up / down)
    half_width = (ATTENUATION_DB - 7.95) / 2.285 / (pi * nyquist * (1 - PASS_BAND)) / 2
    reach = int(np.ceil(half_width * up))
    time = np.arange(-reach, reach + 1) / up
    cutoff = nyquist * (1 + PASS_BAND) / 2
    beta = 0.1102 * (ATTENUATION_DB - 8.7)
    window = i0(beta * np.sqrt(np.maximum(0, 1 - (time / half_width) ** 2))) / i0(beta)
    taps = np.sinc(cutoff * time) * window * (np.abs(time) < half_width)
    return taps / taps.sum()


for rate in RATES_HZ:
    common = gcd(TARGET_HZ, rate)
    up, down = TARGET_HZ // common, rate // common
    result = resample_poly(chirp(rate).astype(np.float64), up, down, window=lowpass(up, down))
    result.astype("<f4").tofile(f"resample-{rate}.f32")
