"""First stage of the projector: each acoustic token is drawn to the LLM's own embedding of what is heard.

A sound's name in the LLM's embedding table ("birds", "speech", "piano") is the target of every token of its
recording: a squared distance, and a cross-entropy over all names. The LLM itself isn't run, so a minute is enough;
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
from training.acoustic.projector import HIDDEN, Projector
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


def fresh_projector(scale: float, features: list[Tensor]) -> Projector:
    """An untrained projector for features [tokens, 1536] such as these."""
    projector = Projector(scale)
    everything = torch.cat([item[:8] for item in features])
    projector.centre.copy_(everything.mean(0))
    projector.spread.copy_(everything.std(0) + 1e-3)
    return projector


class NamedTokens:
    """Tokens whose classes are drawn equally often; a window gives up to 6 of its tokens. `targets` [names, 576]."""

    def __init__(
        self, features: list[Tensor], heard: list[str], names: list[str], targets: Tensor, rng: random.Random
    ) -> None:
        self.features, self.names, self.targets, self.rng = features, names, targets, rng
        self.by_label = {name: [index for index, label in enumerate(heard) if label == name] for name in names}
        self.unit = targets / targets.norm(dim=1, keepdim=True)
        self.size = targets.pow(2).mean()

    def draw(self, windows: int) -> tuple[Tensor, Tensor]:
        """Features [tokens, 1536] of so many windows, and each token's place among the names."""
        rows, wanted = [], []
        for _ in range(windows):
            name = self.rng.randrange(len(self.names))
            item = self.features[self.rng.choice(self.by_label[self.names[name]])]
            picked = item[torch.randperm(len(item))[:6]]
            rows.append(picked)
            wanted += [name] * len(picked)
        return torch.cat(rows), torch.tensor(wanted)

    def loss(self, projector: Projector, inputs: Tensor, answer: Tensor) -> tuple[Tensor, Tensor]:
        """How far disturbed inputs are from their targets, by name and distance; the share that is named rightly."""
        inputs = inputs + 0.25 * projector.spread * torch.randn_like(inputs)  # recordings are few
        inputs = F.dropout(inputs - projector.centre, 0.2) + projector.centre
        outputs = projector(inputs)
        nearness = (outputs / outputs.norm(dim=1, keepdim=True).clamp(min=1e-6)) @ self.unit.T * 20
        named = F.cross_entropy(nearness, answer, label_smoothing=0.05)
        placed = F.mse_loss(outputs, self.targets[answer]) / self.size
        return named + placed, (nearness.argmax(1) == answer).float().mean()


def train(steps: int, batch: int = 96) -> Projector:
    """A projector whose tokens are their classes' words."""
    rng = random.Random(0)
    torch.manual_seed(0)
    features, heard = examples(cache.load())
    names = sorted(set(heard))
    tokens = NamedTokens(features, heard, names, label_embeddings(names), rng)
    projector = fresh_projector(float(tokens.size.sqrt()), features)
    optimizer = torch.optim.AdamW(projector.parameters(), lr=1e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for step in range(steps):
        loss, right = tokens.loss(projector, *tokens.draw(batch))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 200 == 0:
            print(f"step {step + 1} loss {loss.item():.3f} tokens right {right:.3f}", flush=True)
    return projector


@torch.no_grad()
def accuracy(projector: Projector, recordings: list[Recording], targets: dict[str, Tensor]) -> dict[str, str]:
    """Of each class how many recordings are nearest to its target [576], their tokens taken together: "right/all"."""
    names = sorted(targets)
    unit = torch.stack([targets[name] / targets[name].norm() for name in names])
    counts: dict[str, list[bool]] = {}
    for recording in recordings:
        outputs = projector(recording.windows[0].acoustic.float())
        nearness = (outputs / outputs.norm(dim=1, keepdim=True)) @ unit.T * 20
        guess = names[int(nearness.log_softmax(-1).mean(0).argmax())]
        counts.setdefault(recording.label, []).append(guess == recording.label)
    return {label: f"{sum(right)}/{len(right)}" for label, right in sorted(counts.items())}


def main() -> None:
    """Train the first stage."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    assert label_embeddings(["speech"]).shape[1] == HIDDEN
    torch.save(train(arguments.steps).state_dict(), projector_path())


if __name__ == "__main__":
    main()
