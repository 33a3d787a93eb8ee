"""The distilled Whisper as a Hugging Face folder, from its pack: `python -m training.restore.whisper`.

The encoder (and the decoder's keys and values over the audio) comes back as it was exported, in 16 bits; the decoder
is de-quantized from 8 bits, which is what serving computes with.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import torch
from transformers import WhisperForConditionalGeneration

from training import paths
from training.base.whisper import LAYERS, load_exactly
from training.restore.graphs import weights

PACK = paths.REPOSITORY / "models" / "whisper-tiny.en"
HIDDEN = 384


def state_dict(pack: Path) -> dict[str, torch.Tensor]:
    """The names of transformers, f32."""
    encoder, decoder = weights(pack / "encoder.onnx"), weights(pack / "decoder.onnx")
    out: dict[str, np.ndarray] = {
        name: values for part in (encoder, decoder) for name, values in part.items() if name.startswith("model.")
    }
    out["model.decoder.embed_tokens.weight"] = decoder["logits.weight"]

    def linear(values: dict[str, np.ndarray], name: str, modules: list[str], transposed: bool) -> None:
        weight = values[f"{name}.weight"].T if transposed else values[f"{name}.weight"]
        parts = zip(
            modules, np.split(weight, len(modules)), np.split(values[f"{name}.bias"], len(modules)), strict=True
        )
        for module, matrix, bias in parts:
            out[f"{module}.weight"] = matrix
            if not module.endswith("k_proj"):
                out[f"{module}.bias"] = bias

    for layer in range(LAYERS):
        for values, part, transposed in ((encoder, "encoder", True), (decoder, "decoder", False)):
            module, name = f"model.{part}.layers.{layer}", f"layer_{layer}"
            out_name = "out" if part == "encoder" else "self_out"
            linear(values, f"{name}.qkv", [f"{module}.self_attn.{p}_proj" for p in "qkv"], transposed)
            linear(values, f"{name}.{out_name}", [f"{module}.self_attn.out_proj"], transposed)
            linear(values, f"{name}.inner", [f"{module}.fc1"], transposed)
            linear(values, f"{name}.outer", [f"{module}.fc2"], transposed)
        crossed = f"model.decoder.layers.{layer}.encoder_attn"
        linear(decoder, f"layer_{layer}.cross.query", [f"{crossed}.q_proj"], False)
        linear(decoder, f"layer_{layer}.cross.out", [f"{crossed}.out_proj"], False)
        for kind in ("key", "value"):
            linear(encoder, f"cross_{kind}_{layer}.rows", [f"{crossed}.{kind[0]}_proj"], True)
    return {name: torch.tensor(values, dtype=torch.float32) for name, values in out.items()}


def restore(pack: Path, base: Path, target: Path) -> WhisperForConditionalGeneration:
    """Write `target`, its configuration and tokenizer taken from the published folder `base`."""
    model = WhisperForConditionalGeneration.from_pretrained(base)
    load_exactly(model, state_dict(pack), tied={"proj_out.weight"})
    model.save_pretrained(target)
    for file in ("tokenizer.json", "preprocessor_config.json"):
        shutil.copyfile(base / file, target / file)
    return model.eval()


def main() -> None:
    """Restore it into the build folder unless it is there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--again", action="store_true")
    target = paths.whisper_short_context()
    if parser.parse_args().again or not (target / "model.safetensors").exists():
        restore(PACK, paths.whisper_base(), target)
        print(target)


if __name__ == "__main__":
    main()
