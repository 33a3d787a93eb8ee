"""How often the answers after DPO are preferred to those before, by the rules, on prompts that neither was trained on.

Kept-out families of messages, sentences, questions and sounds are asked with both states, greedy; answers of one score
are ties, and said to be so.
"""

from __future__ import annotations

import argparse
import json
import random

import numpy as np
import torch

from training import paths
from training.data import scenarios, sounds, texts
from training.data.questions import TEST_QUESTIONS
from training.data.scenarios.grammar import question
from training.dpo.judge import Task, judge
from training.dpo.pairs import Policy
from training.dpo.train import dpo_state
from training.hearing.listening import RATE, Ear
from training.sft import labels, phrasings
from training.sft.mixture import Mixture, one_word_question
from training.sft.model import Llm
from training.sft.prompts import Prompt, Window
from training.sft.train import state_path

MAX_TOKENS = 60


def prompts(mixture: Mixture, ear: Ear, count: int) -> list[tuple[Prompt, Task]]:
    """Of each kind as many: unseen messages, asked about in sentences and in a word; sentences, and their capitals;
    test questions; held-out sounds by name and to be transcribed."""
    rng = random.Random(71)
    held_out = [(sound.label, samples) for sound, samples in sounds.load() if sound.held_out]
    known = [name for name in mixture.names if name != "noise"]

    def sentence() -> tuple[list[Window], str]:
        text = texts.finished(rng.choice(texts.held_out_sentences()))
        return mixture.simulated(text), text

    def sound() -> tuple[list[Window], str]:
        label, samples = rng.choice(held_out)
        return [ear.windows([samples[: 8 * RATE].astype(np.float32)], words=False)[0].window], labels.name(label)

    def message() -> tuple[Prompt, Task]:
        said = scenarios.test_message(rng)
        asked = question(said, rng.choice(said.asks), rng)
        task = Task("answer", asked.answer, asked.accept)
        return mixture.one(mixture.simulated(said.text), asked.question, ""), task

    def word() -> tuple[Prompt, Task]:
        said = scenarios.test_message(rng)
        asked = one_word_question(said, rng)
        task = Task("word", asked.answer, asked.accept)
        return mixture.one(mixture.simulated(said.text), asked.question, ""), task

    def transcript() -> tuple[Prompt, Task]:
        audio, text = sentence()
        return mixture.one(audio, rng.choice(phrasings.TRANSCRIBE), ""), Task("transcript", text)

    def capitals() -> tuple[Prompt, Task]:
        audio, text = sentence()
        return mixture.one(audio, rng.choice(phrasings.CAPITALS), ""), Task("capitals", text.upper())

    def spoken_question() -> tuple[Prompt, Task]:
        asked, accept = rng.choice(TEST_QUESTIONS)
        # As long as a sentence that says the question again.
        task = Task("answer", f"{asked} {accept[0]}", (accept,))
        return mixture.one(mixture.simulated(asked), "", ""), task

    def label() -> tuple[Prompt, Task]:
        audio, name = sound()
        listed, answer = labels.choices(rng, name, known, rng.choice([4, 10, 20]))
        return mixture.renderer.turns([([audio, labels.ask(rng, listed)], "")]), Task("label", answer)

    def nothing() -> tuple[Prompt, Task]:
        audio, _ = sound()
        task = Task("nothing", phrasings.NOTHING_TO_TRANSCRIBE)
        return mixture.one(audio, rng.choice(phrasings.TRANSCRIBE), ""), task

    kinds = (message, word, transcript, capitals, spoken_question, label, nothing)
    return [kinds[index % len(kinds)]() for index in range(count)]


def compare(count: int) -> dict[str, object]:
    """Wins, losses and ties of DPO against the tuning it began with; by kind of task [wins, losses]."""
    llm = Llm(paths.smollm2_base())
    policies = {"sft": Policy(state_path(), llm), "dpo": Policy(dpo_state(), llm)}
    mixture = Mixture(123_456)
    asked = prompts(mixture, Ear(), count)
    for prompt, _ in asked:
        prompt.answer = []
    asked.sort(key=lambda item: len(item[0]))
    scores: dict[str, list[float]] = {name: [] for name in policies}
    for first in range(0, len(asked), 16):
        part = asked[first : first + 16]
        for name, policy in policies.items():
            answers = policy.answers([prompt for prompt, _ in part], MAX_TOKENS)
            scores[name] += [
                judge(task, mixture.renderer.decode(ids), finished=len(ids) < MAX_TOKENS)
                for (_, task), (ids,) in zip(part, answers, strict=True)
            ]
    pairs = list(zip(scores["sft"], scores["dpo"], strict=True))
    wins, losses = sum(after > before for before, after in pairs), sum(after < before for before, after in pairs)
    decided: dict[str, list[int]] = {}
    for (_, task), (before, after) in zip(asked, pairs, strict=True):
        both = decided.setdefault(task.kind, [0, 0])
        both[0] += after > before
        both[1] += after < before
    return {
        "prompts": len(pairs),
        "dpo_preferred": wins,
        "sft_preferred": losses,
        "preferred_by_kind": decided,
        "ties": len(pairs) - wins - losses,
        "share_of_decided": round(wins / max(1, wins + losses), 3),
        "mean_score_sft": round(sum(scores["sft"]) / len(pairs), 4),
        "mean_score_dpo": round(sum(scores["dpo"]) / len(pairs), 4),
    }


def main() -> None:
    """Print and keep the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=420)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    figures = compare(arguments.count)
    print(json.dumps(figures))
    (paths.train_dir() / "preference.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
