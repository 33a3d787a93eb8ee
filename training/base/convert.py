"""Writes both base models as Hugging Face folders: `python -m training.base.convert --out DIR [--check]`."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tokenizers import Tokenizer

from training.base.packages import smollm2_gguf, whisper_folder
from training.base.smollm2 import convert_smollm2
from training.base.whisper import convert_whisper


@torch.no_grad()
def answer(model: torch.nn.Module, tokenizer: Tokenizer, question: str, new_tokens: int = 24) -> str:
    """The text model's greedy answer to one question, for a look at the conversion."""
    prompt = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    ids = torch.tensor([tokenizer.encode(prompt, add_special_tokens=False).ids])
    out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens, do_sample=False)
    return tokenizer.decode(out[0, ids.shape[1] :].tolist())


def main() -> None:
    """Converts both; with `--check` the text model must know the capital of France."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    smollm2, whisper = arguments.out / "smollm2", arguments.out / "whisper-tiny.en"
    for folder in (smollm2, whisper):
        folder.mkdir(parents=True, exist_ok=True)
    convert_whisper(whisper_folder(), whisper)
    model = convert_smollm2(smollm2_gguf(), smollm2)
    print(f"wrote {whisper} and {smollm2}")
    if arguments.check:
        text = answer(model, Tokenizer.from_file(str(smollm2 / "tokenizer.json")), "What is the capital of France?")
        print(repr(text))
        if "Paris" not in text:
            raise SystemExit("the converted text model does not know the capital of France")


if __name__ == "__main__":
    main()
