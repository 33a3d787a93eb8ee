"""Writes a pack from a downloaded checkpoint: `python -m training.export.qwen2_audio CHECKPOINT OUT --weights int8`.

CHECKPOINT is a folder with config.json, safetensors and tokenizer as published for Qwen2-Audio-7B-Instruct. An export
that was interrupted goes on where it stopped when it is started again. `--precision fp16` is for a GPU: caches and
adapters are then in 16 bits too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

try:
    from training.export.llama_decoder import SITES
    from training.export.qwen2_audio.pack import BITS, PRECISIONS, PackOptions, write_pack
    from training.export.qwen2_audio.verify import verify_pack
except ImportError as missing:
    print(f"{missing}. Install what the export needs: pip install -e training", file=sys.stderr)
    sys.exit(3)


def main() -> None:
    """Reads the command line and writes the pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", default="qwen2-audio", help="the model's name")
    parser.add_argument("--weights", choices=BITS, default="int8", help="of the language model")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="what is computed in")
    parser.add_argument("--no-adapters", action="store_true", help="no places for checkpoints of low rank")
    parser.add_argument("--cache-bits", type=int, choices=[8], help="of keys and values, with --precision fp32")
    arguments = parser.parse_args()
    try:
        options = PackOptions(
            arguments.name,
            arguments.weights,
            arguments.precision,
            sites=() if arguments.no_adapters else SITES,
            cache_bits=arguments.cache_bits,
        )
        write_pack(arguments.checkpoint, arguments.out, options)
        verify_pack(arguments.out)
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
