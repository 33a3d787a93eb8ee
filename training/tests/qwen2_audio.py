"""What the tests of Qwen2-Audio share: the tiny checkpoint with a vocabulary that needs no download."""

import json
from pathlib import Path

from tokenizers.pre_tokenizers import ByteLevel

from training.goldens.qwen2_audio.tiny import SPECIAL_TOKENS, write_tiny_checkpoint


def write_vocabulary(path: Path) -> Path:
    """A tokenizer.json with the ids of the real vocabulary; its pieces are bytes and fillers."""
    pieces = sorted(ByteLevel.alphabet())
    pieces += [f"filler {index}" for index in range(min(SPECIAL_TOKENS) - len(pieces))]
    vocabulary = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        "model": {"type": "BPE", "vocab": {piece: id for id, piece in enumerate(pieces)}, "merges": []},
    }
    path.write_text(json.dumps(vocabulary))
    return path


def write_checkpoint(folder: Path) -> Path:
    """The tiny checkpoint."""
    write_tiny_checkpoint(folder / "hf", write_vocabulary(folder / "vocabulary.json"))
    return folder / "hf"
