"""Writes both packs: `python -m training.export.packs --whisper DIR --smollm2 DIR --out models`.

`--checkpoint NAME=FOLDER` (repeatable, the last is the default) adds a trained checkpoint: a folder with
adapter.safetensors and acoustic.onnx, and perhaps description.txt and provenance.json. Without one the pack gets
a checkpoint `base` that changes nothing. `--hearing FILE` takes the measured numbers of the speech gate.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from tokenizers import Tokenizer
from transformers import LlamaForCausalLM, WhisperForConditionalGeneration

from training.export.acoustic import copy_projector, silent_projector
from training.export.adapters import check_adapter, copy_adapter, write_untrained
from training.export.calibrate import calibrate
from training.export.encoder_reach import measure
from training.export.llama_decoder import LlamaDecoder, LlamaOptions, site_shapes
from training.export.manifest import (
    DEFAULT_HEARING,
    SMOLLM2_PROVENANCE,
    TRAINED_PROVENANCE,
    WHISPER_PROVENANCE,
    pocket_manifest,
    whisper_manifest,
    write_manifest,
)
from training.export.tensors import in_memory
from training.export.whisper_decoder import WhisperDecoder
from training.export.whisper_encoder import WhisperEncoder

SPEECH_PACK = "whisper-tiny.en"
POCKET_PACK = "pocket"
GENERATED = (".onnx", ".bin", ".json", ".safetensors")


def write_whisper_pack(source: Path, folder: Path, changes: str, hearing: dict) -> None:
    """Encoder, decoder, tokenizer and manifest of the recognizer at `source` (a Hugging Face folder)."""
    clear(folder)
    model = WhisperForConditionalGeneration.from_pretrained(source).eval()
    names = []
    encoder = WhisperEncoder(model, reach=measure(model))
    for graph_name, part in (("encoder.onnx", encoder), ("decoder.onnx", WhisperDecoder(model))):
        part.graph.save(folder, graph_name)
        for file in part.files:
            file.save(folder)
        names += [graph_name, *(file.name for file in part.files)]
    write_tokenizer(source, folder)
    write_manifest(folder, whisper_manifest(folder, model.config, [*names, "tokenizer.json"], changes, hearing))


def write_pocket_pack(
    source: Path, folder: Path, checkpoints: dict[str, Path], hearing: dict, whisper_changes: str
) -> None:
    """Decoder, embedding table, tokenizer, checkpoints and manifest of the audio-language model."""
    clear(folder)
    model = LlamaForCausalLM.from_pretrained(source).eval()
    options = LlamaOptions()
    decoder = LlamaDecoder(model.config, in_memory(model), options)
    decoder.graph.save(folder, "decoder.onnx")
    for file in decoder.files:
        file.save(folder)
    write_tokenizer(source, folder)
    names = ["decoder.onnx", *(file.name for file in decoder.files), "tokenizer.json"]
    listed, provenance = [], [SMOLLM2_PROVENANCE | {"changes": "de-quantized, then rounded to 8 bits in blocks"}]
    provenance.append(WHISPER_PROVENANCE | {"changes": whisper_changes})
    for name, origin in (checkpoints or {"base": None}).items():
        entry, made_of = write_checkpoint(name, origin, folder, model, options)
        listed.append(entry)
        provenance += [source for source in made_of if source not in provenance]
        names += [entry["adapter"], entry["acoustic_graph"]]
    manifest = pocket_manifest(
        folder,
        model.config,
        files=names,
        speech_pack=SPEECH_PACK,
        sites={site: site_shapes(model.config)[site] for site in options.sites},
        block=options.block,
        hearing=hearing,
        checkpoints=listed,
        provenance=provenance,
    )
    write_manifest(folder, manifest)
    calibrate(folder.parent, model, options)


def write_checkpoint(
    name: str, origin: Path | None, folder: Path, model: LlamaForCausalLM, options: LlamaOptions
) -> tuple[dict, list[dict]]:
    """Copies the checkpoint at `origin`, or makes the untrained one; gives its manifest entry and provenance."""
    target = folder / "checkpoints" / name
    target.mkdir(parents=True)
    adapter, acoustic = target / "adapter.safetensors", target / "acoustic.onnx"
    description, provenance = "The text model as published: no adapter, no acoustic tokens.", []
    if origin is None:
        write_untrained(adapter, model, options.sites)
        silent_projector(features=384, hidden=model.config.hidden_size).save(target, acoustic.name)
    else:
        copy_adapter(origin / adapter.name, adapter)
        copy_projector(origin / acoustic.name, acoustic)
        description, provenance = "Tuned to answer about what it hears.", [TRAINED_PROVENANCE]
        if (origin / "description.txt").exists():
            description = (origin / "description.txt").read_text().strip()
        if (origin / "provenance.json").exists():
            provenance = json.loads((origin / "provenance.json").read_text())
    check_adapter(adapter, model, options.sites)
    entry = {
        "name": name,
        "description": description,
        "adapter": adapter.relative_to(folder).as_posix(),
        "acoustic_graph": acoustic.relative_to(folder).as_posix(),
    }
    return entry, provenance


def write_tokenizer(source: Path, folder: Path) -> None:
    """`tokenizer.json` without line breaks: half the size."""
    Tokenizer.from_file(str(source / "tokenizer.json")).save(str(folder / "tokenizer.json"), pretty=False)


def clear(folder: Path) -> None:
    """Removes what an earlier export wrote, so that nothing unlisted stays behind; licences and cards stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path.suffix in GENERATED:
            path.unlink()
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def main() -> None:
    """Reads the command line and writes both packs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whisper", type=Path, required=True)
    parser.add_argument("--smollm2", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--checkpoint", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--hearing", type=Path)
    parser.add_argument("--whisper-changes", default="encoder in 16 bits, decoder in 8 bits")
    arguments = parser.parse_args()
    checkpoints = {name: Path(folder) for name, _, folder in (c.partition("=") for c in arguments.checkpoint)}
    hearing = json.loads(arguments.hearing.read_text()) if arguments.hearing else DEFAULT_HEARING
    write_whisper_pack(arguments.whisper, arguments.out / SPEECH_PACK, arguments.whisper_changes, hearing)
    write_pocket_pack(arguments.smollm2, arguments.out / POCKET_PACK, checkpoints, hearing, arguments.whisper_changes)
    sizes = {p: p.stat().st_size for p in sorted(arguments.out.rglob("*")) if p.is_file()}
    for path, size in sizes.items():
        print(f"{size / 1e6:8.2f} MB  {path}")
    print(f"{sum(sizes.values()) / 1e6:8.2f} MB  in all")


if __name__ == "__main__":
    main()
