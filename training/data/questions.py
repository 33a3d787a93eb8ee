"""General questions and commands, as people ask an assistant: 1,650 for training, others with answers for tests."""

from __future__ import annotations

import itertools
import json
import random
import re
from functools import cache
from pathlib import Path

_LISTS = json.loads(Path(__file__).with_name("questions.json").read_text(encoding="utf-8"))

TEST_QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = tuple(
    (question, tuple(accept)) for question, accept in _LISTS["test"]
)
"""Questions with what a right answer names; the evaluation leaves out those that the text model answers wrongly."""


@cache
def training_questions() -> tuple[str, ...]:
    """About 1,650 questions and commands in a random order, none of them a test question."""
    written = [
        wording.format(item)
        for pattern in _LISTS["patterns"]
        for item, wording in itertools.product(pattern["items"], pattern["questions"])
    ]
    written += _LISTS["single"]
    rng = random.Random(3)
    for _ in range(120):
        a, b = rng.randint(2, 12), rng.randint(2, 12)
        written.append(
            rng.choice(
                [
                    f"What is {a} plus {b}?",
                    f"What is {a} times {b}?",
                    f"What is {a + b} minus {b}?",
                    f"How much is {a} and {b}?",
                ]
            )
        )
    test = {plain(question) for question, _ in TEST_QUESTIONS}
    kept = sorted({question for question in written if plain(question) not in test})
    rng.shuffle(kept)
    return tuple(kept)


def plain(text: str) -> str:
    """Lower-case words without punctuation."""
    return " ".join(re.sub(r"[^a-z0-9' ]", " ", text.lower()).split())
