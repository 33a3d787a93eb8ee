"""SmolLM2-135M-Instruct: GGUF in, Hugging Face folder out (model, tokenizer)."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

from training.base.whisper import load_exactly

TENSORS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
CONTROL_TOKEN = 3  # GGUF's token type of pieces that are never made from text


def convert_smollm2(source: Path, target: Path) -> LlamaForCausalLM:
    """Writes `target` from the GGUF file `source` and gives the de-quantized model back, fp32."""
    reader = gguf.GGUFReader(str(source))
    fields = {name: field.contents() for name, field in reader.fields.items()}
    config = LlamaConfig(
        vocab_size=fields["llama.vocab_size"],
        hidden_size=fields["llama.embedding_length"],
        intermediate_size=fields["llama.feed_forward_length"],
        num_hidden_layers=fields["llama.block_count"],
        num_attention_heads=fields["llama.attention.head_count"],
        num_key_value_heads=fields["llama.attention.head_count_kv"],
        head_dim=fields["llama.rope.dimension_count"],
        max_position_embeddings=fields["llama.context_length"],
        rms_norm_eps=1e-5,
        rope_parameters={"rope_theta": fields["llama.rope.freq_base"], "rope_type": "default"},
        tie_word_embeddings=True,
        bos_token_id=fields["tokenizer.ggml.bos_token_id"],
        eos_token_id=fields["tokenizer.ggml.eos_token_id"],
        pad_token_id=fields["tokenizer.ggml.padding_token_id"],
    )
    model = LlamaForCausalLM(config)
    load_exactly(model, state_dict(reader, config), tied={"lm_head.weight"})
    model.save_pretrained(target)
    tokenizer(fields).save(str(target / "tokenizer.json"))
    (target / "tokenizer_config.json").write_text(json.dumps(tokenizer_config(fields), indent=2) + "\n")
    return model.eval()


def state_dict(reader: gguf.GGUFReader, config: LlamaConfig) -> dict[str, torch.Tensor]:
    """GGUF tensors, de-quantized, under the names of transformers, fp32."""
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    weights: dict[str, torch.Tensor] = {}
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if tensor.name == "token_embd.weight":
            name = "model.embed_tokens.weight"
        elif tensor.name == "output_norm.weight":
            name = "model.norm.weight"
        else:
            _, layer, kind, _ = tensor.name.split(".")
            name = f"model.layers.{layer}.{TENSORS[kind]}.weight"
            if kind in heads:
                values = _rotate_half_order(values, heads[kind])
        weights[name] = torch.tensor(values)
    return weights


def _rotate_half_order(weight: np.ndarray, heads: int) -> np.ndarray:
    """Undoes llama.cpp's interleaving of rotary pairs: transformers keeps the two halves of a head apart."""
    paired = weight.reshape(heads, weight.shape[0] // heads // 2, 2, weight.shape[1])
    return np.ascontiguousarray(paired.swapaxes(1, 2)).reshape(weight.shape)


def tokenizer(fields: dict) -> Tokenizer:
    """Byte-level BPE, each digit a piece of its own; control pieces are special, so text never makes them."""
    pieces: list[str] = fields["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    built = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, merges))
    built.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    built.decoder = decoders.ByteLevel()
    control = [p for p, t in zip(pieces, fields["tokenizer.ggml.token_type"], strict=True) if t == CONTROL_TOKEN]
    built.add_special_tokens([AddedToken(piece, special=True, normalized=False) for piece in control])
    if built.get_vocab_size() != len(pieces):
        raise ValueError("a control token is not in the vocabulary")
    return built


def tokenizer_config(fields: dict) -> dict:
    """What `AutoTokenizer` needs to read `tokenizer.json` as it is."""
    pieces = fields["tokenizer.ggml.tokens"]
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": fields["llama.context_length"],
        "bos_token": pieces[fields["tokenizer.ggml.bos_token_id"]],
        "eos_token": pieces[fields["tokenizer.ggml.eos_token_id"]],
        "pad_token": pieces[fields["tokenizer.ggml.padding_token_id"]],
        "unk_token": pieces[fields["tokenizer.ggml.unknown_token_id"]],
        "chat_template": fields["tokenizer.chat_template"],
    }
