"""What sacreBLEU and transformers make of random strings: goldens.json. Needs sacrebleu and transformers."""

from __future__ import annotations

import json
import random
from pathlib import Path

import sacrebleu
from transformers.models.whisper.english_normalizer import BasicTextNormalizer, EnglishTextNormalizer

HERE = Path(__file__).parent
NUMBERS = (
    "zero oh o one two three five nine ten eleven fifteen nineteen twenty forty ninety hundred thousand million billion first second "
    "third fifth twelfth twentieth hundredth thousands sixes twenties minus plus negative dollars cents pounds euro percent per cent "
    "and point double triple half a 1 7 12 100 2.5 3.14 1,000 $5 20% 1960s 3rd 0 $0.07"
).split()
WORDS = (
    "Mr. mrs Dr. st. can't won't it's they've he'd been let's colour organise theatre uh hmm mm Hello, WORLD! [noise] (laughs) <unk> "
    "naïve café Straße Øre don't y'all gonna end. end... a.m. e.g. U.S. 's 'tis ' - -- … \"quoted\" it 's dr strange rep x2 b4 4x4 "
    "₂ ½ ﬁne ＡＢＣ日本語 l'été École"
).split()
ENGLISH = "the cat sat on a mat, and 'twas 3.5 metres long; isn't it? yes - no... $5 (ok) & <b> 1,000 well-known e.g. A B".split()
CHINESE = "我 们 在 北 京 。 ， 你好 吗 ？ abc 3.5 ％ ＡＢ “ ” hello, 世界 ⁠ ☀ 1-2".split()


def text(rng: random.Random, words: list[str], most: int = 12) -> str:
    """A few words, sometimes without a space between them."""
    return "".join(rng.choice(words) + rng.choice([" ", " ", " ", "  ", "", "\n"]) for _ in range(rng.randint(1, most)))


def changed(rng: random.Random, words: list[str], original: str) -> str:
    """The same with some words changed, left out or put in."""
    out: list[str] = []
    for word in original.split(" "):
        chance = rng.random()
        if chance < 0.15:
            continue
        out.append(rng.choice(words) if chance < 0.3 else word)
        if chance > 0.9:
            out.append(rng.choice(words))
    return " ".join(out)


def main() -> None:
    """Write the file."""
    rng = random.Random(7)
    spellings = json.loads((HERE.parent / "english-spellings.json").read_text(encoding="utf-8"))
    english, basic = EnglishTextNormalizer(spellings), BasicTextNormalizer()
    texts = [text(rng, words) for words in (NUMBERS, NUMBERS + WORDS, WORDS) for _ in range(200)]
    bleu = []
    for tokenizer, words in (("13a", ENGLISH), ("zh", CHINESE)):
        for _ in range(60):
            references = [text(rng, words, 20) for _ in range(rng.randint(1, 4))]
            hypotheses = [changed(rng, words, reference) for reference in references]
            score = sacrebleu.corpus_bleu(hypotheses, [references], tokenize=tokenizer, force=True).score
            bleu.append({"tokenizer": tokenizer, "hypotheses": hypotheses, "references": references, "score": score})
    goldens = {
        "english": [[each, english(each)] for each in texts],
        "basic": [[each, basic(each)] for each in texts],
        "bleu": bleu,
    }
    (HERE / "goldens.json").write_text(json.dumps(goldens, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
