"""What `npm run test:parity` compares with: `python -m training.goldens.qwen2_audio --vocabulary FILE --out DIR`.

Writes DIR/hf (the tiny checkpoint, always the same), DIR/peft (an adapter of it), DIR/models/qwen2-audio-tiny (the pack
of both) and DIR/references (what transformers makes of `cases.py`). FILE is the tokenizer.json of any model with
Qwen2's vocabulary; `scripts/install-parity.sh` fetches one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from training.export.qwen2_audio.add_checkpoint import add_checkpoint
from training.export.qwen2_audio.pack import PackOptions, write_pack
from training.goldens.qwen2_audio.reference import write_references
from training.goldens.qwen2_audio.tiny import write_tiny_checkpoint

PACK = "qwen2-audio-tiny"
ADAPTED = "tuned"


def main() -> None:
    """Reads the command line and writes all four."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocabulary", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    checkpoint = arguments.out / "hf"
    write_tiny_checkpoint(checkpoint, arguments.vocabulary)
    # The weights as published and f32 in between: what differs from transformers is the order of sums alone.
    write_pack(checkpoint, arguments.out / "models" / PACK, PackOptions(PACK, weights="fp16", precision="fp32"))
    write_references(checkpoint, arguments.out / "references", arguments.out / "peft")
    add_checkpoint(arguments.out / "models" / PACK, ADAPTED, arguments.out / "peft", "Random.")


if __name__ == "__main__":
    main()
