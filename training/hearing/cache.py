"""What the distilled Whisper hears of the training corpora, once, so that tuning need not run Whisper.

Speech is heard through random rooms, noise and telephones, some of it again in loud noise; joined clips make recordings
of up to two windows, some of two speakers; prompts in other languages are heard as they are; sounds, noise and silence
are heard without words, each several times in other conditions. One file a part; parts run side by side.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training import paths
from training.data import audio_files, augment, noise, sounds, speech_corpus
from training.data.speech_corpus import Clip
from training.hearing.listening import RATE, Ear, Listened, split_windows
from training.hearing.recording import Recording
from training.sft.prompts import Window

KINDS = ("sentence", "message", "question", "word", "speakers", "foreign", "long", "sound", "noise", "silence")
TIMES_HEARD = 8
"""How often each sound is heard: once as it is, then in parts, at other speeds, in noise, rooms and telephones."""
COLOURED = 0.5
"""The share of these that another microphone hears."""
DECODED_EVERY = 11
"""One in so many of what holds no speech is also decoded; no divisor shared with TIMES_HEARD, so all ways come up."""
LOUD_NOISE = (-2.0, 10.0)
"""Decibels that loud noise is below the speech, from and to."""
LANGUAGES = {"Spanish": "es", "French": "fr", "Italian": "it", "Russian": "ru"}

NOISES = {
    "white noise": noise.white,
    "noise": noise.pink,
    "rumbling noise": noise.brown,
    "hissing noise": noise.hiss,
    "humming noise": noise.hum,
    "an electronic beep": noise.beeps,
    "a steady tone": noise.tone,
}


def make(
    kind: str,
    heard: list[Listened],
    text: str = "",
    label: str = "",
    clip: Clip | None = None,
    seconds: float = 0.0,
    conditions: augment.Conditions | None = None,
) -> Recording:
    """A recording of heard windows, halves stored in f16."""
    windows = [
        Window(part.window.acoustic.half(), part.window.speech_ids.int(), part.window.speech_weights.half())
        for part in heard
    ]
    transcript = " ".join(part.transcript for part in heard if part.transcript)
    numbers = [part.no_speech for part in heard], [part.mean_log_probability for part in heard]
    return Recording(kind, windows, text, transcript, label, clip, *numbers, seconds, conditions)


def speech(ear: Ear, part: int, parts: int, rng: np.random.Generator) -> list[Recording]:
    """Every clip once."""
    return _read_aloud(ear, islice(speech_corpus.load(), part, None, parts), rng)


def noisy(ear: Ear, count: int, rng: np.random.Generator) -> list[Recording]:
    """Clips in noise in which much is lost, as far as the gate takes them for speech; no single words."""
    clips = [(clip, audio) for clip, audio in speech_corpus.load() if clip.kind != "words"]
    chosen = [clips[index] for index in rng.permutation(len(clips))[:count]]
    heard = _read_aloud(ear, chosen, rng, clean=0.0, loud=LOUD_NOISE)
    return [recording for recording in heard if recording.transcript]


def _read_aloud(
    ear: Ear, clips: Iterable[tuple[Clip, np.ndarray]], rng: np.random.Generator, batch: int = 8, **conditions: Any
) -> list[Recording]:
    """In batches of similar lengths; `conditions` as `augment.record` takes them."""
    background = sounds.load_training_sounds()
    entries = sorted(clips, key=lambda entry: len(entry[1]))
    kinds = {"sentences": "sentence", "messages": "message", "questions": "question", "words": "word"}
    out: list[Recording] = []
    for first in range(0, len(entries), batch):
        chosen = [(clip, audio) for clip, audio in entries[first : first + batch] if len(audio) < 29.5 * RATE]
        recorded = [augment.record(audio / 32768, rng, background, **conditions) for _, audio in chosen]
        heard = ear.windows([samples for samples, _ in recorded])
        out += [
            make(kinds[clip.kind], [item], clip.text, "", clip, len(audio) / RATE, how)
            for (clip, audio), item, (_, how) in zip(chosen, heard, recorded, strict=True)
        ]
        if first % (10 * batch) == 0:
            print(f"speech {first} of {len(entries)}", flush=True)
    return out


def speakers(ear: Ear, count: int, rng: np.random.Generator) -> list[Recording]:
    """One or two of Kokoro's voices in turn; the label says how many."""
    clips = [(clip, audio) for clip, audio in speech_corpus.load("kokoro-*")]
    out: list[Recording] = []
    for index in range(count if clips else 0):
        first, second = (clips[int(rng.integers(len(clips)))] for _ in range(2))
        if index % 2:
            second = next((item for item in clips if item[0].voice == first[0].voice and item is not first), first)
        elif first[0].voice == second[0].voice:
            continue
        gap = np.zeros(int(rng.uniform(0.1, 0.6) * RATE), np.float32)
        samples = np.concatenate([first[1] / np.float32(32768), gap, second[1] / np.float32(32768)])[: 28 * RATE]
        samples, conditions = augment.record(samples, rng)
        label = "one" if index % 2 else "two"
        out.append(
            make("speakers", ear.windows([samples]), label=label, seconds=len(samples) / RATE, conditions=conditions)
        )
    return out


