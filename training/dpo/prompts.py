"""What is asked for preference pairs, each prompt with the task that judges its answers."""

from __future__ import annotations

import json

from training.data.scenarios.grammar import question
from training.dpo.judge import Task
from training.sft import phrasings
from training.sft.mixture import Mixture, one_word_question
from training.sft.prompts import Prompt

SHARES = {
    "transcript": 0.1,
    "answer": 0.12,
    "word": 0.2,
    "reply": 0.16,
    "nothing": 0.1,
    "json": 0.1,
    "capitals": 0.22,
}
"""How often each kind of task is asked for: above all those with a form. Few answers and no labels: of what was heard
wrong the best sample is right by luck, and both got worse by many such pairs (docs/log.md)."""


def draw(mixture: Mixture) -> tuple[Prompt, Task]:
    """A prompt of a random kind, its answer the tuning's target."""
    rng = mixture.rng
    kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
    if kind == "transcript":
        audio, text = mixture.sentence()
        return mixture.one(audio, rng.choice(phrasings.TRANSCRIBE), text), Task("transcript", text)
    if kind == "answer":
        audio, message = mixture.message()
        asked = question(message, rng.choice(message.asks), rng)
        prompt = mixture.one(audio, asked.question, asked.answer)
        return prompt, Task("answer", asked.answer, asked.accept)
    if kind == "word":
        audio, message = mixture.message()
        asked = one_word_question(message, rng)
        return mixture.one(audio, asked.question, asked.answer), Task("word", asked.answer, asked.accept)
    if kind == "reply":
        prompt = mixture.chat()
        return prompt, Task("reply", mixture.renderer.decode(prompt.answer))
    if kind == "nothing":
        audio = mixture.wordless(rng.choice([label for label in mixture.by_label if label != "singing"]))
        prompt = mixture.one(audio, rng.choice(phrasings.TRANSCRIBE), phrasings.NOTHING_TO_TRANSCRIBE)
        return prompt, Task("nothing", phrasings.NOTHING_TO_TRANSCRIBE)
    audio, text = mixture.sentence()
    if kind == "capitals":
        return mixture.one(audio, rng.choice(phrasings.CAPITALS), text.upper()), Task("capitals", text.upper())
    wanted = json.dumps({"text": text}, ensure_ascii=False)
    return mixture.one(audio, rng.choice(phrasings.JSON_TRANSCRIPT), wanted), Task("json", wanted)
