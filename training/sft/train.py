"""Instruction tuning of adapter, projector and markers together; resumable, by the clock.

Frozen base, f32 adapter; the head runs only where an answer is; batches of similar lengths under a budget of tokens,
several of them a step. `--continue-from-pack` starts at the committed checkpoint's adapter instead of nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from training import paths
from training.acoustic.projector import Projector
from training.acoustic.train import projector_path
from training.restore import tuning
from training.sft.mixture import Mixture
from training.sft.model import Adapter, Llm
from training.sft.progress import Progress, clipped
from training.sft.prompts import Prompt, Window, embed

PEAK_LEARNING_RATE = 6e-4
TOKENS_PER_BATCH = 1500
LONGEST = 420
POOL = 240


def state_path() -> Path:
    """The resumable state: adapter, projector, optimizer, seconds."""
    return paths.train_dir() / "sft.pt"


def batches(mixture: Mixture, rng: random.Random, tokens: int, longest: int) -> list[list[Prompt]]:
    """A pool of conversations sorted by length and cut into batches of so many tokens, in a random order."""
    pool = sorted((mixture.next() for _ in range(POOL)), key=len)
    out: list[list[Prompt]] = [[]]
    for prompt in pool:
        if len(prompt) > longest:
            continue
        if out[-1] and len(prompt) * (len(out[-1]) + 1) > tokens:
            out.append([])
        out[-1].append(prompt)
    rng.shuffle(out)
    return out


def loss_of(llm: Llm, adapter: Adapter, projector: Projector, batch: list[Prompt]) -> Tensor:
    """Mean cross-entropy over the answers' tokens; what is heard is disturbed, recordings being few."""
    features = [seg.acoustic for prompt in batch for seg in prompt.segments if isinstance(seg, Window)]
    acoustic = torch.zeros(0, 576, device=llm.device)
    if features:
        acoustic = projector(projector.disturbed(torch.cat(features).to(llm.device)))
    rows: list[Tensor] = []
    used = 0
    for prompt in batch:
        count = sum(len(seg.acoustic) for seg in prompt.segments if isinstance(seg, Window))
        rows.append(embed(prompt, llm.embedding, adapter.markers, acoustic[used : used + count], with_answer=True))
        used += count
    padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    hidden, _ = llm(padded, adapter)
    wanted: list[int] = []
    where: list[Tensor] = []
    for row, prompt in enumerate(batch):
        end = len(rows[row])
        where.append(hidden[row, end - len(prompt.answer) - 1 : end - 1])
        wanted += prompt.answer
    return F.cross_entropy(llm.logits(torch.cat(where)), torch.tensor(wanted, device=llm.device))


def fresh(llm: Llm, from_pack: bool) -> tuple[Adapter, Projector]:
    """An adapter that changes nothing yet (or the pack's), markers near common pieces, the projector of stage one."""
    if from_pack:
        adapter = tuning.adapter()
    else:
        adapter = Adapter()
        scale = float(llm.embedding.pow(2).mean().sqrt())
        with torch.no_grad():
            adapter.markers.copy_(torch.randn_like(adapter.markers) * scale)
    projector = Projector.restored(torch.load(projector_path(), weights_only=True))
    return adapter.to(llm.device), projector.to(llm.device)


@dataclass(frozen=True)
class Options:
    """For how many minutes, the highest learning rate, batches a step, tokens a batch, tokens of the longest
    conversation, and whether the pack's adapter is where it starts."""

    minutes: float
    peak: float = PEAK_LEARNING_RATE
    accumulate: int = 1
    tokens: int = TOKENS_PER_BATCH
    longest: int = LONGEST
    continue_from_pack: bool = False


def train(options: Options, save_every_s: float = 120.0) -> None:
    """Tune for so many minutes of computing."""
    peak, accumulate = options.peak, options.accumulate
    llm = Llm(paths.smollm2_base())
    adapter, projector = fresh(llm, options.continue_from_pack)
    parameters = [
        {"params": [*adapter.a.values(), *adapter.b.values()], "peak": peak},
        {"params": [adapter.markers], "peak": peak},
        {"params": list(projector.parameters()), "peak": peak / (2 if options.continue_from_pack else 3)},
    ]
    optimizer = torch.optim.AdamW(parameters, lr=peak, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    elapsed, step = 0.0, 0
    if state_path().exists():
        state = torch.load(state_path(), map_location=llm.device, weights_only=True)
        adapter.load_state_dict(state["adapter"])
        projector.load_state_dict(state["projector"])
        optimizer.load_state_dict(state["optimizer"])
        elapsed, step = state["seconds"], state["step"]
    mixture, rng = Mixture(step + 1), random.Random(step)
    progress = Progress(paths.train_dir() / "sft-curve.jsonl", every=10)
    trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    budget, start, saved = options.minutes * 60, time.monotonic() - elapsed, elapsed
    began, tokens, gathered = time.monotonic(), 0, 0
    while time.monotonic() - start < budget:
        for batch in batches(mixture, rng, options.tokens, options.longest):
            now = time.monotonic() - start
            if now > budget:
                break
            loss = loss_of(llm, adapter, projector, batch)
            if not progress.is_finite(loss, step):
                continue
            (loss / accumulate).backward()
            tokens += sum(map(len, batch))
            gathered += 1
            if gathered < accumulate:
                continue
            gathered = 0
            share = min(1.0, now / budget)
            for group in optimizer.param_groups:
                group["lr"] = (
                    group["peak"] * min(1.0, (step + 1) / 25) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * share)))
                )
            norm = clipped(trained, 1.0, progress, step)
            if norm is None:
                continue
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            rate = tokens / (time.monotonic() - began)
            progress.add(step, share, now, loss=loss.item(), gradient=norm, tokens_per_second=rate)
            if now - saved > save_every_s:
                save(adapter, projector, optimizer, now, step)
                saved = now
    save(adapter, projector, optimizer, budget, step)
    progress.plot(paths.train_dir() / "sft-curve.png")


def save(adapter: Adapter, projector: Projector, optimizer: torch.optim.Optimizer, seconds: float, step: int) -> None:
    """The state, written beside and moved, so that a broken-off write loses nothing."""
    state = {
        "adapter": adapter.state_dict(),
        "projector": projector.state_dict(),
        "optimizer": optimizer.state_dict(),
        "seconds": seconds,
        "step": step,
    }
    temporary = state_path().with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.rename(state_path())
    (paths.train_dir() / "sft.json").write_text(json.dumps({"seconds": seconds, "step": step}))


def main() -> None:
    """Run the tuning."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=35)
    parser.add_argument("--peak", type=float, default=PEAK_LEARNING_RATE, help="the highest learning rate")
    parser.add_argument("--accumulate", type=int, default=1, help="batches a step")
    parser.add_argument("--tokens", type=int, default=TOKENS_PER_BATCH, help="tokens a batch")
    parser.add_argument("--longest", type=int, default=LONGEST, help="longer conversations are left out")
    parser.add_argument("--continue-from-pack", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    arguments = vars(parser.parse_args())
    torch.set_num_threads(arguments.pop("threads"))
    torch.manual_seed(0)
    train(Options(**arguments))


if __name__ == "__main__":
    main()
