"""Texts to be copied."""

from __future__ import annotations

import random

import pytest

from training.data import texts


@pytest.mark.parametrize("seed", range(40))
def test_winding_is_long_enough_and_made_of_sentences_and_numbers(seed: int) -> None:
    sentences = ("The cat sat on the mat.", "Rain fell", "Who knows what the night will bring to us?")
    known = {word.strip(".?").lower() for sentence in sentences for word in sentence.split()}
    rng = random.Random(seed)
    wanted = rng.randint(1, 40)
    said = [word.strip(".,").lower() for word in texts.winding(rng, sentences, wanted).split()]
    assert wanted <= len(said) < wanted + 6
    assert all(word in known or word.isdigit() for word in said)


def test_winding_says_pieces_again() -> None:
    text = texts.winding(random.Random(3), texts.training_sentences(), 200)
    words = text.lower().replace(",", "").replace(".", "").split()
    triples = [tuple(words[start : start + 3]) for start in range(len(words) - 2)]
    assert len(set(triples)) < 0.9 * len(triples)
