"""Whisper on only the real frames against transformers, on a small random model."""

import numpy as np
import pytest
import torch
from transformers import WhisperConfig, WhisperForConditionalGeneration

from training.data import sounds, speech_corpus
from training.data.speech_corpus import Clip
from training.hearing import cache
from training.hearing.listening import Listened
from training.hearing.whisper import batch_mels, encode
from training.sft.prompts import Window

FRAMES = 40


@pytest.fixture
def whisper() -> WhisperForConditionalGeneration:
    """Four layers of Whisper tiny's width, at most 40 frames."""
    torch.manual_seed(0)
    config = WhisperConfig(
        d_model=384,
        encoder_layers=4,
        decoder_layers=1,
        encoder_attention_heads=6,
        decoder_attention_heads=6,
        encoder_ffn_dim=128,
        max_source_positions=FRAMES // 2,
    )
    return WhisperForConditionalGeneration(config).eval()


@torch.no_grad()
def test_states_and_features_equal_transformers(whisper: WhisperForConditionalGeneration) -> None:
    mel = torch.randn(80, FRAMES)
    expected = whisper.model.encoder(mel[None], output_hidden_states=True)
    ours = encode(whisper, *batch_mels([mel]))
    torch.testing.assert_close(ours.states, expected.last_hidden_state, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours.features, expected.hidden_states[2], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_row_depends_on_no_longer_one(whisper: WhisperForConditionalGeneration) -> None:
    long, short = torch.randn(80, FRAMES), torch.randn(80, 12)
    together = encode(whisper, *batch_mels([long, short]))
    alone = encode(whisper, *batch_mels([short]))
    assert together.kept.sum(1).tolist() == [20, 6]
    for batch, single in ((together.states, alone.states), (together.features, alone.features)):
        torch.testing.assert_close(batch[1, :6], single[0], atol=1e-5, rtol=1e-4)


class DeafEar:
    """Hears of every clip only how long it is."""

    def windows(self, batch: list[np.ndarray]) -> list[Listened]:
        nothing = torch.zeros(0, 8)
        return [Listened(Window(torch.zeros(1, 4), nothing, nothing), str(len(clip)), 0.0, 0.0, 0) for clip in batch]


def test_parts_hear_every_clip_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = [(Clip(str(index), "piper", "words", 100 + index), np.ones(100 + index)) for index in range(11)]
    monkeypatch.setattr(speech_corpus, "load", lambda: iter(clips))
    monkeypatch.setattr(sounds, "load_training_sounds", lambda: [np.ones(200, np.float32)])
    heard = [
        recording
        for part in range(3)
        for recording in cache.speech(DeafEar(), part, 3, np.random.default_rng(part))  # type: ignore[arg-type]
    ]
    assert sorted(int(recording.text) for recording in heard) == list(range(11))
    assert all(int(recording.transcript) == 100 + int(recording.text) for recording in heard)
