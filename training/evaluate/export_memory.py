"""The most memory that an export of Qwen2-Audio takes: `python -m training.evaluate.export_memory --scratch DIR`.

Exports cuts of a synthetic checkpoint of the real shapes (embedding, head and both towers; so many layers of 32) in a
process of its own and prints a JSON line for each with the largest resident size that the kernel saw. One tensor is in
memory at a time, so it doesn't grow with the layers. The scratch folder is emptied after each.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from training.goldens.qwen2_audio.full_size import full_size_config, write_sparse_checkpoint

EXPORT = """
import sys
from pathlib import Path
from training.export.qwen2_audio.pack import PackOptions, write_pack

def resident(): return next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))

print("before", resident())
if sys.argv[1] != sys.argv[2]: write_pack(Path(sys.argv[1]), Path(sys.argv[2]), PackOptions(weights=sys.argv[3]))
print("after", resident())
"""


def export_memory(checkpoint: Path, out: Path, weights: str) -> tuple[int, int]:
    """Largest resident size in bytes before the export (Python with its libraries) and after it. Linux only."""
    run = subprocess.run(
        [sys.executable, "-c", EXPORT, checkpoint, out, weights], check=True, capture_output=True, text=True
    )
    before, after = (int(size) * 1024 for size in re.findall(r"VmHWM:\s+(\d+) kB", run.stdout))
    return before, after


def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, required=True, help="tokenizer.json with Qwen2's vocabulary")
    parser.add_argument("--layers", type=int, nargs="+", default=[1, 2], help="of each tower")
    parser.add_argument("--weights", nargs="+", default=["int4", "int8", "fp16"])
    arguments = parser.parse_args()
    for layers in arguments.layers:
        checkpoint = arguments.scratch / "checkpoint"
        size = write_sparse_checkpoint(checkpoint, full_size_config(layers, layers), arguments.vocabulary)
        for weights in arguments.weights:
            out = arguments.scratch / "pack"
            before, after = export_memory(checkpoint, out, weights)
            written = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
            shutil.rmtree(out)
            content = {"layers": layers, "weights": weights, "checkpoint": size, "pack": written}
            print(json.dumps(content | {"libraries": before, "peak": after}), flush=True)
        shutil.rmtree(checkpoint)


if __name__ == "__main__":
    main()
