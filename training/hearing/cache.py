"""What the distilled Whisper hears of the training corpora, once, so that tuning need not run Whisper.

Speech is heard through random rooms, noise and telephones; joined clips make recordings of up to two windows; sounds,
noise and silence are heard without words. One file a part; parts run side by side.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from training import paths
from training.data import augment, noise, sounds, speech_corpus
from training.data.speech_corpus import Clip
from training.hearing.listening import RATE, Ear, Listened, split_windows
from training.hearing.recording import Recording
from training.sft.prompts import Window

KINDS = ("sentence", "message", "question", "long", "sound", "noise", "silence")

NOISES = {
    "white noise": noise.white,
    "noise": noise.pink,
    "rumbling noise": noise.brown,
    "hissing noise": noise.hiss,
    "humming noise": noise.hum,
    "an electronic beep": noise.beeps,
    "a steady tone": noise.tone,
}


def make(kind: str, heard: list[Listened], text: str = "", label: str = "", clip: Clip | None = None) -> Recording:
    """A recording of heard windows, halves stored in f16."""
    windows = [
        Window(part.window.acoustic.half(), part.window.speech_ids.int(), part.window.speech_weights.half())
        for part in heard
    ]
    transcript = " ".join(part.transcript for part in heard if part.transcript)
    numbers = [part.no_speech for part in heard], [part.mean_log_probability for part in heard]
    return Recording(kind, windows, text, transcript, label, clip, *numbers)


def speech(ear: Ear, part: int, parts: int, rng: np.random.Generator, batch: int = 16) -> list[Recording]:
    """Every clip once, in batches of similar lengths."""
    clips = [(clip, audio) for clip, audio in speech_corpus.load()][part::parts]
    background = sounds.load_training_sounds()
    clips.sort(key=lambda entry: len(entry[1]))
    kinds = {"sentences": "sentence", "messages": "message", "questions": "question"}
    out: list[Recording] = []
    for first in range(0, len(clips), batch):
        chosen = [(clip, audio) for clip, audio in clips[first : first + batch] if len(audio) < 29.5 * RATE]
        heard = ear.windows([augment.recorded(audio / 32768, rng, background) for _, audio in chosen])
        out += [
            make(kinds[clip.kind], [item], clip.text, clip=clip) for (clip, _), item in zip(chosen, heard, strict=True)
        ]
        if first % (20 * batch) == 0:
            print(f"speech {first} of {len(clips)}", flush=True)
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
    """Sounds, music, noises and silence; every fourth is also decoded, to measure the gate."""
    entries: list[tuple[str, str, np.ndarray]] = []
    for sound, samples in sounds.load():
        if not sound.held_out:
            entries.append(("sound", sound.label, samples))
    for label, generator in NOISES.items():
        for _ in range(45):
            entries.append(("noise", label, generator(rng, int(rng.uniform(1, 9) * RATE)) * np.float32(0.05)))
    entries += [("silence", "silence", np.zeros(int(rng.uniform(0.4, 12) * RATE), np.float32)) for _ in range(90)]
    out: list[Recording] = []
    for index, (kind, label, samples) in enumerate(entries[part::parts]):
        if kind != "silence":
            samples = augment.recorded(samples, rng, clean=0.6) if kind == "sound" else samples
            samples = (samples / max(1e-3, float(np.abs(samples).max())) * rng.uniform(0.02, 0.9)).astype(np.float32)
        out.append(make(kind, ear.windows([samples[: 12 * RATE]], words=index % 4 == 0), label=label))
        if index % 200 == 0:
            print(f"without words {index} of {len(entries) // parts}", flush=True)
    return out


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


def main() -> None:
    """Hear one part of the corpora."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--what", choices=("speech", "joined", "without-words"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    part, parts = arguments.part, arguments.parts
    folder = paths.train_dir() / "heard"
    folder.mkdir(exist_ok=True)
    ear = Ear()
    makers = {
        "without-words": lambda rng: without_words(ear, part, parts, rng),
        "speech": lambda rng: speech(ear, part, parts, rng),
        "joined": lambda rng: joined(ear, 240 // parts, rng),
    }
    for name, maker in makers.items():
        path = folder / f"{name}-{part}-of-{parts}.pt"
        if arguments.what in (None, name) and not path.exists():
            torch.save(maker(np.random.default_rng(17 + part)), path)
            print(path.name, flush=True)


if __name__ == "__main__":
    main()
