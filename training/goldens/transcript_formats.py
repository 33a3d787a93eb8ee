"""Writes src/protocol/goldens/transcript-formats.json: transcripts as openai-whisper's own writers give them.

`pip download openai-whisper --no-deps --no-binary :all:`, unpack, then
`python -m training.goldens.transcript_formats PATH/whisper/utils.py`. Nothing of it is run but its writers.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import random
from pathlib import Path

OUT = Path(__file__).parents[2] / "src" / "protocol" / "goldens" / "transcript-formats.json"

CASES = {
    "no segments": [],
    "one": [{"start": 0.0, "end": 1.5, "text": " The quick brown fox."}],
    "arrows, spaces, other scripts": [
        {"start": 0.0, "end": 0.0005, "text": " a --> b --> c "},
        {"start": 0.0015, "end": 2.0025, "text": "  我喜欢音乐  "},
        {"start": 59.9995, "end": 60.0, "text": ""},
    ],
    "hours": [{"start": 3599.9996, "end": 3600.0, "text": " x"}, {"start": 359999.5, "end": 360000.25, "text": " y"}],
}


def random_segments(count: int, seed: int) -> list[dict]:
    """Segments one after the other, with times as a recognizer gives them."""
    generator = random.Random(seed)
    segments, at = [], 0.0
    for index in range(count):
        end = at + generator.choice([0.02, 0.5, 2.5, 29.98]) * generator.random() * 4
        segments.append({"start": at, "end": end, "text": f" segment {index}."})
        at = end
    return segments


def main() -> None:
    """Reads the command line and writes the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("utils", type=Path)
    spec = importlib.util.spec_from_file_location("whisper_utils", parser.parse_args().utils)
    utils = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(utils)

    class WriteVTTWithHours(utils.WriteVTT):
        """OpenAI's API and whisper.cpp write the hours, openai-whisper's command line leaves them out under one."""

        always_include_hours = True

    def written(writer: type, segments: list[dict]) -> str:
        file = io.StringIO()
        writer("").write_result({"segments": segments}, file)
        return file.getvalue()

    cases = {**CASES, "random": random_segments(40, 7)}
    content = {
        name: {
            "segments": segments,
            "srt": written(utils.WriteSRT, segments),
            "vtt": written(WriteVTTWithHours, segments),
        }
        for name, segments in cases.items()
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