def foreign(ear: Ear, each: int, rng: np.random.Generator) -> list[Recording]:
    """Telephone prompts in other languages."""
    out: list[Recording] = []
    for language, code in LANGUAGES.items():
        files = sorted((paths.sound_packages() / f"asterisk-core-sounds-{code}-wav").rglob("*.wav"))
        chosen = [audio_files.decode(files[index]) for index in rng.permutation(len(files))]
        for samples in [samples for samples in chosen[: 3 * each] if 1.2 * RATE < len(samples) < 20 * RATE][:each]:
            recorded, conditions = augment.record(samples, rng, clean=0.6)
            seconds = len(samples) / RATE
            out.append(make("foreign", ear.windows([recorded]), label=language, seconds=seconds, conditions=conditions))
    return out


def joined(ear: Ear, count: int, rng: np.random.Generator) -> list[Recording]:
    """Recordings of several sentences: up to one window mostly, some of two."""
    clips = [(clip, audio) for clip, audio in speech_corpus.load("*sentences*")]
    out: list[Recording] = []
    for index in range(count):
        wanted = rng.uniform(32, 52) if index % 6 == 0 else rng.uniform(8, 28)
        parts, words, total = [], [], 0
        while total < wanted * RATE:
            clip, audio = clips[int(rng.integers(len(clips)))]
            gap = np.zeros(int(rng.uniform(0.15, 0.6) * RATE), np.float32)
            parts += [audio / np.float32(32768), gap]
            words.append(clip.text)
            total += len(audio) + len(gap)
        samples = augment.recorded(np.concatenate(parts), rng)
        out.append(make("long", ear.windows(split_windows(samples)), " ".join(words)))
    return out


def without_words(ear: Ear, part: int, parts: int, rng: np.random.Generator) -> list[Recording]:
    """Sounds, music, noises and silence; some of it also decoded, to measure the gate."""
    entries: list[tuple[str, str, np.ndarray, bool]] = []
    for sound, samples in sounds.load():
        if not sound.held_out:
            times = 1 if sound.recording.startswith("computed") else TIMES_HEARD
            entries += [("sound", sound.label, samples[: 10 * RATE], time > 0) for time in range(times)]
    for label, generator in NOISES.items():
        for _ in range(45):
            entries.append(("noise", label, generator(rng, int(rng.uniform(1, 9) * RATE)) * np.float32(0.05), False))
    for _ in range(90):
        entries.append(("silence", "silence", np.zeros(int(rng.uniform(0.4, 12) * RATE), np.float32), False))
    out: list[Recording] = []
    for index, (kind, label, samples, again) in enumerate(entries[part::parts]):
        conditions = None
        if again:
            samples = _excerpt(augment.at_another_speed(samples, rng), rng)
            if rng.random() < COLOURED:
                samples = augment.coloured(samples, rng)
            samples, conditions = augment.record(samples, rng, clean=0.2)
        elif kind != "silence":
            peak = max(1e-3, float(np.abs(samples).max()))
            samples = (samples / peak * rng.uniform(0.02, 0.9)).astype(np.float32)
        heard = ear.windows([samples], words=index % DECODED_EVERY == 0)
        out.append(make(kind, heard, label=label, seconds=len(samples) / RATE, conditions=conditions))
        if index % 200 == 0:
            print(f"without words {index} of {len(entries) // parts}", flush=True)
    return out


def _excerpt(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random part of what is longer than 3 s, mostly."""
    if len(samples) <= 3 * RATE or rng.random() < 0.3:
        return samples
    length = int(rng.uniform(1.5, len(samples) / RATE) * RATE)
    start = int(rng.integers(0, len(samples) - length + 1))
    return samples[start : start + length]


def load() -> list[Recording]:
    """All recordings of all finished parts, windows in f32 and int64."""
    recordings: list[Recording] = []
    for path in sorted((paths.train_dir() / "heard").glob("*.pt")):
        recordings += torch.load(path, weights_only=False)
    for recording in recordings:
        recording.windows = [
            Window(window.acoustic.float(), window.speech_ids.long(), window.speech_weights.float())
            for window in recording.windows
        ]
    return recordings


def _is_current(name: str, path: Path) -> bool:
    """Whether a part was heard of the sounds that there are now."""
    clips = sounds.cache_path()
    return name != "without-words" or not clips.exists() or path.stat().st_mtime >= clips.stat().st_mtime


def main() -> None:
    """Hear one part of the corpora."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--what", choices=("speech", "noisy", "joined", "speakers", "foreign", "without-words"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    part, parts = arguments.part, arguments.parts
    folder = paths.train_dir() / "heard"
    folder.mkdir(exist_ok=True)
    ear = Ear()
    makers = {
        "without-words": lambda rng: without_words(ear, part, parts, rng),
        "speech": lambda rng: speech(ear, part, parts, rng),
        "noisy": lambda rng: noisy(ear, 800 // parts, rng),
        "joined": lambda rng: joined(ear, 240 // parts, rng),
        "speakers": lambda rng: speakers(ear, 160 // parts, rng),
        "foreign": lambda rng: foreign(ear, 60 // parts, rng),
    }
    for name, maker in makers.items():
        path = folder / f"{name}-{part}-of-{parts}.pt"
        if arguments.what in (None, name) and not (path.exists() and _is_current(name, path)):
            torch.save(maker(np.random.default_rng(17 + part)), path)
            print(path.name, flush=True)


if __name__ == "__main__":
    main()
