"""Hearing a recording as the server does: windows, tail, gate, speech tokens, pooled acoustic features."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import WhisperForConditionalGeneration

from training import paths
from training.acoustic.projector import pool
from training.hearing.bridge import ALTERNATIVES, Bridge
from training.hearing.mel import fill_window, log_mel
from training.hearing.whisper import Heard, batch_mels, encode, listen
from training.sft.prompts import Window

RATE = 16_000
TAIL_SAMPLES = 3200
WINDOW_SAMPLES = 30 * RATE - TAIL_SAMPLES
MAX_TOKENS = 224


@dataclass(frozen=True)
class Gate:
    """When a window holds no speech; the same fields as in the pack's manifest."""

    min_rms: float = 0.0005
    max_no_speech_probability: float = 0.5
    min_mean_logprob: float = -1.0
    floor_mean_logprob: float = -1.6

    def is_speech(self, heard: Heard) -> bool:
        """Whether what was heard is speech."""
        if not heard.ids or is_loop(heard) or heard.mean_log_probability < self.floor_mean_logprob:
            return False
        doubtful = heard.no_speech > self.max_no_speech_probability
        return not (doubtful and heard.mean_log_probability < self.min_mean_logprob)


def hearing_path() -> Path:
    """The manifest's `hearing` object, as measured."""
    return paths.train_dir() / "hearing.json"


def measured_gate() -> Gate:
    """The gate of hearing.json, or the first guess."""
    if not hearing_path().exists():
        return Gate()
    return Gate(**json.loads(hearing_path().read_text(encoding="utf-8"))["gate"])


def is_loop(heard: Heard) -> bool:
    """Whether the end of the text repeats itself, or the transcript was cut at its longest."""
    ids = heard.ids
    if len(ids) >= MAX_TOKENS:
        return True
    return any(
        len(ids) >= 3 * period and ids[-period:] == ids[-2 * period : -period] == ids[-3 * period : -2 * period]
        for period in range(2, 30)
    )


def loudest_rms(samples: np.ndarray, block: int = 8000) -> float:
    """Root mean square of the loudest half second."""
    blocks = [samples[start : start + block] for start in range(0, max(1, len(samples)), block)]
    return max((float(np.sqrt(np.mean(part**2))) for part in blocks if len(part)), default=0.0)


def split_windows(samples: np.ndarray, longest: int = WINDOW_SAMPLES, search: int = 5 * RATE) -> list[np.ndarray]:
    """Windows of at most 30 s less the tail, cut at the quietest tenth of a second of the last five."""
    windows: list[np.ndarray] = []
    while len(samples) > longest:
        hop = RATE // 10
        starts = range(longest - search, longest - hop, hop)
        cut = min(starts, key=lambda start: float(np.mean(samples[start : start + hop] ** 2))) + hop // 2
        windows.append(samples[:cut])
        samples = samples[cut:]
    return [*windows, samples]


@dataclass(frozen=True)
class Listened:
    """A window for the prompt, its transcript ("" where the gate is shut), and what the gate decided on."""

    window: Window
    transcript: str
    no_speech: float
    mean_log_probability: float
    pieces: int


class Ear:
    """Whisper (by default the distilled one) and the bridge."""

    def __init__(self, whisper: Path | None = None, gate: Gate | None = None) -> None:
        folder = whisper or paths.whisper_short_context()
        self.whisper = WhisperForConditionalGeneration.from_pretrained(folder).eval()
        self.tokenizer = Tokenizer.from_file(str(paths.whisper_base() / "tokenizer.json"))
        self.bridge = Bridge(self.tokenizer, Tokenizer.from_file(str(paths.smollm2_base() / "tokenizer.json")))
        self.gate = gate or measured_gate()

    @torch.no_grad()
    def windows(self, batch: list[np.ndarray], words: bool = True, fallback: bool = True) -> list[Listened]:
        """Hear several windows, each [n] f32 of at most WINDOW_SAMPLES; without `words` nothing is decoded."""
        silent = [loudest_rms(samples) < self.gate.min_rms for samples in batch]
        mels = [
            log_mel(np.pad(np.zeros_like(samples) if quiet else samples, (0, TAIL_SAMPLES)))
            for samples, quiet in zip(batch, silent, strict=True)
        ]
        encoded = encode(self.whisper, *batch_mels(mels))
        empty = Heard([], torch.zeros(0, ALTERNATIVES).long(), torch.zeros(0, ALTERNATIVES), 1.0, -99.0)
        heard = listen(self.whisper, encoded, MAX_TOKENS) if words else [empty] * len(batch)
        results: list[Listened] = []
        for row, what in enumerate(heard):
            if fallback and is_loop(what):
                full = fill_window(mels[row])
                what = listen(self.whisper, encode(self.whisper, *batch_mels([full])), MAX_TOKENS)[0]
            speaks = not silent[row] and self.gate.is_speech(what)
            ids, weights = self.bridge.soft(what if speaks else empty)
            window = Window(pool(encoded.features[row, : mels[row].shape[1] // 2]), ids, weights)
            text = self.tokenizer.decode(what.ids).strip() if speaks else ""
            results.append(Listened(window, text, what.no_speech, what.mean_log_probability, len(what.ids)))
        return results

    def recording(self, samples: np.ndarray) -> list[Listened]:
        """Hear a recording of any length, window by window."""
        return [self.windows([window])[0] for window in split_windows(samples)]
