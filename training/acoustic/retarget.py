"""A new projector for the adapter of a committed checkpoint: the adapter stays as it is, its ear gets better.

The tuned adapter reads an acoustic token that equals the language model's own embedding of a name as that sound, also
for names that it was never tuned on. So new classes need no tuning: each class has a prototype (its name's embedding;
what the committed projector says where that is read better; a few steps of gradient where neither is), and the
projector learns to give it. On speech and silence it goes on saying what the committed one says, token by token.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

from training import paths
from training.acoustic.projector import HIDDEN, Projector
from training.acoustic.train import NamedTokens, accuracy, examples, fresh_projector, label_embeddings
from training.data import sounds
from training.data.instruments import PROGRAMS
from training.hearing import cache
from training.hearing.recording import Recording
from training.restore import tuning
from training.sft.mixture import instrument_phrase
from training.sft.model import Llm
from training.sft.prompts import Renderer, Window, embed

ASKED = ("What do you hear?", "Describe the sound.", "What sound is this?", "What is this sound?")
KEPT_AS_COMMITTED = (
    *(
        "airplane",
        "alarm",
        "an electronic beep",
        "bell",
        "birds",
        "breaking glass",
        "car engine",
        "crowd",
        "dog",
        "door",
    ),
    *("explosion", "fire", "footsteps", "gunshot", "hammering", "helicopter", "laughter", "rain", "sawing", "siren"),
    *("telephone", "train", "wind", "running water", "music: drums", "music: flute", "music: guitar", "music: harp"),
    *("music: organ", "music: piano", "music: saxophone", "music: strings", "music: trumpet", "music: violin", "music"),
    *("humming noise", "hissing noise", "rumbling noise", "white noise", "noise", "a steady tone"),
)
"""Classes whose mean output of the committed projector the adapter names rightly: they stay where they are."""
MISREAD = (
    *("applause", "arrow", "car horn", "chopping wood", "click", "gong", "cough", "drill", "rooster", "tires skidding"),
    *("music: accordion", "music: cello", "music: harpsichord"),
)
"""Classes that neither names: their prototypes are moved until the adapter does."""
NO_WORDS = (torch.zeros(0, 8, dtype=torch.long), torch.zeros(0, 8))


def retargeted_state() -> Path:
    """The committed adapter with the new projector, in the layout of the tuning's state."""
    return paths.train_dir() / "retargeted.pt"


def prototypes_path() -> str:
    """Where the prototypes are kept, {class: [576]}."""
    return str(paths.train_dir() / "prototypes.pt")


@torch.no_grad()
def class_means(recordings: list[Recording]) -> dict[str, Tensor]:
    """What the committed projector says of each class on average, [576]."""
    committed = tuning.projector()
    said: dict[str, list[Tensor]] = {}
    for recording in recordings:
        if recording.label and len(said.setdefault(recording.label, [])) < 12:
            said[recording.label].append(committed(recording.windows[0].acoustic.float())[:12])
    return {label: torch.cat(rows).mean(0) for label, rows in said.items() if rows}


def sentence(label: str) -> str:
    """How the adapter names a class."""
    if label.removeprefix("music: ") in PROGRAMS:
        return instrument_phrase(label.removeprefix("music: "))
    return sounds.classes()[label]["says"][0] if label in sounds.classes() else label


def prototypes(means: dict[str, Tensor], steps: int) -> dict[str, Tensor]:
    """A prototype of each class; those that are misread take `steps` steps towards being named."""
    classes = sorted(means)
    names = dict(zip(classes, label_embeddings(classes), strict=True))
    chosen = {label: (means if label in KEPT_AS_COMMITTED else names)[label].clone() for label in classes}
    llm, adapter = Llm(paths.smollm2_base()), tuning.adapter()
    adapter.requires_grad_(False)
    renderer = Renderer(Tokenizer.from_file(str(paths.smollm2_base() / "tokenizer.json")))
    moved = [label for label in MISREAD if label in chosen]
    tokens = torch.stack(
        [(means if label in ("an electronic beep", "car engine") else names)[label] for label in moved]
    )
    start = tokens.clone()
    tokens.requires_grad_(True)
    optimizer, rng = torch.optim.Adam([tokens], lr=0.02), random.Random(0)
    for step in range(steps):
        length, rows, answers = rng.choice([4, 8, 14]), [], []
        for index, label in enumerate(moved):
            window = Window(torch.zeros(length, 1), *NO_WORDS)
            prompt = renderer.turns([([[window], ASKED[step % len(ASKED)]], f"I hear {sentence(label)}.")])
            acoustic = tokens[index][None].expand(length, -1) + 0.03 * torch.randn(length, HIDDEN)
            rows.append(embed(prompt, llm.embedding, adapter.markers, acoustic, with_answer=True))
            answers.append(prompt.answer)
        hidden, _ = llm(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), adapter)
        where = [
            hidden[index, len(row) - len(answer) - 1 : len(row) - 1]
            for index, (row, answer) in enumerate(zip(rows, answers, strict=True))
        ]
        wanted = torch.tensor([token for answer in answers for token in answer])
        near = (tokens - start).pow(2).mean() / start.pow(2).mean()
        loss = F.cross_entropy(llm.logits(torch.cat(where)), wanted) + 0.2 * near
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"prototypes, step {step + 1} of {steps}: loss {loss.item():.3f}", flush=True)
    return {**chosen, **dict(zip(moved, tokens.detach(), strict=True))}


def train(steps: int, targets: dict[str, Tensor], recordings: list[Recording], batch: int = 96) -> Projector:
    """Classes are drawn equally often; a third of the batch is speech and silence, which stay as they were."""
    rng = random.Random(0)
    torch.manual_seed(0)
    committed = tuning.projector()
    features, heard = examples(recordings)
    names = sorted(targets)
    tokens = NamedTokens(features, heard, names, torch.stack([targets[name] for name in names]), rng)
    same = [index for index, label in enumerate(heard) if label in ("speech", "silence")]
    projector = fresh_projector(float(committed.scale), features)
    optimizer = torch.optim.AdamW(projector.parameters(), lr=1e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for step in range(steps):
        drawn = tokens.draw(batch)
        kept = torch.cat([features[rng.choice(same)][:24] for _ in range(batch // 6)])
        loss, right = tokens.loss(projector, *drawn)
        with torch.no_grad():
            before = committed(kept)
        loss = loss + 2 * F.mse_loss(projector(kept), before) / before.pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            print(f"step {step + 1} loss {loss.item():.3f} tokens right {right:.3f}", flush=True)
    return projector.eval()


def main() -> None:
    """Make the prototypes and train; held-out recordings that were heard are counted where there are some."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--prototype-steps", type=int, default=14)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recordings = cache.load()
    wordless = [item for item in recordings if item.kind in ("sound", "noise")]
    targets = prototypes(class_means(wordless), arguments.prototype_steps)
    torch.save(targets, prototypes_path())
    projector = train(arguments.steps, targets, recordings)
    state = {"adapter": tuning.adapter().state_dict(), "projector": projector.state_dict(), "step": arguments.steps}
    torch.save(state, retargeted_state())
    print("of its own recordings", accuracy(projector, wordless[::20], targets))


if __name__ == "__main__":
    main()
