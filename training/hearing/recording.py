"""A heard recording, as the caches keep it."""

from __future__ import annotations

from dataclasses import dataclass, field

from training.data.augment import Conditions
from training.data.speech_corpus import Clip
from training.sft.prompts import Window


@dataclass
class Recording:
    """A heard recording: `kind` is sentence, message, question, word, foreign, long, sound, noise or silence.

    `text` is what was said, `transcript` what was heard; `label` names a sound, a language or how many speak; `clip`
    keeps a message's slots and the voice.
    """

    kind: str
    windows: list[Window]
    text: str = ""
    transcript: str = ""
    label: str = ""
    clip: Clip | None = None
    no_speech: list[float] = field(default_factory=list)
    mean_log_probability: list[float] = field(default_factory=list)
    seconds: float = 0.0
    conditions: Conditions | None = None
