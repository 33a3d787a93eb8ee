"""Whisper tiny.en: CTranslate2 binary in, Hugging Face folder out (model, tokenizer, feature extractor)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from training.base.ctranslate2 import read_variables

LAYERS = 4
END_OF_TEXT = 50256
START_OF_TRANSCRIPT = 50257


def convert_whisper(source: Path, target: Path) -> WhisperForConditionalGeneration:
    """Writes `target` from the CTranslate2 folder `source` and gives the model back, fp32."""
    published = json.loads((source / "config.json").read_text())
    config = WhisperConfig(
        vocab_size=51864,
        d_model=384,
        encoder_layers=LAYERS,
        encoder_attention_heads=6,
        encoder_ffn_dim=1536,
        decoder_layers=LAYERS,
        decoder_attention_heads=6,
        decoder_ffn_dim=1536,
        num_mel_bins=80,
        max_source_positions=1500,
        max_target_positions=448,
        decoder_start_token_id=START_OF_TRANSCRIPT,
        bos_token_id=END_OF_TEXT,
        eos_token_id=END_OF_TEXT,
        pad_token_id=END_OF_TEXT,
    )
    model = WhisperForConditionalGeneration(config)
    load_exactly(model, state_dict(read_variables(source / "model.bin")), tied={"proj_out.weight"})
    model.generation_config = GenerationConfig(
        decoder_start_token_id=START_OF_TRANSCRIPT,
        bos_token_id=END_OF_TEXT,
        eos_token_id=END_OF_TEXT,
        pad_token_id=END_OF_TEXT,
        max_length=448,
        alignment_heads=published["alignment_heads"],
    )
    model.save_pretrained(target)
    Tokenizer.from_file(str(source / "tokenizer.json")).save(str(target / "tokenizer.json"))
    WhisperFeatureExtractor(feature_size=80).save_pretrained(target)
    return model.eval()


def state_dict(source: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """CTranslate2 names and fused projections to the names of transformers, fp32."""
    target: dict[str, torch.Tensor] = {}

    def put(name: str, values: np.ndarray) -> None:
        target[name] = torch.tensor(values.astype(np.float32))

    def norm(source_name: str, target_name: str) -> None:
        put(f"{target_name}.weight", source[f"{source_name}/gamma"])
        put(f"{target_name}.bias", source[f"{source_name}/beta"])

    def linear(source_name: str, target_names: list[str]) -> None:
        """One projection, or several stacked along the rows; Whisper's key projections have no bias."""
        weights = np.split(source[f"{source_name}/weight"], len(target_names))
        biases = np.split(source[f"{source_name}/bias"], len(target_names))
        for name, weight, bias in zip(target_names, weights, biases, strict=True):
            put(f"{name}.weight", weight)
            if not name.endswith("k_proj"):
                put(f"{name}.bias", bias)

    for conv in ("conv1", "conv2"):
        put(f"model.encoder.{conv}.weight", source[f"encoder/{conv}/weight"])
        put(f"model.encoder.{conv}.bias", source[f"encoder/{conv}/bias"])
    put("model.decoder.embed_tokens.weight", source["decoder/embeddings/weight"])
    for half in ("encoder", "decoder"):
        put(f"model.{half}.embed_positions.weight", source[f"{half}/position_encodings/encodings"])
        norm(f"{half}/layer_norm", f"model.{half}.layer_norm")
        for layer in range(LAYERS):
            ours, theirs = f"model.{half}.layers.{layer}", f"{half}/layer_{layer}"
            norm(f"{theirs}/self_attention/layer_norm", f"{ours}.self_attn_layer_norm")
            linear(f"{theirs}/self_attention/linear_0", [f"{ours}.self_attn.{p}_proj" for p in "qkv"])
            linear(f"{theirs}/self_attention/linear_1", [f"{ours}.self_attn.out_proj"])
            norm(f"{theirs}/ffn/layer_norm", f"{ours}.final_layer_norm")
            linear(f"{theirs}/ffn/linear_0", [f"{ours}.fc1"])
            linear(f"{theirs}/ffn/linear_1", [f"{ours}.fc2"])
            if half == "decoder":
                norm(f"{theirs}/attention/layer_norm", f"{ours}.encoder_attn_layer_norm")
                linear(f"{theirs}/attention/linear_0", [f"{ours}.encoder_attn.q_proj"])
                linear(f"{theirs}/attention/linear_1", [f"{ours}.encoder_attn.{p}_proj" for p in "kv"])
                linear(f"{theirs}/attention/linear_2", [f"{ours}.encoder_attn.out_proj"])
    return target


def load_exactly(model: torch.nn.Module, weights: dict[str, torch.Tensor], tied: set[str]) -> None:
    """Loads `weights`; anything missing but the `tied` names, or left over, is an error."""
    report = model.load_state_dict(weights, strict=False)
    missing = set(report.missing_keys) - tied
    if missing or report.unexpected_keys:
        raise ValueError(f"missing {sorted(missing)}, unexpected {report.unexpected_keys}")
    model.tie_weights()
