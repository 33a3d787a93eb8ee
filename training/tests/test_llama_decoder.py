"""The language model's graph against transformers, on a tiny random model with rounded weights."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from training.export.adapters import MARKERS, check_adapter, write_untrained
from training.export.llama_decoder import SITES, LlamaDecoder, LlamaOptions, site_shapes
from training.export.quantize import quantize
from training.export.rounded_weights import rounded
from training.export.sessions import CachedDecoder, open_language_model
from training.export.tensors import in_memory
from training.goldens.language import merge_adapter

# Level 1 computes in f32, so that only the order of sums differs from torch.
EXACT = LlamaOptions(accuracy_level=1, head_accuracy_level=1, max_positions=64, layer_files=("layers.bin",))


@pytest.fixture
def model() -> LlamaForCausalLM:
    """Two layers, hidden 128, two query heads on one key head; every quantized weight already rounded."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=96,
        hidden_size=128,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=64,
        rope_parameters={"rope_theta": 1000.0, "rope_type": "default"},
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2:
                weight.copy_(torch.from_numpy(quantize(weight.numpy() * 3).dequantize()))
            else:
                weight.copy_(torch.rand_like(weight) + 0.5)
            weight.requires_grad_(False)
            assert name
    return model


def adapter_of(model: LlamaForCausalLM, rank: int, scale: float) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    adapter = {}
    for layer in range(model.config.num_hidden_layers):
        for site in SITES:
            inputs, outputs = site_shapes(model.config)[site]
            adapter[f"lora_{layer}_{site}_a"] = generator.standard_normal((inputs, rank)).astype(np.float32) * scale
            adapter[f"lora_{layer}_{site}_b"] = generator.standard_normal((rank, outputs)).astype(np.float32) * scale
    return adapter


