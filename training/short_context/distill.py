"""Short-context distillation: real frames alone must give the decoder states of the full 30 s window.

After futo-org/whisper-acft. Teacher: the published model on the clip padded to 30 s. Student: the same weights on the
real frames and 0.2 s of silence. The loss is the squared distance of the last decoder states under the same text.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import WhisperForConditionalGeneration

from training import paths
from training.data import augment, speech_corpus
from training.data.sounds import load_training_sounds
from training.device import best_device
from training.hearing.mel import HOP, fill_window, log_mel
from training.hearing.whisper import END_OF_TEXT, PROMPT, Decoder, batch_mels, encode

RATE = 16_000
FULL_SAMPLES = 30 * RATE
BATCH = 4
PEAK_LEARNING_RATE = 4e-5


@dataclass(frozen=True)
class Example:
    """A recording and the text under which teacher and student are compared."""

    samples: np.ndarray
    text: str


class Examples:
    """Endless random recordings: one or more joined clips, sounds, noise, silence."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.refresh()

    def refresh(self) -> None:
        """Read the corpora, also what was spoken since the last time."""
        self._clips = [(clip.text, audio) for clip, audio in speech_corpus.load()]
        self._sounds = load_training_sounds()
        if not self._clips:
            raise FileNotFoundError("no speech corpus: run training.data.speech_corpus first")

    def next(self) -> Example:
        """A speech example nine times of ten."""
        return self._speech() if self._rng.random() < 0.9 else self._without_words()

    def _speech(self) -> Example:
        rng = self._rng
        # Most are single clips; the others fill up to a random length, as the last window of a long recording does.
        limit = 0.0 if rng.random() < 0.75 else rng.uniform(4, 28) * RATE
        parts: list[np.ndarray] = []
        words: list[str] = []
        while True:
            text, audio = self._clips[int(rng.integers(len(self._clips)))]
            gap = np.zeros(int(rng.uniform(0.0, 0.5) * RATE), np.float32)
            total = sum(map(len, parts)) + len(audio) + len(gap)
            if total > 29.3 * RATE and parts:
                break
            parts += [gap, audio[: int(29.3 * RATE)].astype(np.float32) / 32768]
            words.append(text)
            if total > limit:
                break
        parts.append(np.zeros(int(rng.uniform(0.0, 0.5) * RATE), np.float32))
        joined = np.concatenate(parts)[: int(29.6 * RATE)]
        return Example(augment.recorded(joined, rng, self._sounds), " " + " ".join(words))

    def _without_words(self) -> Example:
        rng = self._rng
        samples = int(rng.uniform(0.6, 12) * RATE)
        kind = rng.random()
        if kind < 0.2:
            signal = np.zeros(samples, np.float32)
        elif kind < 0.5 or not self._sounds:
            make = augment.BACKGROUNDS[int(rng.integers(len(augment.BACKGROUNDS)))]
            signal = make(rng, samples) * np.float32(10 ** rng.uniform(-4, -0.7))
        else:
            signal = self._sounds[int(rng.integers(len(self._sounds)))][:samples]
        return Example(np.clip(signal, -1, 1), "")


def loss_of(
    student: WhisperForConditionalGeneration,
    teacher: WhisperForConditionalGeneration,
    tokenizer: Tokenizer,
    examples: list[Example],
    rng: np.random.Generator,
) -> torch.Tensor:
    """The mean squared distance of decoder states over the real text positions of a batch."""
    full: list[torch.Tensor] = []
    short: list[torch.Tensor] = []
    rows: list[list[int]] = []
    for example in examples:
        tail = 20 if rng.random() < 0.6 else int(rng.integers(8, 160))  # frames of 10 ms; serving adds 20
        mel = log_mel(np.pad(example.samples, (0, tail * HOP))[:FULL_SAMPLES])
        full.append(fill_window(mel))
        short.append(mel)
        rows.append([*PROMPT, *tokenizer.encode(example.text, add_special_tokens=False).ids[:220], END_OF_TEXT])
    ids = torch.full((len(rows), max(map(len, rows))), END_OF_TEXT)
    real = torch.zeros(ids.shape, dtype=torch.bool)
    for row, pieces in enumerate(rows):
        ids[row, : len(pieces)] = torch.tensor(pieces)
        real[row, : len(pieces)] = True
    device = student.device
    ids, real = ids.to(device), real.to(device)

    def states(model: WhisperForConditionalGeneration, mels: list[torch.Tensor]) -> torch.Tensor:
        padded, counts = batch_mels(mels)
        with torch.autocast(device.type, torch.bfloat16):
            return Decoder(model, encode(model, padded.to(device), counts.to(device)))(ids).float()

    with torch.no_grad():
        wanted = states(teacher, full)
    return F.mse_loss(states(student, short)[real], wanted[real])


def train(minutes: float, output: Path, save_every_s: float = 180.0) -> None:
    """Distil for so many minutes of computing; resumes from `output` where a run was broken off."""
    device = best_device()
    teacher = WhisperForConditionalGeneration.from_pretrained(paths.whisper_base()).eval().to(device)
    progress = output / "progress.json"
    elapsed = json.loads(progress.read_text())["seconds"] if progress.exists() else 0.0
    student = WhisperForConditionalGeneration.from_pretrained(output if elapsed else paths.whisper_base()).to(device)
    tokenizer = Tokenizer.from_file(str(paths.whisper_base() / "tokenizer.json"))
    rng = np.random.default_rng(int(elapsed))
    examples = Examples(int(elapsed) + 1)
    # The embedding is also the head: it stays, and the decoder states keep their meaning.
    student.model.decoder.embed_tokens.requires_grad_(False)
    trained = [parameter for parameter in student.model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=PEAK_LEARNING_RATE, weight_decay=0.0, fused=True)
    budget, start, saved, step = minutes * 60, time.monotonic() - elapsed, elapsed, 0
    losses: list[float] = []
    while (now := time.monotonic() - start) < budget:
        pool = sorted((examples.next() for _ in range(BATCH * 4)), key=lambda example: len(example.samples))
        for first in rng.permutation(4) * BATCH:
            share = min(1.0, (time.monotonic() - start) / budget)
            for group in optimizer.param_groups:
                warm = min(1.0, (step + 1) / 40)
                group["lr"] = PEAK_LEARNING_RATE * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
            loss = loss_of(student, teacher, tokenizer, pool[first : first + BATCH], rng)
            optimizer.zero_grad()
            if not torch.isfinite(loss):
                continue
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            losses.append(loss.item())
            step += 1
            if step % 50 == 0:
                print(f"step {step} loss {np.mean(losses[-50:]):.4f} {time.monotonic() - start:.0f} s", flush=True)
        if now - saved > save_every_s:
            save(student, output, now)
            examples.refresh()
            saved = now
    save(student, output, budget)


def save(student: WhisperForConditionalGeneration, output: Path, seconds: float) -> None:
    """The weights, the tokenizer beside them, and how far the run is."""
    output.mkdir(parents=True, exist_ok=True)
    student.save_pretrained(output)
    (output / "tokenizer.json").write_bytes((paths.whisper_base() / "tokenizer.json").read_bytes())
    (output / "progress.json").write_text(json.dumps({"seconds": seconds}))


def main() -> None:
    """Run the distillation."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=22)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    train(arguments.minutes, paths.whisper_short_context())


if __name__ == "__main__":
    main()
