"""LoRA checkpoints in PEFT's format, as adapters of a pack's decoder.

PEFT has a pair of matrices for each projection, our decoder one for each site, where projections of the same input are
fused: their A stand side by side, their B one below the other in blocks. The scale is folded into B.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open

from training.export.llama_decoder import SITE_MODULES

# The decoder's layers as transformers 5 and 4 name them.
PREFIX = "base_model.model."
LAYER = re.compile(r"(?:model\.language_model|language_model\.model)\.layers\.(\d+)\.(self_attn\.\w+|mlp\.\w+)")
TENSOR = re.compile(r"(.+)\.lora_([AB])\.weight")
# What changes more than the product of two matrices does; none of it may be set.
UNSUPPORTED = (
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "fan_in_fan_out",
    "modules_to_save",
    "layer_replication",
    "trainable_token_indices",
    "target_parameters",
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
)
# Ways to begin that change the weights the adapter is added to.
CHANGES_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
REMEDY = "merge it into the model (PEFT's merge_and_unload) and export that"


@dataclass(frozen=True)
class Pair:
    """What is added to one projection: b [outputs, rank] a [rank, inputs], the scale in b."""

    a: np.ndarray
    b: np.ndarray


def read_adapter(
    folder: Path, layers: int, sites: Mapping[str, tuple[int, int]], widths: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """The decoder's inputs `lora_{layer}_{site}_a` [inputs, rank] and `_b` [rank, outputs], f16.

    `sites`: (inputs, outputs) of those that the pack has; `widths`: outputs of each projection ("self_attn.q_proj").
    What the adapter doesn't touch is left out. Raises ValueError, naming it, on whatever can't be expressed.
    """
    config = read_config(folder)
    pairs = read_pairs(folder, config)
    adapter: dict[str, np.ndarray] = {}
    for layer in range(layers):
        for site, modules in SITE_MODULES.items():
            present = {module: pairs.pop((layer, module)) for module in modules if (layer, module) in pairs}
            if not present:
                continue
            if site not in sites:
                raise ValueError(f"the pack has no place for '{site}' of layer {layer}: export it with that site")
            inputs, outputs = sites[site]
            rank = sum(len(pair.a) for pair in present.values())
            a, b = np.zeros((inputs, rank), np.float32), np.zeros((rank, outputs), np.float32)
            column, row = 0, 0
            for module in modules:
                pair = present.get(module)
                if pair is not None:
                    if pair.a.shape[1] != inputs or pair.b.shape != (widths[module], len(pair.a)):
                        raise ValueError(f"layer {layer}, {module}: {pair.b.shape} x {pair.a.shape} is another model's")
                    a[:, row : row + len(pair.a)] = pair.a.T
                    b[row : row + len(pair.a), column : column + widths[module]] = pair.b.T
                    row += len(pair.a)
                column += widths[module]
            name = f"lora_{layer}_{site}"
            adapter[f"{name}_a"], adapter[f"{name}_b"] = a.astype(np.float16), b.astype(np.float16)
    if pairs:
        layer, module = min(pairs)
        raise ValueError(f"layer {layer}, {module}: the model has {layers} layers, and no such projection")
    return adapter


def read_config(folder: Path) -> dict:
    """adapter_config.json, if it describes what a pack can express."""
    path = folder / "adapter_config.json"
    if not path.exists():
        raise ValueError(f"{folder} has no adapter_config.json: give the folder that PEFT's save_pretrained wrote")
    config = json.loads(path.read_text())
    if config.get("peft_type") != "LORA":
        raise ValueError(f"{path}: peft_type is {config.get('peft_type')}, not LORA; {REMEDY}")
    for name in UNSUPPORTED:
        if config.get(name):
            raise ValueError(f"{path}: {name} is set, which a pack can't express; {REMEDY}")
    if config.get("bias", "none") != "none":
        raise ValueError(f"{path}: bias is '{config['bias']}', but only matrices can be added; {REMEDY}")
    start = config.get("init_lora_weights", True)
    if isinstance(start, str) and start.startswith(CHANGES_BASE):
        raise ValueError(
            f"{path}: init_lora_weights '{start}' changed the model's own weights; convert it to a plain LoRA "
            "(path_initial_model_for_weight_conversion of PEFT's save_pretrained)"
        )
    return config


def read_pairs(folder: Path, config: Mapping) -> dict[tuple[int, str], Pair]:
    """The matrices by layer and projection."""
    path = folder / "adapter_model.safetensors"
    if not path.exists():
        raise ValueError(f"{folder} has no adapter_model.safetensors")
    halves: dict[str, dict[str, np.ndarray]] = {}
    with safe_open(path, framework="pt") as file:
        for name in list(file.keys()):
            match = TENSOR.fullmatch(name.removeprefix(PREFIX))
            if not match:
                raise ValueError(f"{path}: '{name}' isn't a matrix of a LoRA; {REMEDY}")
            halves.setdefault(match[1], {})[match[2]] = file.get_tensor(name).float().numpy()
    known = {module for modules in SITE_MODULES.values() for module in modules}
    pairs = {}
    for module, sides in halves.items():
        match = LAYER.fullmatch(module)
        if not match or match[2] not in known:
            names = ", ".join(sorted(name.split(".")[1] for name in known))
            raise ValueError(
                f"{path}: '{module}' has no place for an adapter in a pack, only the language model's {names} have. "
                f"Leave it out of target_modules, or {REMEDY}"
            )
        if len(sides) != 2 or len(sides["A"]) != sides["B"].shape[1]:
            raise ValueError(f"{path}: the matrices of '{module}' don't belong together")
        scale = scale_of(module, len(sides["A"]), config)
        pairs[int(match[1]), match[2]] = Pair(sides["A"], sides["B"] * np.float32(scale))
    return pairs


def scale_of(module: str, rank: int, config: Mapping) -> float:
    """What PEFT multiplies a pair with: alpha / rank, or alpha / sqrt(rank) (rslora)."""
    # As PEFT's get_pattern_key: the first pattern that the end of the module's name fits.
    patterns = config.get("alpha_pattern") or {}
    fitting = (value for pattern, value in patterns.items() if re.match(rf"(.*\.)?({pattern})$", module))
    alpha = next(fitting, config["lora_alpha"])
    return alpha / (rank**0.5 if config.get("use_rslora") else rank)
