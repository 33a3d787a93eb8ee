"""Whisper's graphs against transformers, on a tiny random model."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import WhisperConfig, WhisperForConditionalGeneration

from training.export.encoder_reach import measure
from training.export.quantize import quantize
from training.export.sessions import CachedDecoder, open_session
from training.export.whisper_decoder import DecoderOptions, WhisperDecoder
from training.export.whisper_encoder import EncoderOptions, WhisperEncoder

FRAMES = 40


@pytest.fixture
def model() -> WhisperForConditionalGeneration:
    """Two layers, hidden 128, two heads, at most 40 frames; the decoder's matrices already rounded."""
    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=80,
        d_model=128,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=192,
        decoder_ffn_dim=192,
        num_mel_bins=80,
        max_source_positions=FRAMES // 2,
        max_target_positions=16,
        decoder_start_token_id=1,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    model = WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.requires_grad_(False)
            if name.startswith("model.decoder") and weight.ndim == 2 and "positions" not in name:
                weight.copy_(torch.from_numpy(quantize(weight.numpy() * 3).dequantize()))
            elif "positions" in name:
                weight.copy_(weight.half().float())
            elif weight.ndim == 1:
                weight.add_(torch.randn_like(weight) * 0.1)
    model.generation_config.alignment_heads = [[0, 1], [1, 0]]
    return model


def encode(
    model: WhisperForConditionalGeneration,
    folder: Path,
    mel: np.ndarray,
    counts: list[int],
    reach: dict[str, np.ndarray] | None = None,
) -> dict:
    built = WhisperEncoder(model, EncoderOptions(weights="f32") if reach is None else EncoderOptions(), reach)
    built.graph.save(folder, "encoder.onnx")
    built.file.save(folder)
    session = open_session(folder / "encoder.onnx", threads=1)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"mel": mel, "frame_counts": np.array(counts)}), strict=True))


