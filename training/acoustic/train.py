"""First stage of the projector: each acoustic token is drawn to the LLM's own embedding of what is heard.

A sound's name in the LLM's embedding table ("birds", "speech", "piano") is the target of every token of its
recording: a cross-entropy over all names, and a squared distance. The LLM itself isn't run, so a minute is enough;
tuning then trains projector and adapter together.
"""

from __future__ import annotations

import argparse
import random

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from training import paths
from training.acoustic.projector import Projector
from training.hearing import cache
from training.hearing.recording import Recording
from training.sft import labels


def label_embeddings(classes: list[str]) -> Tensor:
    """The LLM's embedding [labels, 576] of each class's word (the mean where it has several pieces)."""
    table = load_file(paths.smollm2_base() / "model.safetensors")["model.embed_tokens.weight"].float()
    tokenizer = Tokenizer.from_file(str(paths.smollm2_base() / "tokenizer.json"))
    rows = []
    for label in classes:
        word = labels.name(label)
        rows.append(table[torch.tensor(tokenizer.encode(" " + word, add_special_tokens=False).ids)].mean(0))
    return torch.stack(rows)


def projector_path() -> str:
    """Where the first stage leaves the projector."""
    return str(paths.train_dir() / "projector.pt")


def examples(recordings: list[Recording]) -> tuple[list[Tensor], list[str]]:
    """Features [tokens, 1536] of each window and what is heard in it."""
    features: list[Tensor] = []
    heard: list[str] = []
    for recording in recordings:
        label = recording.label if recording.kind in ("sound", "noise", "silence") else "speech"
        for window in recording.windows:
            features.append(window.acoustic)
            heard.append(label)
    return features, heard


def some_tokens(features: Tensor) -> Tensor:
    """Up to 6 of a window's tokens [tokens, 1536], at random."""
    return features[torch.randperm(len(features))[:6]]


def fresh_projector(names: Tensor, features: list[Tensor]) -> Projector:
    """An untrained projector for features [tokens, 1536] such as these and classes of such names [classes, 576]."""
    projector = Projector(float(names.pow(2).mean().sqrt()), len(names))
    everything = torch.cat([item[:8] for item in features])
    projector.centre.copy_(everything.mean(0))
    projector.spread.copy_(everything.std(0) + 1e-3)
    with torch.no_grad():
        projector.names.copy_(names)
    return projector


def train(steps: int, batch: int = 96) -> Projector:
    """A projector whose tokens are their classes' words. Classes are drawn equally often, up to 6 tokens a window."""
    rng = random.Random(0)
    torch.manual_seed(0)
    features, heard = examples(cache.load())
    classes = sorted(set(heard))
    by_class = [[item for item, label in zip(features, heard, strict=True) if label == name] for name in classes]
    projector = fresh_projector(label_embeddings(classes), features)
    targets, size = projector.names.detach().clone(), projector.scale**2
    optimizer = torch.optim.AdamW(projector.parameters(), lr=1e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for step in range(steps):
        rows, wanted = [], []
        for _ in range(batch):
            index = rng.randrange(len(classes))
            item = rng.choice(by_class[index])
            rows.append(some_tokens(item))
            wanted += [index] * len(rows[-1])
        answer = torch.tensor(wanted)
        logits, hidden = projector.read(projector.disturbed(torch.cat(rows)))
        placed = F.mse_loss(projector.embedded(logits, hidden), targets[answer]) / size
        loss = F.cross_entropy(logits, answer, label_smoothing=0.05) + placed
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 200 == 0:
            right = (logits.argmax(1) == answer).float().mean()
            print(f"step {step + 1} loss {loss.item():.3f} tokens right {right:.3f}", flush=True)
    return projector


def main() -> None:
    """Train the first stage."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.save(train(arguments.steps).state_dict(), projector_path())


if __name__ == "__main__":
    main()
