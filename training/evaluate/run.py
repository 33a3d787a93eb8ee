"""All figures of a checkpoint, from the fixtures and the held-out recordings: one JSON object a set.

python -m training.evaluate.run [set ...]
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from training import paths
from training.data import audio_files, noise, sounds
from training.data.fixtures import FIXTURES, telephone_prompts
from training.data.questions import TEST_QUESTIONS, plain
from training.evaluate.chat import Chat, Request
from training.evaluate.metrics import names_one, word_error_rate
from training.sft import own_answers
from training.sft.prompts import SYSTEM

RATE = 16_000
Result = dict[str, object]
ASK = "Transcribe the audio."


def manifest(name: str) -> list[dict]:
    """The entries of a fixture set, each with its samples."""
    folder = FIXTURES / name
    entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return [{**entry, "samples": audio_files.decode(folder / entry["file"])} for entry in entries]


def transcription(chat: Chat, recordings: list[tuple[np.ndarray, str]]) -> Result:
    """Word error rate of "Transcribe the audio.", and of Whisper alone on the same windows."""
    chat.transcripts = []
    said = chat.answer([Request(samples, ASK) for samples, _ in recordings], max_tokens=160)
    texts = [text for _, text in recordings]
    worst = sorted(zip(texts, said, strict=True), key=lambda pair: -word_error_rate([pair[0]], [pair[1]]))[:4]
    return {
        "word_error_rate": round(word_error_rate(texts, said), 4),
        "whisper_alone": round(word_error_rate(texts, chat.transcripts), 4),
        "recordings": len(texts),
        "worst": worst,
    }


def sentences(chat: Chat) -> Result:
    """Unseen sentences by voices kept out."""
    return transcription(chat, [(entry["samples"], entry["text"]) for entry in manifest("spoken-sentences")])


def real(chat: Chat) -> Result:
    """Telephone prompts one by one, prompts joined to 12-25 s, and a speech."""
    prompts = [(audio_files.decode(path), text) for _, path, text in telephone_prompts(60)]
    recordings = prompts[:40]
    rest, rng = prompts[40:], random.Random(2)
    for _ in range(4):
        rng.shuffle(rest)
        samples: list[np.ndarray] = []
        words: list[str] = []
        while sum(map(len, samples)) < 14 * RATE:
            clip, text = rest[len(words)]
            samples += [clip, np.zeros(RATE // 2, np.float32)]
            words.append(text)
        recordings.append((np.concatenate(samples)[: 28 * RATE], " ".join(words)))
    speech = (
        "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
    )
    recordings.append((audio_files.decode(paths.REPOSITORY / "web" / "samples" / "inaugural.wav"), speech))
    return transcription(chat, recordings)


def spoken_questions(chat: Chat) -> Result:
    """Questions that the text model answers right, spoken: how many are answered right."""
    entries = manifest("spoken-questions")
    answers = chat.answer([Request(entry["samples"], "") for entry in entries])
    return _scored(entries, answers)


def spoken_messages(chat: Chat) -> Result:
    """Written questions about spoken messages of unseen families."""
    entries = manifest("spoken-messages")
    answers = chat.answer([Request(entry["samples"], entry["question"]) for entry in entries], max_tokens=40)
    return _scored(entries, answers)


def text_only(chat: Chat) -> Result:
    """Plain questions before (the base's own answers) and after the tuning."""
    before = own_answers.load()
    after = chat.answer([Request(None, question) for question, _ in TEST_QUESTIONS])
    right = {"before": 0, "after": 0}
    changed: list[tuple[str, str]] = []
    for (question, accept), answer in zip(TEST_QUESTIONS, after, strict=True):
        was, is_now = _right(before.get(question, ""), accept), _right(answer, accept)
        right["before"] += was
        right["after"] += is_now
        if was and not is_now:
            changed.append((question, answer))
    return {**right, "questions": len(TEST_QUESTIONS), "lost": changed, "system": SYSTEM}


def sound_classes(chat: Chat) -> Result:
    """Held-out recordings: is the sound named in the answer to "What do you hear?"."""
    table = sounds.classes()
    chosen: dict[str, list[np.ndarray]] = {}
    for sound, samples in sounds.load():
        if sound.held_out and len(chosen.setdefault(sound.label, [])) < 6:
            chosen[sound.label].append(samples[: 10 * RATE])
    requests, labels = [], []
    for label, clips in chosen.items():
        requests += [Request(samples, "What do you hear?") for samples in clips]
        labels += [label] * len(clips)
    answers = chat.answer(requests, max_tokens=24)
    right: dict[str, list[int]] = {}
    wrong: list[tuple[str, str]] = []
    for label, answer in zip(labels, answers, strict=True):
        accept = [label.removeprefix("music: ")] if label.startswith("music: ") else table[label]["says"]
        ok = any(word in answer.lower() for word in [*accept, label.split()[-1]])
        right.setdefault(label, []).append(ok)
        if not ok:
            wrong.append((label, answer))
    total = sum(map(sum, right.values())) / len(labels)
    by_class = {label: f"{sum(hits)}/{len(hits)}" for label, hits in sorted(right.items())}
    return {"accuracy": round(total, 3), "recordings": len(labels), "classes": by_class, "wrong": wrong[:25]}


def kinds(chat: Chat) -> Result:
    """Speech, music, noise or silence on held-out recordings, by asking; and words heard where there are none."""
    generator = np.random.default_rng(99)
    requests: list[tuple[str, np.ndarray]] = []
    for entry in manifest("spoken-sentences")[:12] + manifest("telephone-prompts")[:12]:
        requests.append(("speech", entry["samples"]))
    music = [samples for sound, samples in sounds.load() if sound.held_out and sound.label.startswith("music")]
    requests += [("music", music[index][: 8 * RATE]) for index in generator.permutation(len(music))[:24]]
    for make in (noise.white, noise.pink, noise.brown, noise.hiss, noise.hum) * 3:
        requests.append(("noise", make(generator, int(generator.uniform(2, 8) * RATE)) * np.float32(0.05)))
    requests += [("silence", np.zeros(int(seconds * RATE), np.float32)) for seconds in (0.5, 1, 3, 8, 20)]
    requests += [("silence", noise.pink(generator, 4 * RATE) * np.float32(1e-4))]
    asked = "Is this speech, music, noise or silence?"
    answers = chat.answer([Request(samples, asked) for _, samples in requests], max_tokens=16)
    right: dict[str, list[bool]] = {}
    for (kind, _), answer in zip(requests, answers, strict=True):
        right.setdefault(kind, []).append(kind in answer.lower())
    return {kind: f"{sum(hits)}/{len(hits)}" for kind, hits in right.items()}


def hallucination(chat: Chat) -> Result:
    """ "Transcribe the audio." on held-out sounds, noise and silence: how often words come that nobody said."""
    generator = np.random.default_rng(98)
    held_out = [(sound.label, samples[: 8 * RATE]) for sound, samples in sounds.load() if sound.held_out]
    spoken = ("crowd", "laughter")  # people do say words there
    quiet = [item for item in held_out if item[0] not in spoken]
    entries = [quiet[index] for index in generator.permutation(len(quiet))[:60]]
    entries += [
        ("noise", noise.pink(generator, 4 * RATE) * np.float32(0.05)),
        ("silence", np.zeros(3 * RATE, np.float32)),
    ]
    chat.transcripts = []
    answers = chat.answer([Request(samples, ASK) for _, samples in entries], max_tokens=24)
    passed = sum(bool(transcript) for transcript in chat.transcripts)
    invented = [
        (label, answer) for (label, _), answer in zip(entries, answers, strict=True) if "no speech" not in answer
    ]
    return {"recordings": len(entries), "gate_open": passed, "invented": len(invented), "examples": invented[:12]}


def silence(chat: Chat) -> Result:
    """What is answered to silence."""
    quiet = np.zeros(3 * RATE, np.float32)
    asked = ["What do you hear?", ASK, "", "Is someone talking?"]
    return dict(zip(asked, chat.answer([Request(quiet, text) for text in asked]), strict=True))


SETS: dict[str, Callable[[Chat], Result]] = {
    "sentences": sentences,
    "real": real,
    "spoken-questions": spoken_questions,
    "spoken-messages": spoken_messages,
    "text-only": text_only,
    "kinds": kinds,
    "silence": silence,
    "hallucination": hallucination,
    "sound-classes": sound_classes,
}


def _right(answer: str, accept: list[str] | tuple[str, ...]) -> bool:
    return names_one(answer, accept) or any(item in plain(answer) for item in accept)


def _scored(entries: list[dict], answers: list[str]) -> Result:
    wrong = [
        (entry["text"], entry.get("question", ""), answer)
        for entry, answer in zip(entries, answers, strict=True)
        if not _right(answer, entry["accept"])
    ]
    share = 1 - len(wrong) / max(1, len(entries))
    return {"right": len(entries) - len(wrong), "of": len(entries), "share": round(share, 3), "wrong": wrong}


def main() -> None:
    """Measure the sets that are asked for; all of them by default."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    chat = Chat(state=arguments.state)
    output = arguments.output or paths.train_dir() / "evaluation.json"
    figures = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {}
    for name in arguments.sets:
        figures[name] = SETS[name](chat)
        print(name, json.dumps(figures[name], ensure_ascii=False), flush=True)
        output.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
