"""The DPO loss against TRL's on the same numbers; the rules that judge answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from training.dpo.judge import Task, judge, repeats
from training.dpo.loss import answer_log_probabilities, dpo_loss

TRL = json.loads((Path(__file__).parent / "references" / "dpo-trl.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", TRL["cases"], ids=lambda case: f"beta {case['beta']}")
def test_loss_equals_trl(case: dict) -> None:
    inputs = [torch.tensor(TRL[name]) for name in ("chosen", "rejected", "reference_chosen", "reference_rejected")]
    given = dpo_loss(*inputs, beta=case["beta"])
    assert float(given.loss) == pytest.approx(sum(case["losses"]) / len(case["losses"]), rel=1e-5)
    margins = torch.tensor(case["chosen_rewards"]) - torch.tensor(case["rejected_rewards"])
    torch.testing.assert_close(given.margins, margins, rtol=1e-4, atol=1e-5)
    assert given.accuracy == pytest.approx(float((margins > 0).float().mean()))


def test_learning_lifts_the_chosen_answer_over_the_rejected() -> None:
    chosen, rejected = torch.zeros(2, requires_grad=True), torch.zeros(2, requires_grad=True)
    dpo_loss(chosen, rejected, torch.zeros(2), torch.zeros(2), beta=0.1).loss.backward()
    assert chosen.grad is not None and rejected.grad is not None
    assert bool((chosen.grad < 0).all()) and bool((rejected.grad > 0).all())


def test_answers_log_probabilities_are_sums_of_their_tokens() -> None:
    logits = torch.randn(5, 7, generator=torch.Generator().manual_seed(3))
    each = logits.log_softmax(-1)
    given = answer_log_probabilities(logits, [[1, 2], [6, 0, 3]])
    expected = torch.stack([each[0, 1] + each[1, 2], each[2, 6] + each[3, 0] + each[4, 3]])
    torch.testing.assert_close(given, expected)


@pytest.mark.parametrize(
    ("task", "better", "worse"),
    [
        (Task("transcript", "The train is late."), "The train is late.", "The rain is late."),
        (Task("transcript", "Stop."), "Stop.", "Stop stop stop stop stop stop stop."),
        (Task("label", "dog"), "dog", "I hear a dog."),
        (Task("label", "dog"), "I hear a dog.", "cat"),
        (Task("nothing", "There is no speech."), "There is no speech in it.", "Thank you for watching."),
        (Task("json", '{"text": "a cold night"}'), '{"text": "a cold night"}', '{"text": "an old knight"}'),
        (Task("json", '{"text": "a cold night"}'), '{"text": "an old knight"}', "a cold night"),
        (Task("capitals", "GO LEFT."), "GO LEFT.", "Go left."),
        (Task("capitals", "GO LEFT."), "GO LEFT.", "GO HOME AND LEAVE."),
        (Task("word", "Noon", (("noon",),)), "Noon.", "At noon."),
        (Task("word", "Noon", (("noon",),)), "Noon", "Nine"),
        (Task("word", "Noon", (("noon",),)), "At noon", "At nine"),
        (Task("reply", "Paris is the capital of France."), "The capital is Paris.", "I am not sure what you mean."),
        (Task("answer", "At noon.", (("noon", "12:00"),)), "At noon.", "At nine."),
        (Task("answer", "At noon.", (("noon",),)), "At noon.", "At noon " + "and so on and on, as they say here, " * 4),
    ],
)
def test_the_better_answer_scores_higher(task: Task, better: str, worse: str) -> None:
    assert judge(task, better) > judge(task, worse)


def test_an_empty_answer_and_an_endless_one() -> None:
    task = Task("transcript", "Go left.")
    assert judge(task, " ") == 0.0
    assert judge(task, "Go left.", finished=False) < judge(task, "Go left.")
    assert repeats("so it goes so it goes so it goes") and not repeats("so it goes, and so it went")
