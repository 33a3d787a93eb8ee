"""What rounding costs the language model: the exported decoder against the base in f32, on texts kept out.

Sentences are read with the base alone; answers to questions about messages with the default checkpoint's adapter.
python -m training.evaluate.perplexity --packs models --smollm2 DIR
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from training.data import scenarios, texts
from training.data.scenarios.grammar import question
from training.export.sessions import PackRunner
from training.goldens.language import merge_adapter, splice
from training.goldens.prompts import audio, render, text, user

SENTENCES_PER_TEXT = 8
START = 1
"""<|im_start|>, which every text begins with."""


class Reading(NamedTuple):
    """A prompt as embeddings [n, hidden] f32, and the ids that come next in it, up to its end."""

    embeddings: np.ndarray
    wanted: list[int]


def sentences(table: np.ndarray, tokenizer: Tokenizer, tokens: int) -> Iterator[Reading]:
    """Texts of eight sentences that nothing was tuned on, so many tokens together; always the same ones."""
    held_out = list(texts.held_out_sentences())
    random.Random(0).shuffle(held_out)
    first = 0
    while tokens > 0:
        part = " ".join(texts.finished(each) for each in held_out[first : first + SENTENCES_PER_TEXT])
        ids = [START, *tokenizer.encode(part, add_special_tokens=False).ids]
        yield Reading(table[ids[:-1]], ids[1:])
        first += SENTENCES_PER_TEXT
        tokens -= len(ids)


def answers(table: np.ndarray, adapter: dict[str, np.ndarray], tokenizer: Tokenizer, tokens: int) -> Iterator[Reading]:
    """Answers about heard messages of families that nothing was tuned on, so many tokens together."""
    rng = random.Random(0)
    while tokens > 0:
        message = scenarios.test_message(rng)
        asked = question(message, rng.choice(message.asks), rng)
        said, answer = (
            tokenizer.encode(part, add_special_tokens=False).ids for part in (message.text, f"{asked.answer}<|im_end|>")
        )
        prompt = render(tokenizer, [user(audio((0, len(said))), text(asked.question))])
        yield Reading(splice(table, adapter, [*prompt, *answer[:-1]], table[said]), answer)
        tokens -= len(answer)


@torch.no_grad()
def measure(
    runner: PackRunner,
    adapter: dict[str, np.ndarray],
    model: LlamaForCausalLM,
    readings: Iterable[tuple[Reading, Reading]],
) -> dict[str, float]:
    """Both perplexities, how much higher the exported one is, how often the best token is the same, KL in nats.

    `readings`: what the exported decoder reads with `adapter`, and the same for `model`.
    """
    loss = exact_loss = same = divergence = count = 0.0
    for (embeddings, ids), (exact_embeddings, _) in readings:
        exact = model(inputs_embeds=torch.from_numpy(exact_embeddings)[None]).logits[0, -len(ids) :].log_softmax(-1)
        logits, _ = runner.read(embeddings, adapter, positions=range(len(embeddings) - len(ids), len(embeddings)))
        given = torch.from_numpy(logits).log_softmax(-1)
        wanted = torch.tensor(ids)
        exact_loss += float(F.nll_loss(exact, wanted, reduction="sum"))
        loss += float(F.nll_loss(given, wanted, reduction="sum"))
        same += float((exact.argmax(1) == given.argmax(1)).sum())
        divergence += float((exact.exp() * (exact - given)).sum())
        count += len(wanted)
    return {
        "tokens": int(count),
        "perplexity": round(math.exp(loss / count), 2),
        "in_f32": round(math.exp(exact_loss / count), 2),
        "higher_by_percent": round(100 * (math.exp((loss - exact_loss) / count) - 1), 2),
        "same_best_token_percent": round(100 * same / count, 1),
        "divergence": round(divergence / count, 4),
    }


def main() -> None:
    """Print the figures as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--smollm2", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=6_000, help="of each kind")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    runner = PackRunner(arguments.packs, arguments.threads)
    tokenizer = Tokenizer.from_file(str(arguments.packs / "pocket" / "tokenizer.json"))
    model = LlamaForCausalLM.from_pretrained(arguments.smollm2, dtype=torch.float32).eval()
    tables = (runner.table, model.get_input_embeddings().weight.detach().numpy().copy())
    read = [sentences(table, tokenizer, arguments.tokens) for table in tables]
    print(json.dumps({"of": "sentences"} | measure(runner, {}, model, zip(*read, strict=True))))
    sites = [site["name"] for site in runner.pocket["language_model"]["adapter_sites"]]
    merge_adapter(model, runner.adapter, sites)
    read = [answers(table, runner.adapter, tokenizer, arguments.tokens) for table in tables]
    print(json.dumps({"of": "answers"} | measure(runner, runner.adapter, model, zip(*read, strict=True))))


if __name__ == "__main__":
    main()
