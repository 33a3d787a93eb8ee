"""A tiny Qwen2-Audio: the published structure, names, token ids and vocabulary, random weights, small sizes.

The folder is laid out as the published one is (bf16 shards with an index, a configuration that leaves out what is
the default), so whatever reads one reads the other.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from huggingface_hub import save_torch_state_dict
from tokenizers import AddedToken, Tokenizer
from transformers import (
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Qwen2TokenizerFast,
    WhisperFeatureExtractor,
)

# Qwen2-Audio's own, behind the 151,643 pieces that all of Qwen2's and Qwen3's vocabularies begin with.
SPECIAL_TOKENS = {
    151643: "<|endoftext|>",
    151644: "<|im_start|>",
    151645: "<|im_end|>",
    151646: "<|AUDIO|>",
    151647: "<|audio_bos|>",
    151648: "<|audio_eos|>",
}
END_OF_TURN = 151645

# As published, but for the sizes: d_model, heads, layers, hidden_size, intermediate_size (and fewer key heads: GQA).
CONFIG = {
    "architectures": ["Qwen2AudioForConditionalGeneration"],
    "audio_config": {
        "activation_function": "gelu",
        "d_model": 64,
        "encoder_attention_heads": 4,
        "encoder_ffn_dim": 96,
        "encoder_layerdrop": 0.0,
        "encoder_layers": 2,
        "max_source_positions": 1500,
        "model_type": "qwen2_audio_encoder",
        "num_mel_bins": 128,
        "scale_embedding": False,
    },
    "audio_token_index": 151646,
    "model_type": "qwen2_audio",
    "text_config": {
        "bos_token_id": 151643,
        "eos_token_id": 151645,
        "hidden_size": 64,
        "intermediate_size": 160,
        "max_position_embeddings": 8192,
        "model_type": "qwen2",
        "num_attention_heads": 4,
        "num_hidden_layers": 3,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000,
        "sliding_window": 32768,
        "torch_dtype": "bfloat16",
        "use_mrope": False,
        "vocab_size": 156032,
    },
    "torch_dtype": "bfloat16",
    "vocab_size": 156032,
}
GENERATION = {
    "bos_token_id": 151643,
    "do_sample": True,
    "eos_token_id": [151643, 151645],
    "pad_token_id": 151643,
    "repetition_penalty": 1.1,
    "temperature": 0.7,
    "top_k": 20,
    "top_p": 0.5,
}
# transformers' names to those of the published shards.
PUBLISHED_NAMES = {
    "model.language_model.": "language_model.model.",
    "lm_head.": "language_model.lm_head.",
    "model.audio_tower.": "audio_tower.",
    "model.multi_modal_projector.": "multi_modal_projector.",
}
SHARD_SIZE = "20MB"


def write_tiny_checkpoint(folder: Path, vocabulary: Path, seed: int = 0) -> None:
    """Writes the checkpoint into `folder`; `vocabulary`: the tokenizer.json of any model with Qwen2's vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    (folder / "generation_config.json").write_text(json.dumps(GENERATION, indent=2) + "\n")
    state = {}
    for name, value in random_model(folder, seed).state_dict().items():
        prefix = next(prefix for prefix in PUBLISHED_NAMES if name.startswith(prefix))
        state[PUBLISHED_NAMES[prefix] + name.removeprefix(prefix)] = value.to(torch.bfloat16)
    save_torch_state_dict(state, folder, max_shard_size=SHARD_SIZE)
    write_processor(folder, vocabulary)


@torch.no_grad()
def random_model(folder: Path, seed: int) -> Qwen2AudioForConditionalGeneration:
    """Random weights large enough for every layer, and every second of audio, to decide about the next token."""
    torch.manual_seed(seed)
    model = Qwen2AudioForConditionalGeneration(Qwen2AudioConfig.from_pretrained(folder)).eval()
    for name, weight in model.named_parameters():
        if "norm" in name:
            weight.add_(torch.randn_like(weight) * 0.1)
        elif weight.ndim == 1:
            weight.copy_(torch.randn_like(weight) * 0.3)
        elif "embed" in name:
            weight.copy_(torch.randn_like(weight) * (0.1 if "positions" in name else 1))
        else:
            # Twice the gain that keeps a variance, where attention is to be sharp.
            gain = 2 if "q_proj" in name or "k_proj" in name else 1
            weight.copy_(torch.randn_like(weight) * gain / weight[0].numel() ** 0.5)
    # What is no text is never said, but for the end of the turn.
    head = model.lm_head.weight
    head[END_OF_TURN - 2 :] = 0
    head[END_OF_TURN] = 2 * torch.randn_like(head[0]) / head.shape[1] ** 0.5  # some answers come to an end
    return model


def write_processor(folder: Path, vocabulary: Path) -> None:
    """Tokenizer, mel spectrogram and chat template, as transformers' processor loads them."""
    content = json.loads(vocabulary.read_text())
    content["added_tokens"] = []
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS.values()]
    )
    if any(tokenizer.token_to_id(token) != id for id, token in SPECIAL_TOKENS.items()):
        raise ValueError(f"{vocabulary} isn't Qwen2's vocabulary: its special tokens would have other ids")
    processor = Qwen2AudioProcessor(
        feature_extractor=WhisperFeatureExtractor(feature_size=128),
        tokenizer=Qwen2TokenizerFast(
            tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", model_max_length=8192
        ),
    )
    processor.save_pretrained(folder)
