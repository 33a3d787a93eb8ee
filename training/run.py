"""The whole recipe of a pack, step by step: `python -m training.run pocket [--from STEP] [--only STEP]`.

Steps that are done are skipped, long ones resume where they were broken off; everything lies in $AURICLE_BUILD_DIR.
On two cores the steps take about five hours, of which 24 minutes are the distillation and 200 the tuning.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass

from training import paths

KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 32), "MALLOC_TRIM_THRESHOLD_": str(1 << 34)}
"""glibc keeps large blocks instead of giving each back to the kernel, which cost a tenth of the time of the tuning."""


@dataclass(frozen=True)
class Step:
    """A step and its commands, each a module of this package with arguments; they run one after the other."""

    name: str
    what: str
    commands: tuple[tuple[str, ...], ...]


def pocket() -> tuple[Step, ...]:
    """The steps of the pocket pack (and of whisper-tiny.en, whose weights it shares)."""
    build, train = paths.build_dir(), paths.train_dir()
    corpora = ("speech", "joined", "speakers", "foreign", "without-words")
    heard = [("training.hearing.cache", "--what", what) for what in corpora]
    # The last one is the default: dpo where its answers were preferred often enough.
    checkpoints = [(train / "checkpoint", "sft"), (train / "checkpoint-dpo", "dpo")]
    if not _dpo_is_preferred():
        checkpoints.reverse()
    return (
        Step("base", "published weights as folders", (("training.base.convert", "--out", str(build / "base")),)),
        Step(
            "data",
            "voices, sounds, spoken corpora",
            (("training.data.fetch",), ("training.data.sounds",), ("training.data.speech_corpus",)),
        ),
        Step("short-context", "Whisper on real frames only", (("training.short_context.distill", "--minutes", "24"),)),
        Step(
            "hearing",
            "what it hears of the corpora, the speech gate, what that lets through in loud noise",
            (*heard, ("training.evaluate.gate",), ("training.hearing.cache", "--what", "noisy")),
        ),
        Step("own-answers", "the base's answers to general questions", (("training.sft.own_answers",),)),
        Step("acoustic", "first stage of the projector", (("training.acoustic.train", "--steps", "600"),)),
        Step(
            "sft",
            "adapter, projector and markers",
            (("training.sft.train", "--minutes", "200"), ("training.sft.checkpoint",)),
        ),
        Step(
            "dpo",
            "pairs of its own answers, judged by rules; the adapter learns which are better",
            (
                ("training.dpo.pairs", "--minutes", "12"),
                ("training.dpo.train", "--minutes", "10"),
                ("training.dpo.prefer",),
                ("training.sft.checkpoint", "--of", "dpo"),
            ),
        ),
        Step("evaluate", "all figures", (("training.evaluate.whisper",), ("training.evaluate.run",))),
        Step(
            "export",
            "both packs in ONNX",
            (
                (
                    "training.export.packs",
                    *("--whisper", str(paths.whisper_short_context()), "--smollm2", str(paths.smollm2_base())),
                    *(part for path, name in checkpoints for part in ("--checkpoint", f"{name}={path}")),
                    *("--hearing", str(train / "hearing.json")),
                    *("--out", str(build / "models")),
                ),
            ),
        ),
    )


def _dpo_is_preferred() -> bool:
    """Whether at least 60 % of the decided comparisons on kept-out prompts went to DPO's answers."""
    figures = paths.train_dir() / "preference.json"
    return figures.exists() and json.loads(figures.read_text(encoding="utf-8"))["share_of_decided"] >= 0.6


def run(step: Step) -> None:
    """Run a step's commands and remember that it is done; raises CalledProcessError where one fails."""
    for module, *arguments in step.commands:
        print(f"{step.name}: {step.what}: {module} {' '.join(arguments)}", flush=True)
        subprocess.run(
            [sys.executable, "-m", module, *arguments],
            check=True,
            cwd=paths.REPOSITORY,
            env={**KEEP_MEMORY, **os.environ},
        )
    mark = paths.train_dir() / "done" / step.name
    mark.parent.mkdir(exist_ok=True)
    mark.touch()


def main() -> None:
    """Run the steps that are not done yet, or those asked for."""
    steps = pocket()
    names = [step.name for step in steps]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", choices=("pocket",))
    parser.add_argument("--from", dest="first", choices=names, help="run this step and all that follow, again")
    parser.add_argument("--only", choices=names, help="run this step, again")
    parser.add_argument("--list", action="store_true", help="only name the steps")
    arguments = parser.parse_args()
    for index in range(len(steps)):
        step = pocket()[index]  # made when its turn comes: the last depends on what the others measured
        done = (paths.train_dir() / "done" / step.name).exists()
        if arguments.list:
            print(f"{step.name}: {step.what}{' (done)' if done else ''}")
            continue
        if arguments.only is not None:
            wanted = step.name == arguments.only
        elif arguments.first is not None:
            wanted = index >= names.index(arguments.first)
        else:
            wanted = not done
        if wanted:
            run(step)


if __name__ == "__main__":
    main()
