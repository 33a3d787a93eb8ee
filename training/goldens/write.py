"""Writes all goldens: `python -m training.goldens.write --packs models --base DIR --out test/parity/goldens`.

`--base` holds the Hugging Face folders of `training.base`; `--whisper` is the recognizer that was exported, where
that is a later one than `--base`'s. To be run again after every export.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from transformers import LlamaForCausalLM

from training.export.sessions import PackRunner
from training.goldens.hearing import Ear, stored_whisper, write_hearing
from training.goldens.language import write_language
from training.goldens.mel import write_mel
from training.goldens.prompts import write_prompts


def main() -> None:
    """Reads the command line and writes every golden."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--whisper", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_mel(arguments.out)
    write_prompts(arguments.out, arguments.packs)
    runner = PackRunner(arguments.packs)
    source = arguments.whisper or arguments.base / "whisper-tiny.en"
    clip = write_hearing(arguments.out, Ear(stored_whisper(source), runner, arguments.packs))
    llama = LlamaForCausalLM.from_pretrained(arguments.base / "smollm2").eval()
    write_language(arguments.out, arguments.packs, llama, runner, clip)


if __name__ == "__main__":
    main()
