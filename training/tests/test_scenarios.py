"""The grammar of messages: families can be asked about; what is evaluated shares nothing with what is trained on."""

from __future__ import annotations

import random
import re

from training.data import questions
from training.data.scenarios import TEST_FAMILIES, TRAINING_FAMILIES
from training.data.scenarios.grammar import Message, answerable, as_heard, draw, in_one_word, question
from training.data.scenarios.values import number_words


def skeleton(template: str) -> tuple[str, ...]:
    """The words of a template without its slots."""
    return tuple(re.findall(r"[a-z']+", re.sub(r"{\w+}", " ", template.lower())))


def test_no_text_and_no_family_name_is_shared() -> None:
    texts = {skeleton(text) for family in TRAINING_FAMILIES for text in family.texts}
    assert not texts & {skeleton(text) for family in TEST_FAMILIES for text in family.texts}
    assert not {family.name for family in TRAINING_FAMILIES} & {family.name for family in TEST_FAMILIES}


def test_every_text_can_be_asked_about_and_every_question_is_used() -> None:
    for family in (*TRAINING_FAMILIES, *TEST_FAMILIES):
        asked = [item for text in family.texts for item in answerable(family, text)]
        assert all(answerable(family, text) for text in family.texts), family.name
        assert all(item in asked for item in family.asks), family.name


def test_answers_name_what_they_accept() -> None:
    rng = random.Random(1)
    for family in (*TRAINING_FAMILIES, *TEST_FAMILIES):
        for _ in range(10):
            message = draw(family, rng, written=rng.random() < 0.5)
            for item in message.asks:
                asked = question(message, item, rng)
                assert "{" not in asked.question + asked.answer + message.text
                assert any(variants[0].lower() in asked.answer.lower() for variants in asked.accept)
                assert all(variants[0].lower() in message.text.lower() for variants in asked.accept)


def test_one_word_is_asked_for_and_answers() -> None:
    rng = random.Random(2)
    for family in (*TRAINING_FAMILIES, *TEST_FAMILIES):
        for _ in range(10):
            message = draw(family, rng, written=rng.random() < 0.5)
            asked = in_one_word(message, rng)
            assert len(asked.answer.split()) == 1
            (accepted,) = asked.accept
            assert asked.answer.lower() == accepted[0].lower()
            assert accepted[0] in message.text or accepted[0] in message.about


def test_values_are_found_in_a_transcript_as_it_writes_them() -> None:
    family = next(family for family in TRAINING_FAMILIES if family.name == "order")
    values = {"count": ("twelve", "12"), "color": ("red",), "money": ("sixty dollars", "$60")}
    template = "Please send {count} {color} shirts. I will pay {money}."
    spoken = Message("order", template, "", values, answerable(family, template))
    heard = as_heard(spoken, "Please send 12 red shirts. I will pay $60.")
    assert heard.values["count"][0] == "12"
    assert heard.values["money"][0] == "$60"
    misheard = as_heard(spoken, "Please send 12 bread shirts. I will pay $60.")
    assert len(misheard.asks) < len(heard.asks)


def test_test_questions_are_not_trained_on() -> None:
    trained_on = {questions.plain(asked) for asked in questions.training_questions()}
    assert len(trained_on) > 1500
    assert not trained_on & {questions.plain(asked) for asked, _ in questions.TEST_QUESTIONS}


def test_numbers_in_words() -> None:
    assert number_words(0) == "zero"
    assert number_words(48) == "forty-eight"
    assert number_words(950) == "nine hundred and fifty"
    assert number_words(7000) == "seven thousand"
