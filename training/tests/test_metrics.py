"""Word error rate and answer matching."""

from __future__ import annotations

import pytest

from training.evaluate.metrics import edits, names_one, word_error_rate, words


def test_words_are_compared_without_case_punctuation_and_digits() -> None:
    assert words("It's 12 o'clock, and $1,500 IS 20%!") == [
        *("it's", "twelve", "o'clock", "and", "one", "thousand", "five", "hundred", "dollars", "is", "twenty"),
        "percent",
    ]
    assert words("forty-two") == words("42")


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [("a b c", "a b c", 0), ("a b c", "a c", 1), ("a b c", "a x c d", 2), ("", "a b", 2), ("a b", "", 2)],
)
def test_edits(reference: str, hypothesis: str, expected: int) -> None:
    assert edits(reference.split(), hypothesis.split()) == expected


def test_word_error_rate_is_over_all_words_of_the_set() -> None:
    assert word_error_rate(["one two three", "four"], ["one two", "four"]) == pytest.approx(0.25)


def test_an_answer_may_name_a_number_either_way() -> None:
    assert names_one("The fee is sixty dollars.", ["$60"])
    assert names_one("It costs $60.", ["sixty dollars"])
    assert not names_one("It costs $16.", ["sixty dollars"])
