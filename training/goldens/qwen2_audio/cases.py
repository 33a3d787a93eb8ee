"""The audios and conversations that transformers and the worker are both asked about."""

from __future__ import annotations

import random

import numpy as np

from training.goldens.audio import SAMPLE_RATE_HZ, load_recording, signals

REQUESTS = 200
QUESTIONS = (
    "What do you hear?",
    "Transcribe the audio.",
    "Is it speech, music or noise? Answer with one word.",
    "Listen, and say what was said: word by word.\nThen translate it into French.",
    "这段音频里说了什么?",
    "¿Quién habla, y de qué?",
    'Answer as JSON: {"language": ..., "text": ...}',
    "  Spaces before, and behind  ",
    "A code: 12345-67890 🎧👩‍🚀 <b>é</b>",
)
ANSWERS = ("It is a voice.", "Ich höre ein Rauschen.", "没有声音。")
SYSTEMS = ("You are a terse assistant.", "你是一个语音助手。")


def clips() -> dict[str, np.ndarray]:
    """Audios of many lengths, [samples] f32 at 16 kHz: of one token, around a token's edge, of 30 s, real and made."""
    made, speech = signals(), load_recording()
    seconds = np.arange(30 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    rng = np.random.default_rng(11)
    long = 0.3 * np.sin(2 * np.pi * 220 * seconds * (1 + 0.1 * np.sin(seconds))) + 0.02 * rng.standard_normal(
        len(seconds)
    )
    return {
        **made,
        "one token": made["noise"][:400],
        "two tokens": made["noise"][:1200],
        "an edge": speech[: 5 * 640 + 1],
        "before an edge": speech[: 5 * 640],
        "3 seconds": speech[16_000 : 16_000 + 50_331],
        "30 seconds": long.astype(np.float32),
        "nearly 30 seconds": long[:-170].astype(np.float32)[::-1].copy(),
    }


def text(content: str) -> dict:
    """A text part."""
    return {"type": "text", "text": content}


def audio(name: str) -> dict:
    """An audio part: one of `clips`."""
    return {"type": "audio", "audio": name}


def said(role: str, *parts: dict) -> dict:
    """A message."""
    return {"role": role, "content": list(parts)}


# Voice chat is audio alone, analysis is audio with a question; both get the default system prompt where there is none.
CONVERSATIONS = {
    "analysis": [said("user", audio("speech"), text("What do you hear?"))],
    "voice chat": [said("user", audio("3 seconds"))],
    "text only": [said("user", text("What is the capital of France?"))],
    "several audios": [said("user", audio("sweep"), audio("speech"), text("Which one is speech?"), audio("noise"))],
    "the question before": [said("user", text("What follows? "), audio("noise"), text("Well?"))],
    "a whole window": [said("user", audio("30 seconds"), text("Describe the sound."))],
    "a window that is cut short": [said("user", audio("nearly 30 seconds"))],
    # A prompt whose only audio has one token is read in another way by transformers, which then fails.
    "little audio": [said("user", audio("one token"), audio("two tokens"), text("And that?"))],
    "silence": [said("user", audio("silence"), text("Anything?"))],
    "at a token's edge": [said("user", audio("an edge"), audio("before an edge"), text("Are they the same?"))],
    "a system prompt": [said("system", text("You are a terse assistant.")), said("user", audio("sweep"))],
    "several turns": [
        said("user", audio("speech"), text("Who is it?")),
        said("assistant", text("A president.")),
        said("user", text("And here?\n"), audio("3 seconds")),
        said("assistant", text("The same one.")),
        said("user", text("用中文回答 🙂")),
    ],
}
# What transformers is asked at once, padded on the left.
BATCHES = {
    "audios of different lengths": ["analysis", "voice chat", "several audios", "little audio"],
    "with and without audio": ["text only", "several turns", "a whole window"],
}
# What the adapted model is asked: an adapter is another model, with audio and without.
ADAPTED = ["analysis", "voice chat", "text only", "several turns"]


def requests(seed: int = 5) -> list[dict]:
    """Random conversations: {messages, max_tokens, repetition_penalty}."""
    rng = random.Random(seed)
    names = [name for name, samples in clips().items() if name != "one token" and len(samples) < 4 * SAMPLE_RATE_HZ]
    made = []
    for index in range(REQUESTS):
        messages = [said("system", text(rng.choice(SYSTEMS)))] if rng.random() < 0.2 else []
        for turn in range(rng.choice((1, 1, 1, 2))):
            if turn > 0:
                messages.append(said("assistant", text(rng.choice(ANSWERS))))
            parts = [audio(rng.choice(names)) for _ in range(rng.choice((0, 1, 1, 1, 2)))]
            if not parts or rng.random() < 0.7:
                parts.insert(rng.choice((0, len(parts))), text(rng.choice(QUESTIONS)))
            messages.append(said("user", *parts))
        penalty = 1.1 if index % 5 == 4 else 1.0
        made.append({"messages": messages, "max_tokens": rng.randint(2, 12), "repetition_penalty": penalty})
    return made
