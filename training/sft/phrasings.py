"""How people ask for transcripts and sounds, and how the model answers where nobody speaks."""

from __future__ import annotations

import json
from pathlib import Path

_LISTS: dict[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))

TRANSCRIBE = _LISTS["transcribe"]
DESCRIBE = _LISTS["describe"]
IS_SPEECH = _LISTS["is_speech"]
WHICH_KIND = _LISTS["which_kind"]
WHICH_INSTRUMENT = _LISTS["which_instrument"]
IS_MUSIC = _LISTS["is_music"]

NOTHING_TO_TRANSCRIBE = "There is no speech in this recording."
SILENT = "I hear nothing. The recording is silent."
HEARD_NOTHING = "I did not hear anything. Please say it again."
NO_WORDS = "I did not hear any words, only {sound}."
