"""How often the answers after DPO are preferred to those before, by the rules, on prompts that neither was trained on.

Kept-out families of messages, sentences, and held-out sounds (`training.evaluate`) are asked with both states, greedy;
answers of one score are ties, and said to be so.
"""

from __future__ import annotations

import argparse
import json
import random

import numpy as np
import torch

from training import paths
from training.data import scenarios, sounds, texts
from training.data.scenarios.grammar import question
from training.dpo.judge import Task, judge
from training.dpo.pairs import Policy
from training.dpo.train import dpo_state
from training.hearing.listening import RATE, Ear
from training.sft import labels, phrasings
from training.sft.mixture import Mixture
from training.sft.model import Llm
from training.sft.prompts import Prompt
from training.sft.train import state_path

MAX_TOKENS = 60


def prompts(mixture: Mixture, ear: Ear, count: int) -> list[tuple[Prompt, Task]]:
    """Of each kind a third: unseen messages, unseen sentences, held-out sounds."""
    rng = random.Random(71)
    held_out = [(sound.label, samples) for sound, samples in sounds.load() if sound.held_out]
    known = [name for name in mixture.names if name != "noise"]
    out: list[tuple[Prompt, Task]] = []
    for index in range(count):
        if index % 3 == 0:
            message = scenarios.test_message(rng)
            asked = question(message, rng.choice(message.asks), rng)
            audio = mixture.simulated(message.text)
            out.append((mixture.one(audio, asked.question, ""), Task("answer", asked.answer, asked.accept)))
        elif index % 3 == 1:
            text = texts.finished(rng.choice(texts.held_out_sentences()))
            prompt = mixture.one(mixture.simulated(text), rng.choice(phrasings.TRANSCRIBE), "")
            out.append((prompt, Task("transcript", text)))
        else:
            label, samples = rng.choice(held_out)
            window = ear.windows([samples[: 8 * RATE].astype(np.float32)], words=False)[0].window
            listed, answer = labels.choices(rng, labels.name(label), known, rng.choice([4, 10, 20]))
            prompt = mixture.renderer.turns([([[window], labels.ask(rng, listed)], "")])
            out.append((prompt, Task("label", answer)))
    return out


def compare(count: int) -> dict[str, float]:
    """Wins, losses and ties of DPO against the tuning it began with."""
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
    return {
        "prompts": len(pairs),
        "dpo_preferred": wins,
        "sft_preferred": losses,
        "ties": len(pairs) - wins - losses,
        "share_of_decided": round(wins / max(1, wins + losses), 3),
        "mean_score_sft": round(sum(scores["sft"]) / len(pairs), 4),
        "mean_score_dpo": round(sum(scores["dpo"]) / len(pairs), 4),
    }


def main() -> None:
    """Print and keep the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    figures = compare(arguments.count)
    print(json.dumps(figures))
    (paths.train_dir() / "preference.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
