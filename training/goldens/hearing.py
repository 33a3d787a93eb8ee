"""Goldens of hearing: encoder features, Whisper's greedy pieces and alternatives, the bridge, acoustic tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import WhisperForConditionalGeneration

from training.export.sessions import PackRunner
from training.goldens.audio import RECORDING, load_recording, log_mel, signals
from training.goldens.files import write_array, write_json
from training.hearing.bridge import Bridge
from training.hearing.whisper import PROMPT, Heard, batch_mels, encode, listen

POSITION_STEP = 5  # every fifth encoder position is kept
# The reference has the encoder's weights as they are stored; of products in 8 bits it knows nothing. "encoder" is the
# distance in parts of the reference's norm, the others are largest differences.
TOLERANCE = {"encoder": 0.08, "probability": 0.15, "mean_log_probability": 0.1, "speech": 1e-5, "acoustic": 1e-2}
STORED_IN_16_BITS = ("model.encoder.", ".encoder_attn.k_proj.", ".encoder_attn.v_proj.")


@dataclass(frozen=True)
class HeardClip:
    """One clip as the reference heard it: states and features [positions, 384], pieces, tokens of the prompt."""

    states: torch.Tensor
    features: torch.Tensor
    heard: Heard
    speech: np.ndarray
    acoustic: np.ndarray


class Ear:
    """The reference: torch in f32 for Whisper, the pack's own embedding rows for the bridge."""

    def __init__(self, model: WhisperForConditionalGeneration, runner: PackRunner, packs: Path) -> None:
        self.model = model
        self.runner = runner
        self.whisper_tokenizer = Tokenizer.from_file(str(packs / "whisper-tiny.en" / "tokenizer.json"))
        tokenizer = Tokenizer.from_file(str(packs / "pocket" / "tokenizer.json"))
        self.bridge = Bridge(self.whisper_tokenizer, tokenizer)
        self.hearing = runner.pocket["hearing"]

    def padded(self, samples: np.ndarray) -> np.ndarray:
        """The clip with the silence that hearing puts behind it."""
        return np.pad(samples, (0, self.hearing["tail_samples"]))

    @torch.no_grad()
    def hear(self, samples: np.ndarray) -> HeardClip:
        """Hears one clip of at most 30 s, the gate left aside."""
        mel = torch.from_numpy(log_mel(self.padded(samples), 80))
        encoded = encode(self.model, *batch_mels([mel]))
        heard = listen(self.model, encoded, self.hearing["max_tokens"], self.hearing["alternatives"])[0]
        ids, weights = (part.numpy() for part in self.bridge.soft(heard))
        speech = (self.runner.table[ids] * weights[..., None]).sum(axis=1)
        acoustic = self.runner.acoustic.run(None, {"audio_features": encoded.features.numpy()})[0]
        return HeardClip(encoded.states[0], encoded.features[0], heard, speech, acoustic)


@torch.no_grad()
def stored_whisper(source: Path) -> WhisperForConditionalGeneration:
    """The recognizer with the matrices of its encoder graph rounded to 16 bits, as the pack stores them."""
    model = WhisperForConditionalGeneration.from_pretrained(source).eval()
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and any(part in name for part in STORED_IN_16_BITS):
            weight.copy_(weight.half().float())
    return model


def write_hearing(folder: Path, ear: Ear) -> HeardClip:
    """Writes hearing-speech.json (two seconds, everything) and hearing-recording.json (a whole file, the words)."""
    samples = signals()["speech"]
    clip = ear.hear(samples)
    encoded = ear.runner.encode(log_mel(ear.padded(samples), 80))
    features = clip.features.numpy()
    cross = {
        name: cross_states(ear.model, clip.states, name)[:, ::POSITION_STEP]
        for name in ("cross_key_0", "cross_value_3")
    }
    measured = {
        "encoder": relative_distance(encoded["audio_features"][0], features),
        "cross": max(relative_distance(encoded[n][0, :, ::POSITION_STEP], v) for n, v in cross.items()),
        "probability": probability_difference(ear, encoded, clip.heard),
    }
    content = {
        "reference": "Whisper in torch, f32, on the real frames, the encoder's weights rounded to 16 bits",
        "tolerance": TOLERANCE,
        "measured": measured,
        "samples": "mel-speech.samples.f32",
        "tail_samples": ear.hearing["tail_samples"],
        "positions": len(features),
        "position_step": POSITION_STEP,
        "features": write_array(folder, "hearing-speech.features", features[::POSITION_STEP]),
        "cross": {name: write_array(folder, f"hearing-speech.{name}", v) for name, v in cross.items()},
        **transcript(ear, clip.heard),
        "top_ids": write_array(folder, "hearing-speech.top-ids", clip.heard.top_ids.numpy()),
        "top_probabilities": write_array(
            folder, "hearing-speech.top-probabilities", clip.heard.top_probabilities.numpy()
        ),
        "speech": write_array(folder, "hearing-speech.speech", clip.speech),
        "acoustic": write_array(folder, "hearing-speech.acoustic", clip.acoustic),
    }
    write_json(folder, "hearing-speech", content)
    recording = {
        "reference": content["reference"],
        "tolerance": TOLERANCE,
        "file": RECORDING.as_posix(),
        "tail_samples": ear.hearing["tail_samples"],
        **transcript(ear, ear.hear(load_recording()).heard),
    }
    write_json(folder, "hearing-recording", recording)
    print("hearing:", repr(content["text"]), repr(recording["text"]), measured)
    return clip


def transcript(ear: Ear, heard: Heard) -> dict:
    """The words and what the gate asks about them."""
    return {
        "ids": heard.ids,
        "text": ear.whisper_tokenizer.decode(heard.ids),
        "no_speech_probability": heard.no_speech,
        "mean_log_probability": heard.mean_log_probability,
    }


def relative_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The distance of two arrays in parts of the norm of `theirs`."""
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


@torch.no_grad()
def cross_states(model: WhisperForConditionalGeneration, states: torch.Tensor, name: str) -> np.ndarray:
    """The decoder's keys or values over `states`, [heads, positions, 64] f32; `name` as the encoder's output."""
    _, kind, layer = name.split("_")
    attention = model.model.decoder.layers[int(layer)].encoder_attn
    projected = {"key": attention.k_proj, "value": attention.v_proj}[kind](states)
    return projected.view(len(states), attention.num_heads, -1).transpose(0, 1).contiguous().numpy()


def probability_difference(ear: Ear, encoded: dict[str, np.ndarray], heard: Heard) -> float:
    """Largest difference of an alternative's probability, the exported decoder fed with the reference's pieces."""
    steps = ear.runner.recognize(encoded, [list(PROMPT), *([piece] for piece in heard.ids[:-1])])
    worst = 0.0
    for logits, ids, probabilities in zip(steps, heard.top_ids, heard.top_probabilities, strict=True):
        ours = torch.from_numpy(logits[: PROMPT[0]]).softmax(-1)[ids]
        worst = max(worst, float((ours - probabilities).abs().max()))
    return worst
