"""The sentences that are read aloud and copied, split once into training and held-out ones."""

from __future__ import annotations

import gzip
import random
from functools import cache
from pathlib import Path

HELD_OUT = 3000
"""The last lines of the list: no training step reads them."""


@cache
def _all() -> tuple[str, ...]:
    path = Path(__file__).with_name("sentences.txt.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return tuple(line.strip() for line in lines if line.strip())


def training_sentences() -> tuple[str, ...]:
    """46,017 sentences of 4 to 18 words."""
    return _all()[:-HELD_OUT]


def held_out_sentences() -> tuple[str, ...]:
    """3,000 sentences that no training step reads."""
    return _all()[-HELD_OUT:]


def finished(sentence: str) -> str:
    """The sentence with a capital first letter and a full stop where it has no mark at its end."""
    sentence = sentence.strip().rstrip(",;:- ")
    sentence = sentence[:1].upper() + sentence[1:]
    return sentence if sentence.endswith((".", "?", "!")) else sentence + "."


def reading(rng: random.Random, sentences: tuple[str, ...], words: int) -> str:
    """Several sentences joined into one reading of at least `words` words."""
    parts: list[str] = []
    while sum(len(part.split()) for part in parts) < words:
        parts.append(finished(rng.choice(sentences)))
    return " ".join(parts)
