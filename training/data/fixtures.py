"""Small spoken evaluation sets for the product's own tests: `test/fixtures/*/manifest.json` beside 16 kHz Opus files.

Questions, messages and sentences are read by the four Kokoro voices that nothing is trained on; telephone prompts are
from asterisk-core-sounds-en (CC BY-SA 3.0); sounds are held-out recordings whose licences allow sharing, and our own.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import subprocess
from pathlib import Path

import numpy as np
import soundfile as sf

from training import paths
from training.data import audio_files, instruments, noise, questions, scenarios, sounds, texts
from training.data.scenarios import grammar
from training.data.speakers import HELD_OUT_VOICES, RATE, Kokoro

OURS = "Apache-2.0; read by Kokoro-82M (Apache-2.0)"
PROMPT_LICENCE = "CC BY-SA 3.0; Copyright 2003-2010 Allison Smith, financed by Digium, Inc.; re-encoded as Opus"
FIXTURES = paths.REPOSITORY / "test" / "fixtures"
PROMPTS = Path("/usr/share/asterisk/sounds")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PROMPT_TEXTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")


def write_opus(samples: np.ndarray, path: Path, bitrate: str = "28k") -> None:
    """Mono samples at 16 kHz as Ogg Opus."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = path.with_suffix(".wav")
    sf.write(wave, samples, RATE)
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        "-i",
        str(wave),
        "-c:a",
        "libopus",
        "-b:a",
        bitrate,
        "-ar",
        "16000",
        str(path),
    ]
    subprocess.run(command, check=True)
    wave.unlink()


def write_manifest(folder: Path, entries: list[dict]) -> None:
    """The list of a set's files."""
    (folder / "manifest.json").write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def spoken_questions(kokoro: Kokoro, count: int) -> None:
    """Questions that the text model answers right (training.sft.own_answers), spoken."""
    from training.sft.own_answers import load

    answers = load()
    entries: list[dict] = []
    folder = FIXTURES / "spoken-questions"
    for question, accept in questions.TEST_QUESTIONS:
        if len(entries) == count:
            break
        if not any(word in questions.plain(answers.get(question, "")) for word in accept):
            continue
        voice = HELD_OUT_VOICES[len(entries) % 4]
        file = f"{len(entries):02d}.opus"
        write_opus(kokoro.say(question, voice), folder / file)
        entries.append(
            {"file": file, "text": question, "accept": list(accept), "licence": OURS, "source": f"Kokoro, {voice}"}
        )
    write_manifest(folder, entries)


def spoken_messages(kokoro: Kokoro, count: int) -> None:
    """Messages of families that are never trained on, each with one question."""
    rng = random.Random(11)
    entries: list[dict] = []
    folder = FIXTURES / "spoken-messages"
    for index in range(count):
        message = scenarios.test_message(rng)
        asked = grammar.question(message, rng.choice(message.asks), rng)
        voice = HELD_OUT_VOICES[index % 4]
        file = f"{index:02d}.opus"
        write_opus(kokoro.say(message.text, voice), folder / file)
        accept = sorted({bare(variant) for key in asked.accept for variant in key})
        entry = {"file": file, "text": message.text, "question": asked.question, "accept": accept}
        entries.append({**entry, "licence": OURS, "source": f"Kokoro, {voice}"})
    write_manifest(folder, entries)


def bare(value: str) -> str:
    """A value in lower case without its article: an answer may say "the wallet" for "a wallet"."""
    return re.sub(r"^(a|an|the|your|our|some) ", "", value.lower())


def spoken_sentences(kokoro: Kokoro, count: int) -> None:
    """Held-out sentences, two at a time, for word error rates."""
    rng = random.Random(12)
    pool = [text for text in texts.held_out_sentences() if not re.search(r"[0-9$%]", text)]
    entries: list[dict] = []
    folder = FIXTURES / "spoken-sentences"
    for index in range(count):
        text = " ".join(texts.finished(rng.choice(pool)) for _ in range(1 + index % 2))
        voice = HELD_OUT_VOICES[index % 4]
        file = f"{index:02d}.opus"
        write_opus(kokoro.say(text, voice), folder / file)
        entries.append({"file": file, "text": text, "accept": [], "licence": OURS, "source": f"Kokoro, {voice}"})
    write_manifest(folder, entries)


def prompt_texts() -> dict[str, str]:
    """File stem to text of the telephone prompts that have a text of four words or more."""
    out: dict[str, str] = {}
    with gzip.open(PROMPT_TEXTS, "rt", errors="ignore") as lines:
        for line in lines:
            name, found, text = line.partition(":")
            text = text.strip()
            if found and not line.startswith(";") and text and "[" not in text and len(text.split()) >= 4:
                out[name.strip()] = text
    return out


