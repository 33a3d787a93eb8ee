"""Classification as conversation: a label that is named freely, or chosen from the caller's own list.

Three ways, as `/v1/audio/classifications` asks: no list; a list behind the audio; the same list before the audio (what
was read of it is then used again from clip to clip). The answer is the label alone; where the true one is left out of
the list it is "none of these".
"""

from __future__ import annotations

import random

from training.sft import phrasings

COARSE = ("speech", "music", "noise", "silence")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDS = (
    *("yes", "no", "stop", "go", "left", "right", "up", "down", "on", "off", "hello", "help", "play", "pause", "next"),
    *("back", "open", "close", "louder", "start"),
)
"""Single spoken words as people use them for commands."""
ALIKE = (
    {"dog", "wolf", "cat", "lion", "pig", "cow", "sheep", "horse", "elephant"},
    {"birds", "crow", "owl", "rooster", "chicken", "duck", "seagull"},
    {"running water", "rain", "splash", "bubbles", "dripping", "toilet", "thunder", "wind", "fire"},
    {"car engine", "helicopter", "airplane", "train", "tires skidding", "car horn", "siren", "vacuum cleaner", "drill"},
    {"bell", "gong", "alarm", "telephone", "clock", "whistle", "siren", "coins", "an electronic beep", "a steady tone"},
    {"door", "footsteps", "hammering", "chopping wood", "sawing", "click", "typing", "camera", "clock", "horse hooves"},
    {"explosion", "gunshot", "thunder", "laser", "sword", "arrow", "breaking glass", "hammering"},
    {"applause", "crowd", "laughter", "scream", "cough", "singing", "speech"},
    {"piano", "harpsichord", "organ", "accordion", "xylophone", "harp", "guitar", "electric guitar"},
    {"violin", "cello", "strings", "choir", "flute", "clarinet", "trumpet", "saxophone"},
)
"""Classes that are taken for one another: the hard wrong labels of a list."""
NAMES = {
    "white noise": "noise",
    "an electronic beep": "beep",
    "a steady tone": "tone",
    "humming noise": "hum",
    "hissing noise": "hiss",
    "rumbling noise": "rumble",
}


def name(label: str) -> str:
    """The label of a class as it is answered: no article, no "music:"."""
    return NAMES.get(label, label.removeprefix("music: "))


def choices(rng: random.Random, true: str, others: list[str], size: int) -> tuple[list[str], str]:
    """A list of about `size` labels in a random order and the right answer to it."""
    near = [other for group in ALIKE if true in group for other in group if other != true and other in others]
    rng.shuffle(near)
    far = [other for other in others if other != true]
    rng.shuffle(far)
    wrong = list(dict.fromkeys([*near[: rng.randint(0, max(1, size // 2))], *far]))[: size - 1]
    kept = rng.random() >= 0.2
    labels = [*wrong, true] if kept or not wrong else wrong
    rng.shuffle(labels)
    return labels, true if true in labels else phrasings.NONE_OF_THESE


def ask(rng: random.Random, labels: list[str]) -> str:
    """The question that lists the labels."""
    return rng.choice(phrasings.WHICH_OF).format(", ".join(labels))
