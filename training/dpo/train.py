"""DPO over the pairs: the adapter learns, projector and reference stay as the tuning left them; resumable.

Frozen base, f32 adapter; gradients are clipped and watched as in the tuning.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from pathlib import Path

import torch

from training import paths
from training.dpo.loss import dpo_loss
from training.dpo.pairs import Pair, Policy, pairs_path
from training.sft.mixture import Mixture
from training.sft.model import Llm
from training.sft.progress import Progress, clipped
from training.sft.train import state_path as sft_state

PEAK_LEARNING_RATE = 1e-4
BETA = 0.2
LIKELIHOOD = 0.2
"""Weight of the chosen answers' own log-probability a token, which keeps DPO from making both less likely (RPO)."""
PAIRS_PER_BATCH = 4
ANCHORS = 2
"""Recordings to be named by label in each batch. No pairs are made of them, and they would get worse: the
log-probability of their right answers counts as that of the chosen ones does."""


def dpo_state() -> Path:
    """The resumable state, in the layout of the tuning's."""
    return paths.train_dir() / "dpo.pt"


def batches(pairs: list[Pair], rng: random.Random) -> list[list[Pair]]:
    """One pass over the pairs in batches of similar lengths, in a random order."""
    ordered = sorted(pairs, key=lambda pair: len(pair.prompt) + len(pair.chosen) + rng.random())
    out = [ordered[first : first + PAIRS_PER_BATCH] for first in range(0, len(ordered), PAIRS_PER_BATCH)]
    rng.shuffle(out)
    return out


def train(minutes: float, passes: int, save_every_s: float = 120.0) -> None:
    """Learn until the passes or the minutes are over."""
    pairs: list[Pair] = torch.load(pairs_path(), weights_only=False)
    started = dpo_state().exists()
    policy = Policy(dpo_state() if started else sft_state(), Llm(paths.smollm2_base()))
    policy.adapter.markers.requires_grad_(False)
    trained = [parameter for parameter in policy.adapter.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=PEAK_LEARNING_RATE, weight_decay=0.0)
    step, elapsed = 0, 0.0
    if started:
        saved = torch.load(dpo_state(), map_location=policy.llm.device, weights_only=True)
        optimizer.load_state_dict(saved["optimizer"])
        step, elapsed = saved["step"], saved["seconds"]
    rng, mixture = random.Random(4), Mixture(800_000 + step)
    plan = [batch for _ in range(passes) for batch in batches(pairs, rng)]
    progress = Progress(paths.train_dir() / "dpo-curve.jsonl", every=10)
    start, last = time.monotonic() - elapsed, elapsed
    for index in range(step, len(plan)):
        now = time.monotonic() - start
        if now > minutes * 60:
            break
        batch = plan[index]
        share = max(index / len(plan), now / (minutes * 60))
        for group in optimizer.param_groups:
            group["lr"] = (
                PEAK_LEARNING_RATE * min(1.0, (index + 1) / 20) * (0.05 + 0.475 * (1 + math.cos(math.pi * share)))
            )
        anchors = [policy.disturbed(mixture.label()) for _ in range(ANCHORS)]
        right = [pair.chosen for pair in batch] + [anchor.answer for anchor in anchors]
        each = policy.log_probabilities(
            [*(pair.prompt for pair in batch), *anchors, *(pair.prompt for pair in batch)],
            [*right, *(pair.rejected for pair in batch)],
        )
        chosen, anchored, rejected = each.split([len(batch), ANCHORS, len(batch)])
        reference = torch.tensor([pair.reference for pair in batch], device=policy.llm.device)
        result = dpo_loss(chosen, rejected, reference[:, 0], reference[:, 1], BETA)
        loss = result.loss - LIKELIHOOD * (chosen.sum() + anchored.sum()) / sum(map(len, right))
        step = index + 1
        if not progress.is_finite(loss, step):
            continue
        optimizer.zero_grad()
        loss.backward()
        norm = clipped(trained, 1.0, progress, step)
        if norm is None:
            continue
        optimizer.step()
        progress.add(
            step, share, now, loss=result.loss.item(), margin=float(result.margins.mean()), accuracy=result.accuracy
        )
        if now - last > save_every_s:
            save(policy, optimizer, now, step)
            last = now
    save(policy, optimizer, time.monotonic() - start, step)
    progress.plot(paths.train_dir() / "dpo-curve.png")


def save(policy: Policy, optimizer: torch.optim.Optimizer, seconds: float, step: int) -> None:
    """The state, written beside and moved."""
    state = {
        "adapter": policy.adapter.state_dict(),
        "projector": policy.projector.state_dict(),
        "optimizer": optimizer.state_dict(),
        "seconds": seconds,
        "step": step,
    }
    temporary = dpo_state().with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.rename(dpo_state())
    (paths.train_dir() / "dpo.json").write_text(json.dumps({"seconds": seconds, "step": step}))


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    train(arguments.minutes, arguments.passes)


if __name__ == "__main__":
    main()
