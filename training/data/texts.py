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


def winding(rng: random.Random, sentences: tuple[str, ...], words: int) -> str:
    """At least `words` words that no sense predicts: pieces of sentences and numbers, some pieces said again.

    Whoever copies it must follow what is heard: neither the likeliest word nor where a piece was last time helps.
    """
    pieces: list[str] = []
    while sum(len(piece.split()) for piece in pieces) < words:
        kind = rng.random()
        if len(pieces) > 1 and kind < 0.3:
            pieces.append(rng.choice(pieces[:-1]))  # not at once: nothing is to be learned of loops
        elif kind < 0.45:
            pieces.append(str(rng.randint(0, rng.choice((9, 99, 9999)))))
        else:
            said = rng.choice(sentences).strip(".?!,;: ").split()
            length = rng.randint(1, min(6, len(said)))
            start = rng.randint(0, len(said) - length)
            pieces.append(" ".join(said[start : start + length]))
    text = " ".join(piece + rng.choice(("", "", ",", ".")) for piece in pieces)
    return finished(text) if rng.random() < 0.6 else text.rstrip(",.")