def telephone_prompts(count: int) -> list[tuple[str, Path, str]]:
    """Name, file and text of randomly chosen prompts, the same ones at every call."""
    files = {path.stem: path for path in sorted(PROMPTS.rglob("*.wav"))}
    names = sorted(name for name in prompt_texts() if name in files)
    random.Random(1).shuffle(names)
    return [(name, files[name], prompt_texts()[name]) for name in names[:count]]


def copy_prompts(count: int) -> None:
    """Telephone prompts with their texts."""
    folder = FIXTURES / "telephone-prompts"
    entries: list[dict] = []
    for name, path, text in telephone_prompts(count):
        samples, _ = sf.read(path, dtype="float32")
        resampled = audio_files.decode(path) if len(samples) else samples
        write_opus(resampled, folder / f"{name}.opus", "24k")
        source = "Debian package asterisk-core-sounds-en 1.6.1"
        entries.append(
            {"file": f"{name}.opus", "text": text, "accept": [], "licence": PROMPT_LICENCE, "source": source}
        )
    write_manifest(folder, entries)


def spoken_digits() -> None:
    """The ten digits of the telephone prompts' speaker."""
    folder = FIXTURES / "spoken-digits"
    entries: list[dict] = []
    for digit, text in enumerate(DIGITS):
        path = next(PROMPTS.glob(f"*/digits/{digit}.wav"))
        write_opus(audio_files.decode(path), folder / f"{text}.opus", "24k")
        source = "Debian package asterisk-core-sounds-en 1.6.1"
        entry = {"file": f"{text}.opus", "text": text, "accept": [text], "licence": PROMPT_LICENCE, "source": source}
        entries.append(entry)
    write_manifest(folder, entries)


def sound_set() -> None:
    """Music of a soundfont that wasn't trained on, noises, silence, and held-out recordings under CC BY-SA."""
    rng, generator = random.Random(13), np.random.default_rng(13)
    folder = FIXTURES / "sounds"
    entries: list[dict] = []

    def add(file: str, samples: np.ndarray, accept: list[str], licence: str, source: str) -> None:
        write_opus(samples / max(1e-3, float(np.abs(samples).max())) * 0.6, folder / file, "32k")
        entry = {"file": file, "text": "", "question": "What do you hear?", "accept": accept}
        entries.append({**entry, "licence": licence, "source": source})

    names = ["piano", "guitar", "trumpet", "organ", "violin", "flute", "drums", "harp"]
    phrases = [instruments.phrase(rng, name, 4.0) for name in names]
    font = next(font for font, held_out in instruments.soundfonts() if held_out)
    for name, clip in zip(names, instruments.render(phrases, font, rng), strict=True):
        source = "rendered with fluidsynth from TimGM6mb.sf2 (Tim Brechbill)"
        add(f"music-{name}.opus", clip, ["music", name], "GPL-2.0 soundfont; the rendering is ours", source)
    for name, make in (("white", noise.white), ("pink", noise.pink), ("hum", noise.hum)):
        samples = make(generator, 4 * RATE)
        add(f"noise-{name}.opus", samples, ["noise", "hum", "hiss"], "Apache-2.0", "synthesized")
    add("silence.opus", np.zeros(3 * RATE, np.float32), ["silen", "nothing", "no sound"], "Apache-2.0", "synthesized")
    shared = ("minetest-data", "sound-theme-freedesktop", "unknown-horizons")
    taken: dict[str, int] = {}
    for sound, samples in sounds.load():
        package = sound.recording.split("/")[0]
        if (
            sound.held_out
            and package in shared
            and taken.get(sound.label, 0) < 2
            and not sound.label.startswith("music")
        ):
            taken[sound.label] = taken.get(sound.label, 0) + 1
            words = [sound.label, *re.findall(r"\w+", " ".join(sounds.classes()[sound.label]["says"]))]
            accept = sorted({word for word in words if len(word) > 3} - {"someone", "opening", "running"})
            file = f"{sound.label.replace(' ', '-')}-{taken[sound.label]}.opus"
            add(file, samples[: 6 * RATE], accept, "CC BY-SA 3.0", f"Debian package {package}: {sound.recording}")
    write_manifest(folder, entries)


def main() -> None:
    """Write the sets that are asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", nargs="*", default=["prompts", "sounds", "messages", "sentences", "questions"])
    chosen = parser.parse_args().sets
    if "prompts" in chosen:
        copy_prompts(40)
        spoken_digits()
    if "sounds" in chosen:
        sound_set()
    if {"messages", "sentences", "questions"} & set(chosen):
        kokoro = Kokoro()
        if "messages" in chosen:
            spoken_messages(kokoro, 40)
        if "sentences" in chosen:
            spoken_sentences(kokoro, 32)
        if "questions" in chosen:
            spoken_questions(kokoro, 40)


if __name__ == "__main__":
    main()
