"""Lists of labels: the true one is there or the answer says that it isn't; every class can be named."""

from __future__ import annotations

import random

from training.data import instruments, sounds, synthetic
from training.sft import labels
from training.sft.phrasings import NONE_OF_THESE


def test_the_answer_is_in_the_list_or_none_of_these() -> None:
    rng = random.Random(2)
    others = [labels.name(label) for label in sounds.classes()]
    left_out = 0
    for _ in range(500):
        listed, answer = labels.choices(rng, "dog", others, rng.choice([2, 5, 10, 40]))
        assert len(set(listed)) == len(listed)
        assert (answer == "dog") == ("dog" in listed)
        left_out += answer == NONE_OF_THESE
        assert labels.ask(rng, listed).count(", ") == len(listed) - 1
    assert 60 < left_out < 140


def test_classes_that_sound_alike_are_classes() -> None:
    known = {labels.name(label) for label in sounds.classes()} | {"speech"} | set(instruments.PROGRAMS)
    known |= {labels.name(label) for label in labels.NAMES} | set(labels.NAMES)
    known |= set(synthetic.MAKERS)
    assert {label for group in labels.ALIKE for label in group} <= known


def test_no_recording_is_in_two_places() -> None:
    files = [file for entry in sounds.classes().values() for file in (*entry["training"], *entry["held_out"])]
    assert len(files) == len(set(files))
    assert all(entry["says"] and entry["training"] for entry in sounds.classes().values())
