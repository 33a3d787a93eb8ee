"""The loss of direct preference optimization (Rafailov et al., 2023), as Qwen2-Audio's paper writes it.

-log sigmoid(beta * ((log p(chosen) - log p_ref(chosen)) - (log p(rejected) - log p_ref(rejected)))), log-probabilities
summed over the answer's tokens; the reference is the tuned model, frozen. Held against TRL's in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Preference:
    """`loss` of a batch; `margins` [n] of the rewards, chosen less rejected; `accuracy`, the share above zero."""

    loss: Tensor
    margins: Tensor
    accuracy: float


def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float
) -> Preference:
    """All [n] f32: summed log-probabilities of the answers under the policy and under the reference."""
    margins = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return Preference(-F.logsigmoid(margins).mean(), margins.detach(), float((margins > 0).float().mean()))


def answer_log_probabilities(logits: Tensor, answers: list[list[int]]) -> Tensor:
    """Summed log-probability of each answer, [n] f32: `logits` [tokens of all answers, vocabulary] in their order."""
    wanted = torch.tensor([token for answer in answers for token in answer], device=logits.device)
    each = logits.log_softmax(-1).gather(1, wanted[:, None])[:, 0]
    return torch.stack([part.sum() for part in each.split([len(answer) for answer in answers])])
