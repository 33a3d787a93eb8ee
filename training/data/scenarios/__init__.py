"""Messages with questions about them, from families of templates."""

from __future__ import annotations

import random

from training.data.scenarios.grammar import Message, draw
from training.data.scenarios.values import load_families

TRAINING_FAMILIES = load_families("training-families.json")
TEST_FAMILIES = load_families("test-families.json")
"""Families that are only asked about in the evaluation: no text is shared with the training families."""


def training_message(rng: random.Random, written: bool = False) -> Message:
    """A message of a family that is trained on."""
    return draw(rng.choice(TRAINING_FAMILIES), rng, written)


def test_message(rng: random.Random) -> Message:
    """A message of a family that is only evaluated."""
    return draw(rng.choice(TEST_FAMILIES), rng)
