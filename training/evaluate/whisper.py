"""Whisper alone on telephone prompts, with only the real frames: word error rate and loops, before and after."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from training import paths
from training.data.audio_files import decode
from training.data.fixtures import telephone_prompts
from training.evaluate.metrics import word_error_rate, words
from training.hearing.listening import Ear, Gate

OPEN = Gate(0.0, 2.0, -99.0, -98.0)


def measure(folder: Path, count: int) -> dict[str, float]:
    """Word error rate and number of loops of one Whisper, its loops left as they are."""
    ear = Ear(folder, OPEN)
    prompts = telephone_prompts(count)
    transcripts: list[str] = []
    for first in range(0, count, 10):
        batch = [decode(path) for _, path, _ in prompts[first : first + 10]]
        transcripts += [heard.transcript for heard in _hear(ear, batch)]
    texts = [text for _, _, text in prompts]
    loops = sum(len(words(said)) > 2 * len(words(text)) + 3 for said, text in zip(transcripts, texts, strict=True))
    return {"word_error_rate": word_error_rate(texts, transcripts), "loops": loops, "prompts": len(texts)}


def _hear(ear: Ear, batch: list) -> list:
    # is_loop would shut the gate, and here the loops are counted.
    ear.gate = _Everything()
    return ear.windows(batch, fallback=False)


class _Everything(Gate):
    def is_speech(self, heard: object) -> bool:
        """Everything counts."""
        return bool(getattr(heard, "ids", True))


def main() -> None:
    """Print the figures of the published and the distilled model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--only", choices=("before", "after"))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for name, folder in (("before", paths.whisper_base()), ("after", paths.whisper_short_context())):
        if arguments.only in (None, name):
            print(name, measure(folder, arguments.count), flush=True)


if __name__ == "__main__":
    main()
