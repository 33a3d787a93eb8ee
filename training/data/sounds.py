"""Recordings of sounds: which there are, of what class, and whether they are trained on.

`sounds.json` is the manifest: which files of which Debian packages are recordings of what, and which of them are held
out (every third independent one: files of one name but for its number, or of the same waveform, are one recording,
unless an earlier split had parted them). Instruments and effects are rendered by `instruments`. All clips are cached
in one npz.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np

from training import paths
from training.data import instruments, synthetic
from training.data.audio_files import RATE, decode

LONGEST_S = 10.0
SHORTEST_S = 0.8
PHRASES = 12
"""Phrases of each instrument from each soundfont or set of recorded notes that is trained on."""
EFFECTS = 6
"""Clips of each sound effect of a soundfont that is trained on."""
HELD_OUT_PHRASES, HELD_OUT_EFFECTS = 8, 2
"""The same of the soundfont that is held out."""
COMPUTED = 28
"""Computed sounds of each class that has some; never held out."""
INSTRUMENT = "music: "
"""What the label of a rendered instrument begins with."""
FEW = 3
"""A class of fewer independent recordings is said to be so: its figures mean little."""

Clip = tuple[str, str, bool, np.ndarray]
"""Label, recording, whether it is held out, samples [n] f32."""


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


def fingerprint() -> str:
    """Of all that decides which clips there are."""
    fonts = [(font.name, held_out) for font, held_out in instruments.soundfonts()]
    tables = (instruments.PROGRAMS, instruments.EFFECTS, instruments.RECORDED, sorted(synthetic.MAKERS))
    numbers = (LONGEST_S, SHORTEST_S, PHRASES, EFFECTS, HELD_OUT_PHRASES, HELD_OUT_EFFECTS, COMPUTED)
    return hashlib.sha256(json.dumps([classes(), fonts, tables, numbers]).encode()).hexdigest()


def build(path: Path) -> None:
    """Decode and render everything into one cache."""
    sounds: list[Sound] = []
    audio: list[np.ndarray] = []
    for label, recording, held_out, samples in chain(_recorded(), _played(), _computed()):
        if len(samples) < 0.05 * RATE or np.abs(samples).max() < 0.01:
            continue
        scaled = samples / np.abs(samples).max() * 0.8
        audio.append((scaled * 32767).astype(np.int16))
        sounds.append(Sound(label, recording, held_out, len(scaled)))
    temporary = path.with_suffix(".tmp.npz")
    meta = json.dumps([asdict(sound) for sound in sounds])
    np.savez(temporary, audio=np.concatenate(audio), meta=meta, made_from=fingerprint())
    temporary.rename(path)


def _recorded() -> Iterator[Clip]:
    for label, entry in classes().items():
        for split in ("training", "held_out"):
            for recording in entry[split]:
                for clip in _clips(decode(paths.sound_packages() / recording), entry, random.Random(recording)):
                    yield label, recording, split == "held_out", clip


def _played() -> Iterator[Clip]:
    for font, held_out in instruments.soundfonts():
        rng, available = random.Random(font.stem), instruments.presets(font)
        phrases = [
            (f"{INSTRUMENT}{name}", instruments.phrase(rng, name, rng.uniform(2.5, 7)))
            for name in instruments.PROGRAMS
            if instruments.has(available, name)
            for _ in range(HELD_OUT_PHRASES if held_out else PHRASES)
        ]
        phrases += [
            (label, instruments.effect(rng, preset, rng.uniform(2, 6)))
            for label, presets in instruments.EFFECTS.items()
            for preset in presets
            if preset in available
            for _ in range(HELD_OUT_EFFECTS if held_out else EFFECTS)
        ]
        clips = instruments.render([phrase for _, phrase in phrases], font, rng)
        for index, ((label, _), clip) in enumerate(zip(phrases, clips, strict=True)):
            yield label, f"{font.stem} {label} {index}", held_out, clip
    for package, name in instruments.RECORDED.items():
        rng, notes = random.Random(package), instruments.recorded_notes(package)
        for index in range(PHRASES):
            phrase = instruments.phrase(rng, name, rng.uniform(2.5, 7))
            yield f"{INSTRUMENT}{name}", f"{package} {index}", False, instruments.play_recorded(phrase, notes, rng)


def _computed() -> Iterator[Clip]:
    generator = np.random.default_rng(7)
    for label, maker in synthetic.MAKERS.items():
        for index in range(COMPUTED):
            clip = maker(generator, int(generator.uniform(1.5, 8) * RATE)).astype(np.float32)
            yield label, f"computed {label} {index}", False, clip


def load() -> list[tuple[Sound, np.ndarray]]:
    """All clips, [n] f32 at 16 kHz; empty when the cache was not built.

    Raises ValueError when it was built from another list of sounds.
    """
    return _load(cache_path()) if cache_path().exists() else []


@cache
def _load(path: Path) -> list[tuple[Sound, np.ndarray]]:
    stored = np.load(path)
    if not _is_current(stored):
        raise ValueError(f"{path} was made from another list of sounds: run python -m training.data.sounds")
    audio, start, clips = stored["audio"], 0, []
    for entry in json.loads(str(stored["meta"])):
        sound = Sound(**entry)
        clips.append((sound, audio[start : start + sound.samples].astype(np.float32) / 32768))
        start += sound.samples
    return clips


def _is_current(stored: Mapping[str, np.ndarray]) -> bool:
    return "made_from" in stored and str(stored["made_from"]) == fingerprint()


def load_training_sounds() -> list[np.ndarray]:
    """The clips that may be trained on."""
    return [samples for sound, samples in load() if not sound.held_out]


def cache_path() -> Path:
    """Where the clips are cached."""
    return paths.train_dir() / "sounds.npz"


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
    """Build the cache unless it is there, of the same list of sounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--again", action="store_true")
    if parser.parse_args().again or not cache_path().exists() or not _is_current(np.load(cache_path())):
        build(cache_path())
    counts: dict[str, list[int]] = {}
    for sound, _ in load():
        counts.setdefault(sound.label, [0, 0])[sound.held_out] += 1
    for label, (kept, held_out) in sorted(counts.items()):
        print(f"{label}: {kept} training, {held_out} held out")


if __name__ == "__main__":
    main()
