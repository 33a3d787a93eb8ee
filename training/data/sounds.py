"""Recordings of sounds: which there are, of what class, and whether they are trained on.

`sounds.json` is the manifest: which files of which Debian packages are recordings of what, and which of them are held
out (every third independent one: files of one name but for its number, or of the same waveform, are one recording,
unless an earlier split had parted them). Instruments and effects are rendered by `instruments`. All clips are cached
in one npz.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from training import paths
from training.data import instruments, synthetic

RATE = 16_000
LONGEST_S = 10.0
SHORTEST_S = 0.8
PHRASES = 24
"""Phrases of each instrument rendered for training; a third as many for evaluation."""
COMPUTED = 28
"""Computed sounds of each class that has some; never held out."""
INSTRUMENT = "music: "
"""What the label of a rendered instrument begins with."""
FEW = 3
"""A class of fewer independent recordings is said to be so: its figures mean little."""


@dataclass(frozen=True)
class Sound:
    """One clip; `recording` names the independent recording that it is cut from."""

    label: str
    recording: str
    held_out: bool
    samples: int


def classes() -> dict[str, dict]:
    """The table of classes: `says` holds ways to name the sound, `training` and `held_out` its files, `independent`
    how many independent recordings they are."""
    return json.loads(Path(__file__).with_name("sounds.json").read_text(encoding="utf-8"))


def build(path: Path) -> None:
    """Decode and render everything into one cache."""
    sounds: list[Sound] = []
    audio: list[np.ndarray] = []

    def add(label: str, recording: str, held_out: bool, samples: np.ndarray) -> None:
        if len(samples) < 0.05 * RATE or np.abs(samples).max() < 0.01:
            return
        scaled = samples / np.abs(samples).max() * 0.8
        audio.append((scaled * 32767).astype(np.int16))
        sounds.append(Sound(label, recording, held_out, len(scaled)))

    for label, entry in classes().items():
        for recording, held_out in [(file, False) for file in entry["training"]] + [
            (file, True) for file in entry["held_out"]
        ]:
            for clip in _clips(decode(paths.sound_packages() / recording), entry, random.Random(recording)):
                add(label, recording, held_out, clip)
    rng = random.Random(5)
    for split, number in (("training", PHRASES), ("held-out", PHRASES // 3)):
        for font in instruments.soundfonts(split):
            phrases = [
                (f"{INSTRUMENT}{name}", instruments.phrase(rng, name, rng.uniform(2.5, 7)))
                for name in instruments.PROGRAMS
                for _ in range(number)
            ]
            for label, program in instruments.EFFECTS.items():
                phrases += [(label, instruments.effect(rng, program, 4.0)) for _ in range(number // 4)]
            played = instruments.render([phrase for _, phrase in phrases], font, rng)
            for index, ((label, _), clip) in enumerate(zip(phrases, played, strict=True)):
                add(label, f"{font.stem} {label} {index}", split == "held-out", clip)
    generator = np.random.default_rng(7)
    for label, maker in synthetic.MAKERS.items():
        for index in range(COMPUTED):
            clip = maker(generator, int(generator.uniform(1.5, 8) * RATE)).astype(np.float32)
            add(label, f"computed {label} {index}", False, clip)
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, audio=np.concatenate(audio), meta=json.dumps([asdict(sound) for sound in sounds]))
    temporary.rename(path)


def load() -> list[tuple[Sound, np.ndarray]]:
    """All clips, [n] f32 at 16 kHz; empty when the cache was not built."""
    return _load(cache_path()) if cache_path().exists() else []


@cache
def _load(path: Path) -> list[tuple[Sound, np.ndarray]]:
    stored = np.load(path)
    audio, start, clips = stored["audio"], 0, []
    for entry in json.loads(str(stored["meta"])):
        sound = Sound(**entry)
        clips.append((sound, audio[start : start + sound.samples].astype(np.float32) / 32768))
        start += sound.samples
    return clips


def load_training_sounds() -> list[np.ndarray]:
    """The clips that may be trained on."""
    return [samples for sound, samples in load() if not sound.held_out]


def cache_path() -> Path:
    """Where the clips are cached."""
    return paths.train_dir() / "sounds.npz"


def decode(file: Path) -> np.ndarray:
    """Any audio file as [n] f32 mono at 16 kHz, its first two minutes; empty when it isn't audio."""
    if not file.exists():
        raise FileNotFoundError(file)
    command = ["ffmpeg", "-v", "error", "-t", "120", "-i", str(file), "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=False).stdout, np.float32)


def _clips(samples: np.ndarray, entry: dict, rng: random.Random) -> list[np.ndarray]:
    """The recording whole, in excerpts where it is long, repeated where it is a single short event."""
    if len(samples) == 0:
        return []
    longest = int(LONGEST_S * RATE)
    if entry.get("repeat"):
        step = np.trim_zeros(samples)[: int(0.6 * RATE)]
        gap = rng.uniform(0.35, 0.7)
        out = np.zeros(int((gap * 6 + 0.7) * RATE), np.float32)
        for beat in range(6):
            start = int((gap * beat + rng.uniform(0, 0.05)) * RATE)
            out[start : start + len(step)] += step * rng.uniform(0.6, 1.0)
        return [out] if len(samples) < 2 * RATE else [samples[:longest]]
    if len(samples) < SHORTEST_S * RATE:
        gap = np.zeros(int(rng.uniform(0.2, 0.6) * RATE), np.float32)
        return [np.concatenate([samples, gap] * int(np.ceil(SHORTEST_S * RATE / len(samples))))]
    if len(samples) <= longest:
        return [samples]
    excerpts = []
    for _ in range(int(entry.get("excerpts", 2))):
        length = int(rng.uniform(3, LONGEST_S) * RATE)
        start = rng.randint(0, len(samples) - length)
        excerpts.append(samples[start : start + length])
    return excerpts


def main() -> None:
    """Build the cache unless it is there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--again", action="store_true")
    if parser.parse_args().again or not cache_path().exists():
        build(cache_path())
    counts: dict[str, list[int]] = {}
    for sound, _ in load():
        counts.setdefault(sound.label, [0, 0])[sound.held_out] += 1
    for label, (kept, held_out) in sorted(counts.items()):
        print(f"{label}: {kept} training, {held_out} held out")


if __name__ == "__main__":
    main()
