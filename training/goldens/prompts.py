"""Goldens of prompt rendering: conversations in, token ids out, each audio's placeholders expanded."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from training.goldens.files import write_json

AUDIO_START, AUDIO, AUDIO_SPEECH, AUDIO_END = 49152, 49153, 49154, 49155
DEFAULT_SYSTEM = "You are a helpful assistant."


def audio(*windows: tuple[int, int]) -> dict:
    """An audio part of the given windows, each (acoustic tokens, speech tokens)."""
    return {"type": "audio", "windows": [list(window) for window in windows]}


def text(content: str) -> dict:
    """A text part."""
    return {"type": "text", "text": content}


def user(*parts: dict) -> dict:
    """A user's message."""
    return {"role": "user", "content": list(parts)}


CONVERSATIONS = {
    "text alone": [user(text("What is the capital of France?"))],
    "system message": [
        {"role": "system", "content": [text("Answer in one word.")]},
        user(text("Is 2024 a leap year?")),
    ],
    "audio and question": [user(audio((4, 7)), text("Transcribe the audio."))],
    "voice chat": [user(audio((3, 5)))],
    "silence": [user(audio((2, 0)), text("What do you hear?"))],
    "several windows": [user(audio((60, 80), (12, 9)), text("Summarize it."))],
    "two audios in one message": [user(audio((2, 3)), audio((1, 1)), text("Which one is louder?"))],
    "numbered over all turns": [
        user(audio((2, 3)), text("What is said?")),
        {"role": "assistant", "content": [text("Somebody says hello.")]},
        user(audio((2, 0)), text("And now?")),
    ],
    "a placeholder in a text stays text": [user(audio((1, 1)), text("What does <|AUDIO|> mean?"))],
}


def render(tokenizer: Tokenizer, conversation: list[dict]) -> list[int]:
    """ChatML as the contract has it: "Audio k: ", the windows, a line break; then the assistant's turn is opened."""
    if conversation[0]["role"] != "system":
        conversation = [{"role": "system", "content": [text(DEFAULT_SYSTEM)]}, *conversation]
    ids: list[int] = []
    pending, audios = "", 0
    for message in conversation:
        pending += f"<|im_start|>{message['role']}\n"
        for part in message["content"]:
            if part["type"] == "text":
                pending += part["text"]
                continue
            audios += 1
            ids += tokenizer.encode(f"{pending}Audio {audios}: ", add_special_tokens=False).ids
            for acoustic, speech in part["windows"]:
                ids += [AUDIO_START, *[AUDIO] * acoustic, AUDIO_SPEECH, *[AUDIO] * speech, AUDIO_END]
            pending = "\n"
        pending += "<|im_end|>\n"
    return ids + tokenizer.encode(pending + "<|im_start|>assistant\n", add_special_tokens=False).ids


def write_prompts(folder: Path, packs: Path) -> None:
    """Writes prompts.json: a list of {name, messages, ids}."""
    tokenizer = Tokenizer.from_file(str(packs / "pocket" / "tokenizer.json"))
    cases = [
        {"name": name, "messages": conversation, "ids": render(tokenizer, conversation)}
        for name, conversation in CONVERSATIONS.items()
    ]
    write_json(folder, "prompts", {"reference": "tokenizers, the whole rendered text at once", "cases": cases})
