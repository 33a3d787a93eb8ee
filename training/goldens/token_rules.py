"""What transformers allows next and how it renormalizes: `gpu-worker/speech/goldens/token-rules.json`.

Random rows over a small vocabulary that is laid out as Whisper's (text, end of text, special tokens, times) go through
SuppressTokensAtBegin, SuppressTokens and WhisperTimeStampLogitsProcessor, then a log-softmax.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import torch
from transformers import GenerationConfig
from transformers.generation.logits_process import (
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
    WhisperTimeStampLogitsProcessor,
)

BLANK, END_OF_TEXT, FIRST_TIME, VOCABULARY = 3, 20, 24, 90
SUPPRESSED = [1, 7, 8, *range(END_OF_TEXT + 1, FIRST_TIME)]
T = FIRST_TIME

# Histories that meet every rule: none, a first time, text, one time after text, two, times that must not go back.
HISTORIES = [[], [T], [T, 5], [T + 3, 5, 6], [T, 5, T + 9], [T, 5, T + 9, T + 9], [T, 5, T + 9, T + 12], [5, T + 60]]
HISTORIES += [[T, 5, T + 9, T + 9, 11], [T, 4, T + 65]]


def main() -> None:
    """Write the goldens; the list of suppressed tokens is the one published with tiny.en."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--published", type=Path, required=True, help="config.json of the CTranslate2 model")
    parser.add_argument("--out", type=Path, default=Path("gpu-worker/speech/goldens/token-rules.json"))
    arguments = parser.parse_args()
    generator = torch.Generator().manual_seed(5)
    cases = []
    for with_timestamps in (True, False):
        for tokens in HISTORIES:
            if not with_timestamps and any(token >= T for token in tokens):
                continue
            for bias in (0.0, 4.0, -6.0):  # of the times: unsure, likely, unlikely
                row = 2 * torch.randn(VOCABULARY, generator=generator)
                row[T:] += bias
                row = row.log_softmax(-1)
                cases.append(case(row, tokens, with_timestamps))
    published = json.loads(arguments.published.read_text())
    content = {
        "blank": BLANK,
        "endOfText": END_OF_TEXT,
        "firstTimestamp": FIRST_TIME,
        "suppressed": SUPPRESSED,
        "suppressTokens": published["suppress_ids"],
        "cases": cases,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(content) + "\n")


def case(row: torch.Tensor, tokens: list[int], with_timestamps: bool) -> dict:
    """One row before and after; None is minus infinity."""
    config = GenerationConfig(eos_token_id=END_OF_TEXT, bos_token_id=END_OF_TEXT, max_initial_timestamp_index=50)
    config.no_timestamps_token_id = FIRST_TIME - 1
    ids = torch.tensor([[END_OF_TEXT + 1, *tokens]])
    steps = [
        SuppressTokensAtBeginLogitsProcessor([BLANK, END_OF_TEXT], begin_index=1),
        SuppressTokensLogitsProcessor(SUPPRESSED),
    ]
    if with_timestamps:
        steps.append(WhisperTimeStampLogitsProcessor(config, begin_index=1))
    else:
        steps.append(SuppressTokensLogitsProcessor(list(range(FIRST_TIME, VOCABULARY))))
    scores = row[None].clone()
    for step in steps:
        scores = step(ids, scores)
    expected = scores[0].log_softmax(-1).tolist()
    return {
        "withTimestamps": with_timestamps,
        "tokens": tokens,
        "logProbabilities": [round(value, 6) for value in row.tolist()],
        "expected": [None if math.isinf(value) else round(value, 6) for value in expected],
    }


if __name__ == "__main__":
    main()
