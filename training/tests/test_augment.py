"""What a sound goes through before it is heard again."""

import numpy as np

from training.data import augment

RATE = augment.RATE


def test_another_speed_moves_length_and_pitch_together() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    for seed in range(20):
        moved = augment.at_another_speed(tone, np.random.default_rng(seed))
        assert 3 / 4 * RATE - 1 <= len(moved) <= 4 / 3 * RATE + 1
        loudest = int(np.abs(np.fft.rfft(moved)).argmax()) * RATE / len(moved)
        assert abs(loudest * len(moved) / RATE - 440) < 1


def test_another_microphone_colours_by_no_more_than_it_may() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    gains = []
    for seed in range(20):
        coloured = augment.coloured(noise, np.random.default_rng(seed), decibels=8)
        assert coloured.shape == noise.shape
        gains.append(20 * np.log10(np.abs(np.fft.rfft(coloured))[1:-1] / np.abs(np.fft.rfft(noise))[1:-1]))
    assert np.abs(gains).max() < 8.1
    assert np.abs(gains).max() > 5
