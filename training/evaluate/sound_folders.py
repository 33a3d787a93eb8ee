"""The held-out sounds as folders named after their labels, for `auricle evaluate --suite folders:DIR`.

`all` has every class, at most so many recordings of each; `asked` the classes that people would ask for; `few` ten of
them, and recordings of all others as `none_of_these`.
"""

from __future__ import annotations

import argparse
import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile

from training.data import noise, sounds
from training.hearing.cache import NOISES
from training.sft import labels

ASKED = (
    *("dog", "cat", "rooster", "cow", "frog", "crow", "bee", "rain", "thunder", "wind", "running water", "fire"),
    *("car engine", "train", "siren", "car horn", "bell", "door", "breaking glass", "footsteps", "applause"),
    *("laughter", "scream", "cough", "gunshot", "explosion", "telephone", "alarm", "clock", "typing", "click"),
    *("an electronic beep", "humming noise", "hissing noise", "singing", "silence", "music: piano", "music: guitar"),
    *("music: violin", "music: cello", "music: flute", "music: trumpet", "music: saxophone", "music: organ"),
    *("music: drums", "music: choir"),
)
FEW = ("dog", "birds", "car engine", "door", "footsteps", "laughter", "explosion", "running water", "bell", "fire")
COMPUTED = 6
"""Noises of each kind, of other seeds than the tuning's."""


def held_out(each: int) -> dict[str, list[np.ndarray]]:
    """By class at most so many clips [n] f32, of as many recordings as there are."""
    clips: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for sound, samples in sounds.load():
        if sound.held_out:
            clips[sound.label][sound.recording].append(samples[: 8 * sounds.RATE])
    chosen: dict[str, list[np.ndarray]] = {}
    for label, recordings in clips.items():
        turns = [
            clip
            for turn in range(max(map(len, recordings.values())))
            for clip in (each_clips[turn] for each_clips in recordings.values() if turn < len(each_clips))
        ]
        chosen[label] = turns[:each]
    generator = np.random.default_rng(97)
    for label, make in NOISES.items():
        lengths = (int(generator.uniform(2, 8) * sounds.RATE) for _ in range(min(each, COMPUTED)))
        chosen[label] = [make(generator, length) * np.float32(0.05) for length in lengths]
    quiet = [np.zeros(int(seconds * sounds.RATE), np.float32) for seconds in (0.5, 2, 6, 12)]
    chosen["silence"] = [*quiet, noise.pink(generator, 4 * sounds.RATE) * np.float32(1e-4)]
    return chosen


def write(folder: Path, chosen: dict[str, list[np.ndarray]], offered: tuple[str, ...], others: bool) -> None:
    """A folder a label of `offered`; with `others` the rest as `none_of_these`."""
    shutil.rmtree(folder, ignore_errors=True)
    for label, clips in chosen.items():
        if label not in offered and not others:
            continue
        inside = folder / (labels.name(label) if label in offered else "none_of_these")
        inside.mkdir(parents=True, exist_ok=True)
        for index, clip in enumerate(clips):
            soundfile.write(inside / f"{label.replace(': ', '-')} {index}.wav", clip, sounds.RATE, subtype="PCM_16")
    print(folder, sum(1 for _ in folder.rglob("*.wav")), "recordings,", len(offered), "labels")


def main() -> None:
    """Write the three sets."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--each", type=int, default=6, help="recordings of each class at most")
    arguments = parser.parse_args()
    chosen = held_out(arguments.each)
    write(arguments.out / "all", chosen, tuple(chosen), others=False)
    write(arguments.out / "asked", chosen, ASKED, others=False)
    write(arguments.out / "few", {label: clips[:3] for label, clips in chosen.items()}, FEW, others=True)


if __name__ == "__main__":
    main()
