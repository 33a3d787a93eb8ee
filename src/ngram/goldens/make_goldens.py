"""Makes the goldens beside it: what KenLM and NLTK, and Katz's formulas written out, say of text.txt.

    python make_goldens.py --kenlm FOLDER_WITH_lmplz_AND_query

needs NLTK (`pip install nltk`) and KenLM's programs (scripts/install-ngram-references.sh). text.txt and held-out.txt
are verses of Genesis in the King James Version (public domain), in small letters without punctuation. Format
goldens.json afterwards: npx biome format --write src/ngram/goldens.
"""

import argparse
import gzip
import json
import random
import re
import subprocess
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from nltk.lm import AbsoluteDiscountingInterpolated, KneserNeyInterpolated, Lidstone, Vocabulary
from nltk.util import everygrams

HERE = Path(__file__).parent
ORDER = 3
LMPLZ = {
    "order-1": ["-o", "1"],
    "order-2": ["-o", "2"],
    "order-3": ["-o", "3"],
    "order-5": ["-o", "5", "--discount_fallback"],
    "order-4-pruned": ["-o", "4", "--prune", "0", "0", "1", "2"],
    "order-3-pruned-words": ["-o", "3", "--prune", "1", "1", "2"],
    "order-3-unknown": ["-o", "3", "--interpolate_unigrams", "0"],
}


def sentences(name):
    return [line.split() for line in (HERE / name).read_text().splitlines()]


def kenlm(folder):
    """lmplz's ARPA files, and what query says of the held-out verses."""
    perplexities = {}
    for name, options in LMPLZ.items():
        with open(HERE / "text.txt", "rb") as text:
            arpa = subprocess.run([folder / "lmplz", "-S", "100M", *options], stdin=text, capture_output=True, check=True).stdout
        # Without a time in it, the same file each time.
        (HERE / f"{name}.arpa.gz").write_bytes(gzip.compress(arpa, 9, mtime=0))
        if name == "order-1":  # KenLM's query takes models of order 2 and more
            continue
        with tempfile.NamedTemporaryFile(suffix=".arpa") as plain, open(HERE / "held-out.txt", "rb") as text:
            plain.write(arpa)
            plain.flush()
            said = subprocess.run([folder / "query", plain.name], stdin=text, capture_output=True, check=True).stdout.decode()
        numbers = dict(re.findall(r"^(Perplexity including OOVs|Perplexity excluding OOVs|OOVs|Tokens):\s+(\S+)", said, re.M))
        totals = [float(total) for total in re.findall(r"Total: (\S+)", said)]
        perplexities[name] = {"numbers": {key: float(value) for key, value in numbers.items()}, "totals": totals}
    return perplexities


class WithoutStart(Vocabulary):
    """<s> is never predicted: it has no share of what is added."""

    def __len__(self):
        return super().__len__() - 1


def nltk_models(text):
    def grams():
        # One <s> and one </s>, as ARPA models have it; <s> alone is no event.
        for words in text:
            yield [gram for gram in everygrams(["<s>", *words, "</s>"], max_len=ORDER) if gram != ("<s>",)]

    words = [word for sentence in text for word in sentence] + ["<s>", "</s>"]
    models = {
        "laplace": Lidstone(1, ORDER, vocabulary=WithoutStart(words, unk_label="<unk>")),
        "add-k": Lidstone(0.1, ORDER, vocabulary=WithoutStart(words, unk_label="<unk>")),
        "absolute": AbsoluteDiscountingInterpolated(ORDER, discount=0.75, vocabulary=Vocabulary(words, unk_label="<unk>")),
        "interpolated-kneser-ney": KneserNeyInterpolated(ORDER, discount=0.6, vocabulary=Vocabulary(words, unk_label="<unk>")),
    }
    for model in models.values():
        model.fit(grams())
    return {name: model.score for name, model in models.items()}


class Backoff:
    """Discounts and back-off by the book, on dictionaries: Katz 1987, and Kneser and Ney 1995."""

    def __init__(self, text, discount, adjusted):
        self.vocabulary = {word for words in text for word in words} | {"</s>", "<unk>"}
        raw = Counter()
        for words in text:
            sentence = ("<s>", *words, "</s>")
            for end in range(1, len(sentence)):
                for length in range(1, min(ORDER, end + 1) + 1):
                    raw[sentence[end - length + 1 : end + 1]] += 1
        left = Counter(gram[1:] for gram in raw if len(gram) > 1)
        whole = lambda gram: not adjusted or len(gram) == ORDER or gram[0] == "<s>"
        counts = {gram: (count if whole(gram) else left[gram]) for gram, count in raw.items()}
        self.children = defaultdict(dict)
        for gram, count in counts.items():
            self.children[gram[:-1]][gram[-1]] = count
        self.discounts = [discount([c for gram, c in counts.items() if len(gram) == length]) for length in range(1, ORDER + 1)]
        self.memory = {}

    def distribution(self, context):
        if context not in self.memory:
            self.memory[context] = self.make(context)
        return self.memory[context]

    def make(self, context):
        children = self.children.get(context)
        take = self.discounts[len(context)]
        if context == ():
            total = sum(children.values())
            spare = sum(take(count) for count in children.values()) / total / len(self.vocabulary)
            return {word: (children[word] - take(children[word])) / total + spare if word in children else spare for word in self.vocabulary}
        below = self.distribution(context[1:])
        if not children:
            return below
        total = sum(children.values())
        held = sum(take(count) for count in children.values())
        if held / total < 1e-9:
            held, total = held + 1, total + 1
        seen = {word: (count - take(count)) / total for word, count in children.items()}
        weight = held / total / (1 - sum(below[word] for word in seen))
        return {word: seen.get(word, weight * below[word]) for word in self.vocabulary}

    def score(self, word, context):
        return self.distribution(tuple(context))[word]


def good_turing(counts, threshold=5):
    n = Counter(counts)
    common = (threshold + 1) * n[threshold + 1] / n[1]

    def take(count):
        if count > threshold:
            return 0.0
        ratio = ((count + 1) * n[count + 1] / (count * n[count]) - common) / (1 - common)
        return count * (1 - ratio) if 0 < ratio <= 1 else 0.0

    return take


def absolute(counts):
    n = Counter(counts)
    discount = n[1] / (n[1] + 2 * n[2])
    return lambda count: discount


def queries(text):
    """Words after whole contexts, after shorter ones and after contexts that never occurred."""
    pick = random.Random(5)
    words = sorted({word for sentence in text for word in sentence})
    for _ in range(60):
        sentence = ["<s>", *pick.choice(text), "</s>"]
        end = pick.randrange(2, len(sentence))
        yield sentence[end - 2 : end], sentence[end]
        yield sentence[end - 2 : end], pick.choice(words)
        yield [pick.choice(words), pick.choice(words)], sentence[end]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kenlm", type=Path, required=True)
    text = sentences("text.txt")
    models = nltk_models(text)
    models["katz"] = Backoff(text, good_turing, adjusted=False).score
    models["kneser-ney"] = Backoff(text, absolute, adjusted=True).score
    rows = list(queries(text))
    goldens = {
        "kenlm": kenlm(parser.parse_args().kenlm),
        "queries": [[*context, word] for context, word in rows],
        "probabilities": {name: [score(word, context) for context, word in rows] for name, score in models.items()},
    }
    (HERE / "goldens.json").write_text(json.dumps(goldens, indent=2) + "\n")


if __name__ == "__main__":
    main()
