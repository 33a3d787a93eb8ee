"""More recordings for a projector that was tuned: `python -m training.acoustic.further --new CLASS...`.

The committed checkpoint's projector learns to name them, by a cross-entropy over all classes, while tokens of speech,
noise and silence, and those that were right, stay where they are: the adapter, which reads them, needs no tuning again.
"""

from __future__ import annotations

import argparse
import random

import torch
import torch.nn.functional as F

from training.acoustic.projector import Projector
from training.acoustic.train import examples, label_embeddings, projector_path, some_tokens
from training.hearing import cache
from training.restore import tuning

MORE_SPEECH = 24
"""Windows of speech in each batch, and as many of single words, beside the one in so many that chance brings."""

KEEP = 2.0
"""The weight of what tokens move by that should stay: spoken digits are told apart by little."""


def extended(tuned: Projector, classes: list[str], new: set[str]) -> Projector:
    """The projector with a name for each of `classes`, sorted; those that are `new` stand at their embeddings, and are
    not yet chosen. Raises ValueError where it knows another number of the rest."""
    known = [index for index, name in enumerate(classes) if name not in new]
    if len(known) != len(tuned.names):
        raise ValueError(f"the projector has {len(tuned.names)} classes, the recordings {len(known)} that aren't new")
    projector = Projector(float(tuned.scale), len(classes))
    before, after = tuned.state_dict(), projector.state_dict()
    after["names"].copy_(label_embeddings(classes))
    after["naming.bias"].fill_(-2)
    for key, value in before.items():
        if key == "names" or key.startswith("naming."):
            after[key][known] = value
        else:
            after[key].copy_(value)
    projector.load_state_dict(after)
    return projector


def train(tuned: Projector, new: set[str], steps: int, batch: int = 96) -> Projector:
    """The projector after so many steps. Classes are drawn equally often, up to 6 tokens a window."""
    rng = random.Random(0)
    torch.manual_seed(0)
    recordings = cache.load()
    features, heard = examples(recordings)
    kinds = {recording.label for recording in recordings if recording.kind in ("noise", "silence")} | {"speech"}
    words, _ = examples([recording for recording in recordings if recording.kind == "word"])
    classes = sorted(set(heard))
    projector = extended(tuned, classes, new)
    known = torch.tensor([index for index, name in enumerate(classes) if name not in new])
    projector.names.requires_grad_(False)
    by_class = [[item for item, label in zip(features, heard, strict=True) if label == name] for name in classes]
    parameters = [parameter for parameter in projector.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.5e-3, total_steps=steps)
    for step in range(steps):
        drawn = [rng.randrange(len(classes)) for _ in range(batch)] + [classes.index("speech")] * (2 * MORE_SPEECH)
        rows = [some_tokens(rng.choice(by_class[index])) for index in drawn[:-MORE_SPEECH]]
        rows += [some_tokens(rng.choice(words)) for _ in range(MORE_SPEECH)]
        answer = torch.cat([torch.full((len(row),), index) for row, index in zip(rows, drawn, strict=True)])
        kept = torch.tensor([classes[index] in kinds for index in answer.tolist()])
        tokens = torch.cat(rows)
        with torch.no_grad():
            taken_for, hidden_before = tuned.read(tokens)
            before = tuned.embedded(taken_for, hidden_before)
            kept |= known[taken_for.argmax(1)] == answer
        logits, hidden = projector.read(projector.disturbed(tokens))
        embedded, size = projector.embedded(logits, hidden), before.pow(2).mean()
        moved = F.mse_loss(projector(tokens[kept]), before[kept]) / size
        placed = embedded.new_zeros(())
        if not bool(kept.all()):  # the mean over nothing is NaN
            placed = F.mse_loss(embedded[~kept], projector.names[answer[~kept]]) / size
        loss = F.cross_entropy(logits, answer, label_smoothing=0.05) + KEEP * moved + 0.5 * placed
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 200 == 0:
            right = (logits.argmax(1) == answer).float().mean().item()
            print(f"step {step + 1} loss {loss.item():.3f} tokens right {right:.3f}", flush=True)
    return projector


def main() -> None:
    """Teach the committed checkpoint's projector."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--new", nargs="*", default=[], help="classes that it doesn't know yet")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    torch.save(train(tuning.projector(), set(arguments.new), arguments.steps).state_dict(), projector_path())


if __name__ == "__main__":
    main()