def qwen2(bits: int, tied: bool) -> Qwen2ForCausalLM:
    """Biases on queries, keys and values, a head of its own or not; every weight as it will be stored."""
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=96,
        hidden_size=128,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        rope_parameters={"rope_theta": 1e6, "rope_type": "default"},
        tie_word_embeddings=tied,
    )
    model = Qwen2ForCausalLM(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.requires_grad_(False)
            if weight.ndim == 1:
                weight.copy_(torch.randn_like(weight) * 0.5 if "bias" in name else torch.rand_like(weight) + 0.5)
            elif bits == 16:
                weight.copy_((weight * 3).half().float())
            else:
                width = 8 if "embed" in name or "lm_head" in name else bits
                weight.copy_(torch.from_numpy(quantize(weight.numpy() * 3, 32, width).dequantize()))
    return model


def exported(
    model: LlamaForCausalLM | Qwen2ForCausalLM,
    folder: Path,
    options: LlamaOptions,
    adapter: dict,
    rows: int,
    scales: dict | None = None,
    smoothing: dict | None = None,
    shown: Sequence[str] = (),
) -> CachedDecoder:
    built = LlamaDecoder(model.config, in_memory(model), options, scales, smoothing)
    for name in shown:
        built.graph.output(name, np.float32, [f"{name}.rows", f"{name}.width"])
    built.graph.save(folder, "decoder.onnx")
    for file in built.files:
        file.save(folder)
    manifest = {"graph": "decoder.onnx", "embedding": {"file": options.embedding_file}}
    if smoothing:
        manifest["rounded"] = built.rounded.layout
    decoder = CachedDecoder(open_language_model(folder, manifest, threads=1), rows, capacity=32)
    for name, values in adapter.items():
        decoder.bind(name, values)
    return decoder


def feed(decoder: CachedDecoder, embeddings: np.ndarray, positions: list[int]) -> np.ndarray:
    decoder.bind("inputs_embeds", embeddings)
    decoder.bind("logits_positions", np.array(positions, np.int64))
    return decoder.run(embeddings.shape[1])


def test_equals_transformers_with_an_adapter(model: LlamaForCausalLM, tmp_path: Path) -> None:
    adapter = adapter_of(model, rank=3, scale=0.1)
    decoder = exported(model, tmp_path, EXACT, adapter, rows=1)
    ids = torch.tensor([[5, 17, 40, 2, 91, 33, 8]])
    embeddings = model.get_input_embeddings()(ids).numpy()
    first = feed(decoder, embeddings[:, :4], [0, 3])
    second = feed(decoder, embeddings[:, 4:], [0, 1, 2])

    merge_adapter(model, adapter, list(SITES))
    with torch.no_grad():
        expected = model(inputs_embeds=torch.from_numpy(embeddings)).logits[0].numpy()
    np.testing.assert_allclose(np.concatenate([first, second]), expected[[0, 3, 4, 5, 6]], atol=2e-4)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("bits", [4, 8, 16])
def test_equals_qwen2_of_transformers(tmp_path: Path, bits: int, tied: bool) -> None:
    model = qwen2(bits, tied)
    options = replace(EXACT, bits=bits, block=32)
    decoder = exported(model, tmp_path, options, adapter := adapter_of(model, rank=2, scale=0.1), rows=1)
    ids = torch.tensor([[5, 17, 40, 2, 91, 33, 8]])
    embeddings = model.get_input_embeddings()(ids).numpy()
    parts = [feed(decoder, embeddings[:, :5], [0, 4]), feed(decoder, embeddings[:, 5:6], [0])]
    merge_adapter(model, adapter, list(SITES))
    with torch.no_grad():
        expected = model(inputs_embeds=torch.from_numpy(embeddings)).logits[0].numpy()
    np.testing.assert_allclose(np.concatenate(parts), expected[[0, 4, 5]], atol=2e-4)
    assert (tmp_path / "head.bin").exists() != tied


def test_a_row_is_the_same_to_the_bit_alone_and_in_a_batch(model: LlamaForCausalLM, tmp_path: Path) -> None:
    adapter = adapter_of(model, rank=4, scale=0.1)
    options = LlamaOptions(max_positions=64, layer_files=("layers.bin",))
    prompts = np.random.default_rng(5).standard_normal((3, 6, 128)).astype(np.float32)
    together = exported(model, tmp_path, options, adapter, rows=3)
    batch = [feed(together, prompts[:, :5], [4, 9, 14]), feed(together, prompts[:, 5:], [0, 1, 2])]
    for row in range(3):
        alone = exported(model, tmp_path, options, adapter, rows=1)
        feed(alone, prompts[row : row + 1, :2], [])
        assert np.array_equal(feed(alone, prompts[row : row + 1, 2:5], [2])[0], batch[0][row])
        assert np.array_equal(feed(alone, prompts[row : row + 1, 5:], [0])[0], batch[1][row])


def test_keys_and_values_in_8_bits(model: LlamaForCausalLM, tmp_path: Path) -> None:
    options = LlamaOptions(max_positions=64, layer_files=("layers.bin",))
    prompts = np.random.default_rng(5).standard_normal((3, 9, 128)).astype(np.float32)
    whole = exported(model, tmp_path, options, {}, rows=3)
    bind_nothing(whole)
    expected = feed(whole, prompts, [8, 17, 26])
    scales = {name: np.abs(cache.numpy()).max(axis=(0, 2)) / 127 for name, cache in whole.caches.items()}

    together = exported(model, tmp_path, options, {}, rows=3, scales=scales)
    bind_nothing(together)
    feed(together, prompts[:, :8], [])
    batch = feed(together, prompts[:, 8:], [0, 1, 2])
    assert together.caches["key_1"].numpy().dtype == np.int8
    assert 0 < np.abs(batch - expected).max() < 0.05 * np.abs(expected).max()
    for row in range(3):
        alone = exported(model, tmp_path, options, {}, rows=1, scales=scales)
        bind_nothing(alone)
        feed(alone, prompts[row : row + 1, :3], [])
        feed(alone, prompts[row : row + 1, 3:8], [])
        assert np.array_equal(feed(alone, prompts[row : row + 1, 8:], [0])[0], batch[row])


def smoothing_of(model: LlamaForCausalLM) -> dict[str, np.ndarray]:
    """Numbers that f16 holds, far from even."""
    generator, sites = np.random.default_rng(4), ("qkv", "o", "gate_up")
    shapes = {name: site_shapes(model.config)[name] for name in sites}
    return {
        f"layer_{layer}.{site}": np.exp2(generator.normal(size=shapes[site][0])).astype(np.float16).astype(np.float32)
        for layer in range(model.config.num_hidden_layers)
        for site in sites
    }


def test_linear_maps_in_8_bits_are_what_numpy_says(model: LlamaForCausalLM, tmp_path: Path) -> None:
    smoothing = smoothing_of(model)
    shown = ["layer_0.attention_norm", "layer_0.qkv.base"]
    decoder = exported(model, tmp_path, EXACT, {}, rows=1, smoothing=smoothing, shown=shown)
    bind_nothing(decoder)
    prompt = np.random.default_rng(6).standard_normal((1, 7, 128)).astype(np.float32)
    prompt[0, 3] = 0
    decoder.bind("inputs_embeds", prompt)
    decoder.bind("logits_positions", np.array([6], np.int64))
    logits = decoder.run(7, also=shown)
    source, product = (value.numpy() for value in decoder.binding.get_outputs()[-3:-1])
    assert np.isfinite(logits).all()
    assert not product[3].any()

    attention = model.model.layers[0].self_attn
    weight = np.concatenate([each.weight.numpy() for each in (attention.q_proj, attention.k_proj, attention.v_proj)])
    matrix = quantize(weight)
    steps = smoothing["layer_0.qkv"]
    levels, columns = rounded(matrix.values.reshape(weight.shape), matrix.scales, steps, zero_point=128)
    even = source / steps
    scales = np.maximum(np.abs(even).max(axis=1, keepdims=True), 1e-30) / 127
    expected = (np.rint(even / scales) @ levels.T.astype(np.float32)) * scales * columns
    # A value that is nearly a half may be rounded to either side.
    np.testing.assert_allclose(product, expected, atol=1.01 * (scales * columns * 127).max())
    assert np.median(np.abs(product - expected)) < 1e-6
    exact = source @ weight.T
    assert 0 < np.abs(product - exact).max() < 0.1 * np.abs(exact).max()


def test_a_row_of_8_bits_is_the_same_alone_and_in_a_batch(model: LlamaForCausalLM, tmp_path: Path) -> None:
    adapter, smoothing = adapter_of(model, rank=4, scale=0.1), smoothing_of(model)
    options = LlamaOptions(max_positions=64, layer_files=("layers.bin",))
    prompts = np.random.default_rng(5).standard_normal((3, 6, 128)).astype(np.float32)
    prompts[1] *= 30
    together = exported(model, tmp_path, options, adapter, rows=3, smoothing=smoothing)
    batch = [feed(together, prompts[:, :5], [4, 9, 14]), feed(together, prompts[:, 5:], [0, 1, 2])]
    for row in range(3):
        alone = exported(model, tmp_path, options, adapter, rows=1, smoothing=smoothing)
        assert feed(alone, prompts[row : row + 1, :2], []).shape == (0, 96)
        assert np.array_equal(feed(alone, prompts[row : row + 1, 2:5], [2])[0], batch[0][row])
        assert np.array_equal(feed(alone, prompts[row : row + 1, 5:], [0])[0], batch[1][row])


def test_the_files_of_weights_are_the_same_with_maps_in_8_bits(model: LlamaForCausalLM, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    options = replace(EXACT, block=32)  # scales of fewer blocks would be so small that they stay in the graph
    exported(model, tmp_path / "plain", options, {}, rows=1)
    wide = LlamaDecoder(model.config, in_memory(model), options, smoothing=smoothing_of(model))
    for file in wide.files:
        file.save(tmp_path)
    for name in ("embedding.bin", "layers.bin"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()


def bind_nothing(decoder: CachedDecoder) -> None:
    for value in decoder.session.get_inputs():
        if value.name.startswith("lora_"):
            shape = [size if isinstance(size, int) else 0 for size in value.shape]
            decoder.bind(value.name, np.zeros(shape, np.float32))


def test_the_embedding_file_is_values_then_scales(model: LlamaForCausalLM, tmp_path: Path) -> None:
    exported(model, tmp_path, EXACT, {}, rows=1)
    data = (tmp_path / "embedding.bin").read_bytes()
    vocabulary, hidden = model.config.vocab_size, model.config.hidden_size
    values = np.frombuffer(data, np.uint8, vocabulary * hidden).astype(np.float32) - 128
    scales = np.frombuffer(data, np.float32, offset=vocabulary * hidden)
    table = (values.reshape(-1, 64) * scales[:, None]).reshape(vocabulary, hidden)
    np.testing.assert_allclose(table, model.get_input_embeddings().weight.numpy(), atol=1e-6)


def test_an_adapter_is_held_against_the_graph(model: LlamaForCausalLM, tmp_path: Path) -> None:
    path = tmp_path / "adapter.safetensors"
    model.resize_token_embeddings(256)  # the markers begin as the row of the line break, id 198
    write_untrained(path, model, SITES)
    check_adapter(path, model, SITES)
    with pytest.raises(ValueError, match="0_down"):
        check_adapter(path, model, ("qkv",))
    assert len(MARKERS) == 3
