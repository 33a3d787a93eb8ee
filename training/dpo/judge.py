"""How good an answer is, by rules that a computer can check: 0 is bad, 1 is good.

Word error rate, the right label, made-up words where nobody speaks, the form that was asked for, length, repetition.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field

from training.evaluate.metrics import names_one, word_error_rate, words


@dataclass(frozen=True)
class Task:
    """What is wanted: `kind` is transcript, capitals, json, answer, word, reply, label or nothing; `wanted` the target;
    `accept` what a right answer must name, any string of each group."""

    kind: str
    wanted: str
    accept: tuple[tuple[str, ...], ...] = field(default=())


def judge(task: Task, answer: str, finished: bool = True) -> float:
    """The score of an answer in [0, 1]."""
    if not answer.strip():
        return 0.0
    score = _rule(task, answer.strip())
    if repeats(answer):
        score *= 0.3
    if not finished:
        score *= 0.5
    return score * _length(task, answer)


def repeats(answer: str) -> bool:
    """Whether some run of one to six words comes three times in a row."""
    plain = words(answer)
    return any(
        plain[start : start + size]
        == plain[start + size : start + 2 * size]
        == plain[start + 2 * size : start + 3 * size]
        for size in range(1, 7)
        for start in range(len(plain) - 3 * size + 1)
    )


def shared_words(wanted: str, answer: str) -> float:
    """F1 of the words of two texts, as SQuAD counts it."""
    expected, given = Counter(words(wanted)), Counter(words(answer))
    return 2 * (expected & given).total() / max(1, expected.total() + given.total())


def _rule(task: Task, answer: str) -> float:
    if task.kind == "transcript":
        return max(0.0, 1 - word_error_rate([task.wanted], [answer]))
    if task.kind == "label":
        plain = re.sub(r"[^a-z0-9 ]", "", answer.lower()).strip()
        return (
            1.0 if plain == task.wanted.lower() else 0.5 if re.search(rf"\b{re.escape(task.wanted)}\b", plain) else 0.0
        )
    if task.kind == "nothing":
        return 1.0 if re.search(r"\b(no|not|nothing|silent|silence)\b", answer.lower()) else 0.0
    if task.kind == "json":
        return _json(task.wanted, answer)
    if task.kind == "capitals":
        return 0.5 * (answer == answer.upper()) + 0.5 * max(0.0, 1 - word_error_rate([task.wanted], [answer]))
    if task.kind == "reply":
        return shared_words(task.wanted, answer)
    named = [names_one(answer, group) for group in task.accept]
    right = sum(named) / max(1, len(named))
    return 0.5 * (len(answer.split()) == 1) + 0.5 * right if task.kind == "word" else right


def _json(wanted: str, answer: str) -> float:
    """Half for the form, half for what it holds."""
    expected = json.loads(wanted)
    try:
        given = json.loads(answer)
    except ValueError:
        return 0.0
    if not isinstance(given, dict) or given.keys() != expected.keys():
        return 0.2
    near = [max(0.0, 1 - word_error_rate([str(value)], [str(given[name])])) for name, value in expected.items()]
    return 0.5 + 0.5 * sum(near) / len(near)


def _length(task: Task, answer: str) -> float:
    """1 up to twice the target's length and three words, then less."""
    allowed = 2 * len(words(task.wanted)) + 3
    given = len(words(answer))
    return 1.0 if given <= allowed else max(0.3, allowed / given)
