"""Preference pairs of the tuned model's own samples: the best of several answers to one prompt, and a worse one.

Each prompt is answered once greedily and several times at a temperature; `judge` scores the answers; where they differ
enough, the best and the greedy one become a pair, or the best and the worst. The reference's log-probabilities are kept
with it. Resumes where it was stopped.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from training import paths
from training.dpo.judge import Task, judge
from training.dpo.loss import answer_log_probabilities
from training.dpo.prompts import draw
from training.sft.mixture import Mixture
from training.sft.model import END, Llm, sample
from training.sft.prompts import Prompt, Window
from training.sft.train import state_path
from training.sft.tuned import Tuned

GAP = 0.15
"""Answers whose scores are nearer than this say nothing about what is better."""


@dataclass
class Pair:
    """Two answers (ids, with the end of turn) to a prompt, and their log-probabilities under the reference."""

    prompt: Prompt
    kind: str
    chosen: list[int]
    rejected: list[int]
    reference: tuple[float, float] = (0.0, 0.0)


class Policy(Tuned):
    """A tuned model whose answers are drawn and compared."""

    def log_probabilities(self, prompts: list[Prompt], answers: list[list[int]]) -> Tensor:
        """Summed log-probability of each answer, [n] f32."""
        rows = [self.embedded(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
        hidden, _ = self.llm(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), self.adapter)
        where = [
            hidden[index, len(row) - len(answer) - 1 : len(row) - 1]
            for index, (row, answer) in enumerate(zip(rows, answers, strict=True))
        ]
        return answer_log_probabilities(self.llm.logits(torch.cat(where)), answers)

    def disturbed(self, prompt: Prompt) -> Prompt:
        """The prompt as if another recording had been heard: those that the tuning knows are answered too well."""

        def again(acoustic: Tensor) -> Tensor:
            return self.projector.disturbed(acoustic.to(self.llm.device)).to(acoustic.device)

        segments = [
            replace(part, acoustic=again(part.acoustic)) if isinstance(part, Window) else part
            for part in prompt.segments
        ]
        return Prompt(segments, prompt.answer)

    @torch.no_grad()
    def answers(
        self, prompts: list[Prompt], max_tokens: int, temperatures: Sequence[float] = (0.0,)
    ) -> list[list[list[int]]]:
        """An answer at each temperature to each prompt, with the end of turn where it was reached."""
        rows = [self.embedded(prompt, []) for prompt in prompts]
        given = sample(self.llm, rows, self.adapter, max_tokens, temperatures)
        return [[ids if len(ids) == max_tokens else [*ids, END] for ids in answers] for answers in given]


def pairs_path() -> Path:
    """Where the pairs are kept."""
    return paths.train_dir() / "dpo-pairs.pt"


def choose(mixture: Mixture, prompt: Prompt, task: Task, answers: list[list[int]], max_tokens: int) -> Pair | None:
    """The best of the answers and the greedy one, the first, or the worst where the greedy one is about as good; none
    where they don't differ enough."""

    def score(ids: list[int]) -> float:
        return judge(task, mixture.renderer.decode(ids), finished=len(ids) < max_tokens)

    best, greedy, worst = max(answers, key=score), answers[0], min(answers, key=score)
    rejected = greedy if score(best) - score(greedy) >= GAP else worst
    enough = score(best) - score(rejected) >= GAP and score(best) >= 0.5
    return Pair(prompt, task.kind, best, rejected) if enough else None


def make(minutes: float, samples: int, batch: int, temperature: float) -> list[Pair]:
    """Pairs of prompts that the tuning never saw in this order, for so many minutes."""
    policy = Policy(state_path(), Llm(paths.smollm2_base()))
    kept: list[Pair] = torch.load(pairs_path(), weights_only=False) if pairs_path().exists() else []
    mixture = Mixture(900_000 + len(kept))
    start, asked = time.monotonic(), 0
    while (now := time.monotonic() - start) < minutes * 60:
        drawn = [draw(mixture) for _ in range(batch)]
        drawn = [(prompt, task) for prompt, task in drawn if len(prompt) < 220]
        drawn = sorted(((policy.disturbed(prompt), task) for prompt, task in drawn), key=lambda item: len(item[0]))
        prompts = [prompt for prompt, _ in drawn]
        longest = max(len(prompt.answer) for prompt in prompts) + 12
        each = policy.answers(prompts, longest, [0.0] + [temperature] * (samples - 1))
        fresh = []
        for (prompt, task), answers in zip(drawn, each, strict=True):
            pair = choose(mixture, prompt, task, answers, longest)
            if pair is not None:
                fresh.append(pair)
        with torch.no_grad():
            for pair in fresh:
                both = policy.log_probabilities([pair.prompt] * 2, [pair.chosen, pair.rejected])
                pair.reference = (float(both[0]), float(both[1]))
        kept += fresh
        asked += len(drawn)
        temporary = pairs_path().with_suffix(".tmp")
        torch.save(kept, temporary)
        temporary.rename(pairs_path())
        print(
            f"{len(kept)} pairs, {len(fresh)} of the last {len(drawn)}, {minutes - now / 60:.0f} min to go", flush=True
        )
    return kept


def main() -> None:
    """Make pairs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--samples", type=int, default=4, help="answers to each prompt, the first greedy")
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--temperature", type=float, default=0.9)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    pairs = make(arguments.minutes, arguments.samples, arguments.batch, arguments.temperature)
    for kind in sorted({pair.kind for pair in pairs}):
        print(kind, sum(pair.kind == kind for pair in pairs))


if __name__ == "__main__":
    main()
