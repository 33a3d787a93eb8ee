"""How people ask for transcripts and sounds, and how the model answers where nobody speaks."""

from __future__ import annotations

import json
from pathlib import Path

_LISTS: dict = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))

TRANSCRIBE: list[str] = _LISTS["transcribe"]
DESCRIBE: list[str] = _LISTS["describe"]
IS_SPEECH: list[str] = _LISTS["is_speech"]
WHICH_KIND: list[str] = _LISTS["which_kind"]
WHICH_INSTRUMENT: list[str] = _LISTS["which_instrument"]
IS_MUSIC: list[str] = _LISTS["is_music"]
LABEL: list[str] = _LISTS["label"]
WHICH_OF: list[str] = _LISTS["which_of"]
"""With a place for the labels, separated by commas: how `/v1/audio/classifications` asks."""
HOW_MANY: list[str] = _LISTS["how_many"]
WHO: list[str] = _LISTS["who"]
PACE: list[str] = _LISTS["pace"]
LEVEL: list[str] = _LISTS["level"]
QUALITY: list[str] = _LISTS["quality"]
LANGUAGE: list[str] = _LISTS["language"]
IS_ENGLISH: list[str] = _LISTS["is_english"]
FEELING: list[str] = _LISTS["feeling"]
JSON_TRANSCRIPT: list[str] = _LISTS["json_transcript"]
JSON_SOUND: list[str] = _LISTS["json_sound"]
JSON_KIND: list[str] = _LISTS["json_kind"]
ONE_WORD_KIND: list[str] = _LISTS["one_word_kind"]
YES_NO_SPEECH: list[str] = _LISTS["yes_no_speech"]
CAPITALS: list[str] = _LISTS["capitals"]
CAPITALS_ANSWER: list[str] = _LISTS["capitals_answer"]
JSON_ANSWER: str = _LISTS["json_answer"]
SHORT_ANSWER: list[str] = _LISTS["short_answer"]
ONE_WORD: list[str] = _LISTS["one_word"]
"""With a place for a question to which a single word is the answer."""

CANNOT_FEEL: str = _LISTS["cannot_feel"]
NOTHING_TO_TRANSCRIBE = "There is no speech in this recording."
SILENT = "I hear nothing. The recording is silent."
HEARD_NOTHING = "I did not hear anything. Please say it again."
NO_WORDS = "I did not hear any words, only {sound}."
NONE_OF_THESE = "none of these"
