"""What rounding costs the language model: the exported decoder against the base in f32, on sentences kept out.

python -m training.evaluate.perplexity --packs models --smollm2 DIR
"""

from __future__ import annotations

import argparse
import json
import math
import random
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from training.data import texts
from training.export.sessions import PackRunner

SENTENCES_PER_TEXT = 8
START = 1
"""<|im_start|>, which every text begins with."""


def readings(tokenizer: Tokenizer, tokens: int) -> list[list[int]]:
    """Ids of texts of eight sentences that nothing was tuned on, so many tokens together; always the same ones."""
    sentences = list(texts.held_out_sentences())
    random.Random(0).shuffle(sentences)
    read: list[list[int]] = []
    while sum(map(len, read)) < tokens:
        part = sentences[len(read) * SENTENCES_PER_TEXT :][:SENTENCES_PER_TEXT]
        text = " ".join(texts.finished(sentence) for sentence in part)
        read.append([START, *tokenizer.encode(text, add_special_tokens=False).ids])
    return read


@torch.no_grad()
def measure(packs: Path, base: Path, tokens: int) -> dict[str, float]:
    """Both perplexities, how much higher the exported one is, how often the best token is the same, KL in nats."""
    model = LlamaForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    runner = PackRunner(packs)
    tokenizer = Tokenizer.from_file(str(packs / "pocket" / "tokenizer.json"))
    loss = exact_loss = same = divergence = count = 0.0
    for ids in readings(tokenizer, tokens):
        exact = model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
        logits, _ = runner.read(runner.table[ids], {}, positions=range(len(ids) - 1))
        given = torch.from_numpy(logits).log_softmax(-1)
        wanted = torch.tensor(ids[1:])
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
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--smollm2", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(json.dumps(measure(arguments.packs, arguments.smollm2, arguments.tokens)))


if __name__ == "__main__":
    main()