def test_encoder_equals_transformers(model: WhisperForConditionalGeneration, tmp_path: Path) -> None:
    mel = np.random.default_rng(0).standard_normal((1, 80, FRAMES)).astype(np.float32)
    with torch.no_grad():
        states = model.model.encoder(torch.from_numpy(mel), output_hidden_states=True)
        keys = model.model.decoder.layers[1].encoder_attn.k_proj(states.last_hidden_state)
    outputs = encode(model, tmp_path, mel, [FRAMES])
    half_way = states.hidden_states[model.config.encoder_layers // 2]
    np.testing.assert_allclose(outputs["audio_features"], half_way.numpy(), atol=2e-5)
    heads = keys.view(1, FRAMES // 2, 2, 64).transpose(1, 2).numpy()
    np.testing.assert_allclose(outputs["cross_key_1"], heads, atol=2e-5)


def test_padding_does_not_reach_the_real_frames(model: WhisperForConditionalGeneration, tmp_path: Path) -> None:
    long, short = np.random.default_rng(1).standard_normal((2, 80, 30)).astype(np.float32)
    batch = np.stack([long, short])
    batch[1, :, 12:] = 0
    together = encode(model, tmp_path, batch, [30, 12])
    alone = encode(model, tmp_path, short[None, :, :12], [12])
    np.testing.assert_allclose(together["audio_features"][1, :6], alone["audio_features"][0], atol=1e-5)
    np.testing.assert_allclose(together["cross_value_0"][1, :, :6], alone["cross_value_0"][0], atol=1e-5)


def test_rounded_encoder_stays_near(model: WhisperForConditionalGeneration, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    mels = [rng.standard_normal((80, frames)).astype(np.float32) for frames in (FRAMES, 12, 20)]
    reach = measure(model, mels)
    exact = encode(model, tmp_path, mels[0][None], [FRAMES])
    rounded = encode(model, tmp_path, mels[0][None], [FRAMES], reach)
    for name, values in exact.items():
        distance = np.linalg.norm(rounded[name] - values) / np.linalg.norm(values)
        assert 1e-4 < distance < 0.03, name
    # Half of what was measured: what reaches further is cut, which shows.
    cut = encode(model, tmp_path, mels[0][None], [FRAMES], {name: far / 2 for name, far in reach.items()})
    assert np.linalg.norm(cut["cross_value_1"] - exact["cross_value_1"]) > 2 * np.linalg.norm(
        rounded["cross_value_1"] - exact["cross_value_1"]
    )


def test_rounded_windows_depend_on_no_other(model: WhisperForConditionalGeneration, tmp_path: Path) -> None:
    mels = np.random.default_rng(7).standard_normal((3, 80, FRAMES)).astype(np.float32)
    mels[1] *= 5
    reach = measure(model, list(mels))
    together = encode(model, tmp_path, mels, [FRAMES] * 3, reach)
    for row in range(3):
        alone = encode(model, tmp_path, mels[row][None], [FRAMES], reach)
        np.testing.assert_array_equal(together["cross_value_1"][row], alone["cross_value_1"][0])


def test_decoder_equals_transformers_step_by_step(model: WhisperForConditionalGeneration, tmp_path: Path) -> None:
    mel = np.random.default_rng(2).standard_normal((1, 80, FRAMES)).astype(np.float32)
    encoded = encode(model, tmp_path, mel, [FRAMES])
    built = WhisperDecoder(model, DecoderOptions(accuracy_level=1))
    built.graph.save(tmp_path, "decoder.onnx")
    built.file.save(tmp_path)
    decoder = CachedDecoder(open_session(tmp_path / "decoder.onnx", threads=1), rows=1, capacity=16)
    # Ten positions more than are real: the mask must hide them.
    for name, values in encoded.items():
        if name.startswith("cross_"):
            decoder.bind(name, np.pad(values, ((0, 0), (0, 0), (0, 10), (0, 0)), constant_values=3.0))
    decoder.bind("frame_counts", np.array([FRAMES]))
    ids = [1, 17, 40, 9, 63]
    steps = []
    for run in (ids[:2], ids[2:3], ids[3:4], ids[4:]):
        decoder.bind("position", decoder.lengths.astype(np.int64))
        decoder.bind("input_ids", np.array([run]))
        steps.append(decoder.run(len(run), "log_probabilities")[0])
    with torch.no_grad():
        expected = model(torch.from_numpy(mel), decoder_input_ids=torch.tensor([ids])).logits[0]
    expected = expected.log_softmax(-1).numpy()
    np.testing.assert_allclose(np.stack(steps), expected[1:], atol=5e-4)


def test_rows_of_a_window_share_its_audio(model: WhisperForConditionalGeneration, tmp_path: Path) -> None:
    mel = np.random.default_rng(5).standard_normal((2, 80, FRAMES)).astype(np.float32)
    encoded = encode(model, tmp_path, mel, [FRAMES, FRAMES])
    built = WhisperDecoder(model, DecoderOptions(accuracy_level=1))
    built.graph.save(tmp_path, "decoder.onnx")
    built.file.save(tmp_path)
    session = open_session(tmp_path / "decoder.onnx", threads=1)
    ids = np.array([[3], [9], [27], [41], [5], [11]])

    def step(windows: list[int], rows: np.ndarray) -> np.ndarray:
        decoder = CachedDecoder(session, rows=len(rows), capacity=4)
        for name, values in encoded.items():
            if name.startswith("cross_"):
                decoder.bind(name, values[windows])
        decoder.bind("frame_counts", np.full(len(windows), FRAMES))
        decoder.bind("position", decoder.lengths.astype(np.int64))
        decoder.bind("input_ids", rows)
        return decoder.run(1, "log_probabilities")

    together = step([0, 1], ids)
    np.testing.assert_allclose(together[:3], step([0], ids[:3]), atol=1e-5)
    np.testing.assert_allclose(together[4], step([1], ids[4:5])[0], atol=1e-5)


def test_alignment_heads_attend_to_real_positions_only(model: WhisperForConditionalGeneration, tmp_path: Path) -> None:
    mel = np.random.default_rng(4).standard_normal((1, 80, FRAMES)).astype(np.float32)
    encoded = encode(model, tmp_path, mel, [FRAMES])
    built = WhisperDecoder(model, DecoderOptions(accuracy_level=1))
    built.graph.save(tmp_path, "decoder.onnx")
    built.file.save(tmp_path)
    decoder = CachedDecoder(open_session(tmp_path / "decoder.onnx", threads=1), rows=1, capacity=16)
    for name, values in encoded.items():
        if name.startswith("cross_"):
            decoder.bind(name, values)
    decoder.bind("frame_counts", np.array([FRAMES - 10]))
    decoder.bind("position", np.array([0]))
    decoder.bind("input_ids", np.array([[1, 17]]))
    weights = decoder.run(2, output="cross_attention")
    assert weights.shape == (1, 2, 2, FRAMES // 2)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    assert np.all(weights[..., -5:] == 0)
