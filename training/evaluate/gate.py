"""The speech gate, measured: thresholds that keep spoken recordings and shut out sounds, music, noise and silence.

Heard recordings of the training corpora vote; the thresholds go to hearing.json as the pack's manifest has them.
"""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import asdict

import numpy as np

from training.hearing import cache
from training.hearing.listening import MAX_TOKENS, TAIL_SAMPLES, Gate, hearing_path

COST_OF_LOSING_SPEECH = 10.0
"""A missed sentence is as bad as so many invented ones."""
QUIET_DECIBELS = 6
"""How far below the speech noise is in the recordings that count."""


def votes() -> tuple[np.ndarray, np.ndarray]:
    """(no-speech probability, mean log-probability) of spoken and of wordless windows, [n, 2] each."""
    spoken: list[tuple[float, float]] = []
    wordless: list[tuple[float, float]] = []
    for recording in cache.load():
        pairs = list(zip(recording.no_speech, recording.mean_log_probability, strict=True))
        noise = recording.conditions.noise_decibels if recording.conditions else None
        if recording.text:
            # What is heard in louder noise was chosen by an earlier gate.
            spoken += pairs if noise is None or noise >= QUIET_DECIBELS else []
        else:
            # Crowds and laughter may hold words; -99 stands where nothing was decoded.
            wordless += [pair for pair in pairs if pair[1] > -90 and recording.label not in ("crowd", "laughter")]
    return np.array(spoken), np.array(wordless)


def is_speech(values: np.ndarray, no_speech: float, doubtful: float, floor: float) -> np.ndarray:
    """The rule of the gate on [n, 2]."""
    return (values[:, 1] >= floor) & ~((values[:, 0] > no_speech) & (values[:, 1] < doubtful))


def measure() -> tuple[Gate, dict[str, float]]:
    """The cheapest thresholds on a grid, and what they keep and let through."""
    spoken, wordless = votes()
    best: tuple[float, tuple[float, float, float]] | None = None
    grid = itertools.product(
        (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7), (*np.arange(-1.2, -0.15, 0.1), 0.0), np.arange(-2.0, -0.5, 0.1)
    )
    for no_speech, doubtful, floor in grid:
        if doubtful < floor:
            continue
        lost = 1 - is_speech(spoken, no_speech, doubtful, floor).mean()
        let_in = is_speech(wordless, no_speech, doubtful, floor).mean()
        cost = COST_OF_LOSING_SPEECH * lost + let_in
        if best is None or cost < best[0] - 1e-9:
            best = (cost, (float(no_speech), float(doubtful), float(floor)))
    assert best is not None
    no_speech, doubtful, floor = best[1]
    gate = Gate(Gate.min_rms, no_speech, round(doubtful, 3), round(floor, 3))
    figures = {
        "speech_kept": float(is_speech(spoken, *best[1]).mean()),
        "wordless_shut_out": float(1 - is_speech(wordless, *best[1]).mean()),
        "spoken_windows": len(spoken),
        "wordless_windows": len(wordless),
    }
    return gate, figures


def main() -> None:
    """Measure and write hearing.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry", action="store_true")
    dry = parser.parse_args().dry
    gate, figures = measure()
    print(gate, figures)
    if not dry:
        hearing = {"tail_samples": TAIL_SAMPLES, "max_tokens": MAX_TOKENS, "alternatives": 8, "gate": asdict(gate)}
        hearing_path().write_text(json.dumps(hearing, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
