"""Spoken corpora in shards: texts read by Piper and Kokoro, resumable, one file every 200 texts.

A shard is an npz with `audio` (int16, all clips of 16 kHz end to end) and `meta` (JSON: one object a clip).
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from training import paths
from training.data import questions, texts
from training.data.scenarios import training_message
from training.data.scenarios.grammar import Message
from training.data.speakers import Kokoro, Piper, training_voices
from training.sft.labels import DIGITS, WORDS

SHARD = 200


@dataclass(frozen=True)
class Clip:
    """One spoken text; `voice` is "piper" or a Kokoro voice; `values` are the slots of a message (see scenarios)."""

    text: str
    voice: str
    kind: str
    samples: int
    family: str = ""
    template: str = ""
    values: dict[str, list[str]] | None = None


def sentences(rng: random.Random) -> str:
    """A sentence of the list, sometimes two."""
    first = texts.finished(rng.choice(texts.training_sentences()))
    return first if rng.random() < 0.8 else first + " " + texts.finished(rng.choice(texts.training_sentences()))


def spoken_questions(rng: random.Random) -> str:
    """A general question or command."""
    return rng.choice(questions.training_questions())


def messages(rng: random.Random) -> Message:
    """A message of a training family."""
    return training_message(rng)


@dataclass(frozen=True)
class Corpus:
    """How many texts of which kind are read by whom."""

    speaker: str
    kind: str
    write: Callable[[random.Random], str | Message]
    count: int


def words(rng: random.Random) -> str:
    """One word, as a command or a digit."""
    return rng.choice([*DIGITS, *DIGITS, *WORDS]).capitalize() + "."


CORPORA = (
    Corpus("piper", "words", words, 200),
    Corpus("piper", "sentences", sentences, 2000),
    Corpus("piper", "messages", messages, 200),
    Corpus("piper", "questions", spoken_questions, 200),
    Corpus("kokoro", "sentences", sentences, 200),
)


def shard_dir() -> Path:
    """Where the shards lie."""
    return paths.train_dir() / "speech"


def build(corpus: Corpus, limit: int) -> None:
    """Speak one corpus, at most `limit` texts of it; finished shards are kept."""
    piper = Piper() if corpus.speaker == "piper" else None
    kokoro = Kokoro() if corpus.speaker == "kokoro" else None
    voices = training_voices()
    shard_dir().mkdir(parents=True, exist_ok=True)
    count = min(corpus.count, limit)
    for start in range(0, count, SHARD):
        path = shard_dir() / f"{corpus.speaker}-{corpus.kind}-{start:05d}.npz"
        if path.exists():
            continue
        rng = random.Random(f"{corpus.speaker} {corpus.kind} {start}")
        clips: list[Clip] = []
        audio: list[np.ndarray] = []
        for _ in range(min(SHARD, count - start)):
            written = corpus.write(rng)
            text = written if isinstance(written, str) else written.text
            if piper is not None:
                voice, samples = "piper", piper.say(text, rng)
            else:
                assert kokoro is not None
                voice = rng.choice(voices)
                samples = kokoro.say(text, voice, rng.uniform(0.85, 1.25))
            level = rng.uniform(0.15, 0.9) / max(1e-3, float(np.abs(samples).max()))
            audio.append((samples * level * 32767).astype(np.int16))
            clip = Clip(text, voice, corpus.kind, len(samples))
            if isinstance(written, Message):
                values = {name: list(variants) for name, variants in written.values.items()}
                clip = replace(clip, family=written.family, template=written.template, values=values)
            clips.append(clip)
        temporary = path.with_suffix(".tmp.npz")
        np.savez(temporary, audio=np.concatenate(audio), meta=json.dumps([asdict(clip) for clip in clips]))
        temporary.rename(path)
        print(path.name, flush=True)


def load(pattern: str = "*") -> Iterator[tuple[Clip, np.ndarray]]:
    """Every clip of the finished shards with its samples, [n] int16 at 16 kHz."""
    for path in sorted(shard_dir().glob(f"{pattern}.npz")):
        if path.name.endswith(".tmp.npz"):
            continue
        shard = np.load(path)
        audio, start = shard["audio"], 0
        for entry in json.loads(str(shard["meta"])):
            clip = Clip(**entry)
            yield clip, audio[start : start + clip.samples]
            start += clip.samples


def main() -> None:
    """Speak all corpora of a speaker (or of both)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--speaker", choices=("piper", "kokoro"))
    parser.add_argument("--kind")
    parser.add_argument("--limit", type=int, default=1_000_000, help="at most so many texts of each corpus")
    arguments = parser.parse_args()
    for corpus in CORPORA:
        if arguments.speaker in (None, corpus.speaker) and arguments.kind in (None, corpus.kind):
            build(corpus, arguments.limit)


if __name__ == "__main__":
    main()
