"""Word error rate and answer matching, after lower-casing, stripping punctuation and writing numbers as words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from training.data.scenarios.values import number_words

_UNITS = {"$": "dollars", "€": "euros", "£": "pounds"}


def words(text: str) -> list[str]:
    """The words that are compared: no case, no punctuation, no hyphens, numbers spelt out."""
    text = text.lower().replace("\u2019", "'")
    text = re.sub(r"([$€£])\s?([\d,.]*\d)", lambda found: f"{found[2]} {_UNITS[found[1]]}", text)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"\d+", lambda found: f" {_number(found[0])} ", text)
    text = text.replace("%", " percent ").replace("-", " ")
    return re.sub(r"[^a-z' ]", " ", text).replace(" '", " ").split()


def _number(digits: str) -> str:
    value = int(digits)
    return number_words(value) if value < 1_000_000 else " ".join(digits)


def edits(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Levenshtein's distance in words."""
    row = list(range(len(hypothesis) + 1))
    for index, expected in enumerate(reference, 1):
        diagonal, row[0] = row[0], index
        for column, given in enumerate(hypothesis, 1):
            diagonal, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, diagonal + (expected != given)),
            )
    return row[-1]


def word_error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Edits over reference words, of the whole set."""
    pairs = [
        (words(reference), words(hypothesis)) for reference, hypothesis in zip(references, hypotheses, strict=True)
    ]
    return sum(edits(*pair) for pair in pairs) / max(1, sum(len(reference) for reference, _ in pairs))


def names_one(answer: str, accept: Sequence[str]) -> bool:
    """Whether the answer names one of the accepted strings, numbers compared as words."""
    plain = " ".join(words(answer))
    raw = answer.lower()
    return any(" ".join(words(item)) in plain or item.lower() in raw for item in accept)
