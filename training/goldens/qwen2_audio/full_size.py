"""A checkpoint of Qwen2-Audio-7B's real shapes, or a cut of it: sparse files that take no disk, all weights zero."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from training.goldens.qwen2_audio.tiny import CONFIG, write_processor

LAYERS, AUDIO_LAYERS, VOCABULARY = 32, 32, 156_032
SHARD_BYTES = 4 << 30


def full_size_config(layers: int = LAYERS, audio_layers: int = AUDIO_LAYERS, vocabulary: int = VOCABULARY) -> dict:
    """The published configuration with so many layers."""
    config = copy.deepcopy(CONFIG)
    config["audio_config"] |= {
        "d_model": 1280,
        "encoder_attention_heads": 20,
        "encoder_ffn_dim": 5120,
        "encoder_layers": audio_layers,
    }
    config["text_config"] |= {
        "hidden_size": 4096,
        "intermediate_size": 11_008,
        "num_attention_heads": 32,
        "num_hidden_layers": layers,
        "num_key_value_heads": 32,
        "vocab_size": vocabulary,
    }
    return config


def tensor_shapes(config: dict) -> dict[str, tuple[int, ...]]:
    """Every tensor of the published shards."""
    audio, text = config["audio_config"], config["text_config"]
    width, inner, hidden = audio["d_model"], audio["encoder_ffn_dim"], text["hidden_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "audio_tower.conv1.weight": (width, audio["num_mel_bins"], 3),
        "audio_tower.conv1.bias": (width,),
        "audio_tower.conv2.weight": (width, width, 3),
        "audio_tower.conv2.bias": (width,),
        "audio_tower.embed_positions.weight": (audio["max_source_positions"], width),
        "audio_tower.layer_norm.weight": (width,),
        "audio_tower.layer_norm.bias": (width,),
        "multi_modal_projector.linear.weight": (hidden, width),
        "multi_modal_projector.linear.bias": (hidden,),
    }
    for layer in range(audio["encoder_layers"]):
        name = f"audio_tower.layers.{layer}"
        for module in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes[f"{name}.self_attn.{module}.weight"] = (width, width)
            if module != "k_proj":
                shapes[f"{name}.self_attn.{module}.bias"] = (width,)
        shapes |= {f"{name}.fc1.weight": (inner, width), f"{name}.fc1.bias": (inner,)}
        shapes |= {f"{name}.fc2.weight": (width, inner), f"{name}.fc2.bias": (width,)}
        for norm in ("self_attn_layer_norm", "final_layer_norm"):
            shapes |= {f"{name}.{norm}.weight": (width,), f"{name}.{norm}.bias": (width,)}
    inner = text["intermediate_size"]
    key_width = text["num_key_value_heads"] * (hidden // text["num_attention_heads"])
    for layer in range(text["num_hidden_layers"]):
        name = f"language_model.model.layers.{layer}"
        for module, rows in (("q_proj", hidden), ("k_proj", key_width), ("v_proj", key_width)):
            shapes[f"{name}.self_attn.{module}.weight"] = (rows, hidden)
            shapes[f"{name}.self_attn.{module}.bias"] = (rows,)
        shapes[f"{name}.self_attn.o_proj.weight"] = (hidden, hidden)
        shapes |= {f"{name}.mlp.gate_proj.weight": (inner, hidden), f"{name}.mlp.up_proj.weight": (inner, hidden)}
        shapes[f"{name}.mlp.down_proj.weight"] = (hidden, inner)
        shapes |= {f"{name}.input_layernorm.weight": (hidden,), f"{name}.post_attention_layernorm.weight": (hidden,)}
    table = (text["vocab_size"], hidden)
    shapes |= {"language_model.model.norm.weight": (hidden,), "language_model.model.embed_tokens.weight": table}
    return shapes | {"language_model.lm_head.weight": table}


def write_sparse_checkpoint(folder: Path, config: dict, vocabulary: Path) -> int:
    """Writes the checkpoint into `folder`, in bf16; gives the bytes that its tensors would take."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    write_processor(folder, vocabulary)
    shards: list[dict[str, dict]] = [{}]
    sizes = [0]
    for name, shape in tensor_shapes(config).items():
        count = 2
        for size in shape:
            count *= size
        if sizes[-1] > 0 and sizes[-1] + count > SHARD_BYTES:
            shards.append({})
            sizes.append(0)
        shards[-1][name] = {"dtype": "BF16", "shape": shape, "data_offsets": [sizes[-1], sizes[-1] + count]}
        sizes[-1] += count
    weight_map = {}
    for index, (shard, size) in enumerate(zip(shards, sizes, strict=True)):
        file = f"model-{index + 1:05}-of-{len(shards):05}.safetensors"
        header = json.dumps(shard).encode()
        with (folder / file).open("wb") as out:
            out.write(len(header).to_bytes(8, "little") + header)
            out.truncate(8 + len(header) + size)
        weight_map |= dict.fromkeys(shard, file)
    index = {"metadata": {"total_size": sum(sizes)}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return sum(sizes)
