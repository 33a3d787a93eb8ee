"""How messages and questions about them are written: families of templates over slots of values.

A value has variants: how it is spoken ("twelve dollars") and how Whisper may write it ("$12"). A family has texts and
questions; whoever draws from it gets the text with one variant a slot and answers in the same variants.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

ABOUT = ("What is the message about?", "What is this about?", "What does the speaker talk about?")
Value = tuple[str, ...]
Slot = Callable[[random.Random], Value]


@dataclass(frozen=True)
class Ask:
    """A question in several wordings, answers in several wordings, and the slots that a right answer names."""

    questions: tuple[str, ...]
    answers: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """A kind of message: its slots, texts, questions, and what it is about in a few words."""

    name: str
    slots: dict[str, Slot]
    texts: tuple[str, ...]
    asks: tuple[Ask, ...]
    about: str


@dataclass
class Message:
    """One drawn message; `values` holds every slot's variants, the first as it is spoken."""

    family: str
    template: str
    text: str
    values: dict[str, Value]
    asks: list[Ask] = field(default_factory=list)
    about: str = ""


@dataclass(frozen=True)
class Question:
    """A question with its answer; `accept` holds for each key the strings of which one must be in a right answer."""

    question: str
    answer: str
    accept: tuple[tuple[str, ...], ...]


def draw(family: Family, rng: random.Random, written: bool = False) -> Message:
    """A message of the family, as it is spoken, or with written variants where there are some."""
    values = {name: slot(rng) for name, slot in family.slots.items()}
    names = [value for value in values.values()]
    while len(set(names)) < len(names):  # two people, two places: never the same one twice
        values = {name: slot(rng) for name, slot in family.slots.items()}
        names = [value for value in values.values()]
    if written:
        values = {name: (rng.choice(variants), *variants) for name, variants in values.items()}
    template = rng.choice(family.texts)
    return Message(family.name, template, fill(template, values), values, answerable(family, template), family.about)


def answerable(family: Family, template: str) -> list[Ask]:
    """The questions whose slots the text names."""
    named = set(re.findall(r"{(\w+)}", template))
    return [item for item in family.asks if _slots(item) <= named]


def fill(template: str, values: dict[str, Value]) -> str:
    """The template with each slot's first variant, sentences capitalized."""
    text = template.format(**{name: variants[0] for name, variants in values.items()})
    return re.sub(r"(^|[.!?] )([a-z])", lambda match: match[1] + match[2].upper(), text)


def question(message: Message, item: Ask, rng: random.Random) -> Question:
    """One wording of a question about the message, with an answer in the message's variants."""
    return Question(
        fill(rng.choice(item.questions), message.values),
        fill(rng.choice(item.answers), message.values),
        tuple(message.values[key] for key in item.keys),
    )


def in_one_word(message: Message, rng: random.Random) -> Question:
    """A question to which a single word is the answer: a value of the message, or what it is about."""
    asks = [item for item in message.asks if len(item.keys) == 1 and " " not in message.values[item.keys[0]][0]]
    if asks and rng.random() < 0.6:
        asked = question(message, rng.choice(asks), rng)
        value = asked.accept[0][0]
        return Question(asked.question, value[:1].upper() + value[1:], asked.accept)
    # The noun says it: "a hotel room" is about a room.
    topic = message.about.split()[-1]
    return Question(rng.choice(ABOUT), topic.capitalize(), ((topic,),))


def as_heard(message: Message, transcript: str) -> Message:
    """The message with the variants that a transcript of it holds; slots not found lose their questions."""
    lowered = transcript.lower()
    values: dict[str, Value] = {}
    for name, variants in message.values.items():
        found = next((variant for variant in variants if variant.lower() in lowered), None)
        if found is not None:
            start = lowered.index(found.lower())
            values[name] = (transcript[start : start + len(found)], *variants)
    asks = [item for item in message.asks if _slots(item) <= set(values)]
    return Message(message.family, message.template, transcript, values, asks, message.about)


def _slots(item: Ask) -> set[str]:
    worded = {name for wording in (*item.questions, *item.answers) for name in re.findall(r"{(\w+)}", wording)}
    return worded | set(item.keys)
