"""The base model's own answers to general questions: the targets of voice chat, so that nothing is forgotten."""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer

from training import paths
from training.data.questions import TEST_QUESTIONS, training_questions
from training.sft.model import Llm, generate
from training.sft.prompts import text_prompt

MAX_TOKENS = 60
BATCH = 24


def answers_path() -> Path:
    """Where the answers are kept, one JSON object a line: question, answer, finished."""
    return paths.train_dir() / "own-answers.jsonl"


def load() -> dict[str, str]:
    """Question to answer; answers that were cut end at their last whole sentence, or are left out."""
    kept: dict[str, str] = {}
    for line in answers_path().read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        answer = entry["answer"].strip()
        if not entry["finished"]:
            last = max(answer.rfind(mark) for mark in (". ", "! ", "? ", ".\n"))
            answer = re.sub(r"\s*\n\s*\d+\.$", "", answer[: last + 1].strip())
        if len(answer) >= 2:
            kept[entry["question"]] = answer
    return kept


def main() -> None:
    """Answer every question that has no answer yet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    tokenizer = Tokenizer.from_file(str(paths.smollm2_base() / "tokenizer.json"))
    llm = Llm(paths.smollm2_base())
    path = answers_path()
    done = set()
    if path.exists():
        done = {json.loads(line)["question"] for line in path.read_text(encoding="utf-8").splitlines()}
    wanted = [question for question, _ in TEST_QUESTIONS] + list(training_questions())
    wanted = [question for question in wanted if question not in done]
    with path.open("a", encoding="utf-8") as file:
        for first in range(0, len(wanted), BATCH):
            start = time.monotonic()
            questions = wanted[first : first + BATCH]
            ids = [torch.tensor(text_prompt(tokenizer, question), device=llm.device) for question in questions]
            prompts = [llm.embedding[prompt] for prompt in ids]
            for question, ids in zip(questions, generate(llm, prompts, None, MAX_TOKENS), strict=True):
                entry = {"question": question, "answer": tokenizer.decode(ids), "finished": len(ids) < MAX_TOKENS}
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            file.flush()
            print(f"{first + len(questions)} of {len(wanted)}, {time.monotonic() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
