"""Messages with questions about them, from families of templates."""

from __future__ import annotations

import random

from training.data.scenarios import test_families, training_families
from training.data.scenarios.grammar import Message, draw


def training_message(rng: random.Random, written: bool = False) -> Message:
    """A message of a family that is trained on."""
    return draw(rng.choice(training_families.FAMILIES), rng, written)


def test_message(rng: random.Random) -> Message:
    """A message of a family that is only evaluated."""
    return draw(rng.choice(test_families.FAMILIES), rng)
