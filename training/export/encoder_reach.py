"""How far each channel goes that the encoder's linear maps read, on real voices, sounds and noise (rounded_linear.py).

The clips are those of the page and synthetic ones, none that anything is evaluated on: web/samples and
training/data/noise.py, at lengths from a fifth of a second to 30 s, some voices in noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from transformers import WhisperForConditionalGeneration

from training.data import noise
from training.export.sessions import open_session
from training.export.whisper_encoder import WhisperEncoder
from training.goldens.audio import SAMPLE_RATE_HZ, load_recording, log_mel, signals

SAMPLES = Path("web/samples")
WINDOW = 30 * SAMPLE_RATE_HZ
NOISES = (noise.white, noise.pink, noise.brown, noise.hiss, noise.hum, noise.beeps, noise.tone)


def measure(model: WhisperForConditionalGeneration, mels: list[np.ndarray] | None = None) -> dict[str, np.ndarray]:
    """The largest size of each channel by the name of the value in the graph, [width] f32; see `clips` for `mels`."""
    encoder = WhisperEncoder(model)
    names = [
        f"layer_{layer}.{value}"
        for layer in range(model.config.encoder_layers)
        for value in ("attention_norm", "attended", "feed_forward_norm")
    ]
    names.append("states")
    for name in names:
        encoder.graph.output(name, np.float32, ["batch", "positions", model.config.d_model])
    with TemporaryDirectory() as folder:
        encoder.graph.save(Path(folder), "encoder.onnx")
        encoder.file.save(Path(folder))
        session = open_session(Path(folder) / "encoder.onnx")
    reach = dict.fromkeys(names, np.zeros(model.config.d_model, np.float32))
    for mel in mels or [log_mel(clip, model.config.num_mel_bins) for clip in clips()]:
        values = session.run(names, {"mel": mel[None], "frame_counts": np.array([mel.shape[1]])})
        for name, value in zip(names, values, strict=True):
            reach[name] = np.maximum(reach[name], np.abs(value[0]).max(axis=0))
    return reach


def clips() -> Iterator[np.ndarray]:
    """[samples] f32 at 16 kHz, always the same ones."""
    rng = np.random.default_rng(1)
    speech, greeting, water = (load_recording(SAMPLES / f) for f in ("inaugural.wav", "greeting.wav", "water.opus"))
    yield from (speech, greeting, water, np.concatenate([speech] * 3)[:WINDOW], *signals().values())
    for seconds in (1, 3, 8):
        length = seconds * SAMPLE_RATE_HZ
        for start in range(0, len(speech) - length + 1, length):
            yield speech[start : start + length]
    for start in range(0, len(greeting) - SAMPLE_RATE_HZ, SAMPLE_RATE_HZ):
        yield greeting[start : start + SAMPLE_RATE_HZ]
    for make in NOISES:
        for seconds, loudness in ((1, 0.01), (3, 0.1), (10, 0.3)):
            yield (loudness * make(rng, seconds * SAMPLE_RATE_HZ)).astype(np.float32)
        voice = greeting if rng.random() < 0.5 else speech[: 10 * SAMPLE_RATE_HZ]
        loudness = 0.4 * np.sqrt(np.mean(voice**2))
        yield (voice + loudness * make(rng, len(voice))).astype(np.float32)
