"""Adds a LoRA or DPO checkpoint to a pack: `python -m training.export.qwen2_audio.add_checkpoint PACK NAME FOLDER`.

FOLDER is what PEFT's save_pretrained wrote: adapter_config.json and adapter_model.safetensors. The model is then
served as `MODEL:NAME` too, beside the others and with the same weights.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from safetensors.numpy import save_file

from training.export.manifest import listed_files, write_manifest
from training.export.qwen2_audio.low_rank import read_adapter


def add_checkpoint(
    pack: Path, name: str, folder: Path, description: str, licence: str = "not stated", is_default: bool = False
) -> None:
    """Writes the adapter into the pack and lists it; one of the same name is replaced. Raises ValueError."""
    if not re.fullmatch(r"[a-z0-9-]+", name):
        raise ValueError(f"'{name}' can't be a checkpoint's name: use lower-case letters, digits and hyphens")
    manifest = json.loads((pack / "pack.json").read_text())
    if manifest["architecture"] != "qwen2-audio":
        raise ValueError(f"{pack} is a pack of architecture '{manifest['architecture']}', not 'qwen2-audio'")
    model = manifest["language_model"]
    sites = {site["name"]: (site["inputs"], site["outputs"]) for site in model["adapter_sites"]}
    adapter = read_adapter(folder, model["layers"], sites, projection_widths(model, sites))
    file = f"checkpoints/{name}/adapter.safetensors"
    (pack / file).parent.mkdir(parents=True, exist_ok=True)
    save_file(adapter, pack / file)

    entry = {"name": name, "description": description, "adapter": file}
    manifest["checkpoints"] = [other for other in manifest["checkpoints"] if other["name"] != name] + [entry]
    manifest["files"] |= listed_files(pack, [file])
    what = f"Adapter {name}"
    manifest["provenance"] = [made for made in manifest["provenance"] if made["what"] != what]
    manifest["provenance"].append({"what": what, "licence": licence, "source": folder.name})
    if is_default:
        manifest["default_checkpoint"] = name
    write_manifest(pack, manifest)


def projection_widths(model: dict, sites: dict[str, tuple[int, int]]) -> dict[str, int]:
    """Outputs of each projection, by transformers' name."""
    key_width, hidden = model["kv_heads"] * model["head_dim"], model["hidden"]
    inner = sites["gate_up"][1] // 2 if "gate_up" in sites else 0
    return {
        "self_attn.q_proj": model["heads"] * model["head_dim"],
        "self_attn.k_proj": key_width,
        "self_attn.v_proj": key_width,
        "self_attn.o_proj": hidden,
        "mlp.gate_proj": inner,
        "mlp.up_proj": inner,
        "mlp.down_proj": hidden,
    }


def main() -> None:
    """Reads the command line and adds the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--description", default="Tuned with LoRA.")
    parser.add_argument("--licence", default="not stated")
    parser.add_argument("--default", action="store_true", help="serve it where no checkpoint is named")
    arguments = parser.parse_args()
    try:
        add_checkpoint(
            arguments.pack,
            arguments.name,
            arguments.folder,
            arguments.description,
            arguments.licence,
            arguments.default,
        )
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"{error}")
    print(f"{arguments.pack}: checkpoint {arguments.name} added")


if __name__ == "__main__":
    main()
