"""A step of the tuning and of DPO on a GPU that isn't there: PyTorch's fake tensors refuse what mixes devices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import LlamaConfig, LlamaForCausalLM, WhisperConfig, WhisperForConditionalGeneration

from training.acoustic.projector import FEATURES, Projector
from training.dpo.pairs import Policy
from training.hearing.whisper import Decoder, encode
from training.sft import model, train
from training.sft.prompts import Prompt, Window

VOCABULARY = 97


@pytest.fixture
def llm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> model.Llm:
    """One layer with the widths of SmolLM2, on the CPU."""
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=model.HIDDEN,
        intermediate_size=model.INNER,
        num_hidden_layers=1,
        num_attention_heads=model.HEADS,
        num_key_value_heads=model.KV_HEADS,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    monkeypatch.setattr(model, "LAYERS", 1)
    return model.Llm(tmp_path, torch.float32, torch.device("cpu"))


@pytest.fixture
def gpu() -> Iterator[torch.device]:
    """What is computed while this is there has shapes, types and devices, but no values."""
    with FakeTensorMode():
        yield torch.device("cuda")


def moved(value: Tensor, device: torch.device) -> Tensor:
    """As if it had been loaded there."""
    return torch.empty(value.shape, dtype=value.dtype, device=device)


def move(llm: model.Llm, device: torch.device) -> None:
    """All of a base model's tensors."""
    llm.embedding, llm.head = moved(llm.embedding, device), moved(llm.head, device)
    llm.weights = [{site: moved(weight, device) for site, weight in layer.items()} for layer in llm.weights]
    llm.norms = [(moved(first, device), moved(second, device)) for first, second in llm.norms]
    llm.last_norm, llm.cosine, llm.sine = (moved(each, device) for each in (llm.last_norm, llm.cosine, llm.sine))


def conversation() -> Prompt:
    """Two seconds of audio with three speech tokens and a question, made on the CPU as all prompts are."""
    window = Window(torch.randn(4, FEATURES), torch.zeros(3, 8, dtype=torch.long), torch.full((3, 8), 0.125))
    return Prompt([[1, 2, 3], window, [4, 5]], [6, 7, 2])


def test_what_mixes_devices_is_refused(gpu: torch.device) -> None:
    with pytest.raises(RuntimeError, match="device"):
        torch.randn(3, 4) @ torch.randn(4, 3, device=gpu)


def test_the_loss_of_a_batch_is_computed_where_the_model_is(llm: model.Llm, gpu: torch.device) -> None:
    move(llm, gpu)
    with gpu:
        adapter, projector = model.Adapter(), Projector(1.0, 5)
    loss = train.loss_of(llm, adapter, projector, [conversation(), conversation()])
    assert loss.device.type == "cuda" and loss.requires_grad


def test_answers_are_compared_where_the_model_is(llm: model.Llm, gpu: torch.device) -> None:
    move(llm, gpu)
    policy = Policy.__new__(Policy)
    policy.llm = llm
    with gpu:
        policy.adapter, policy.projector = model.Adapter(), Projector(1.0, 5)
    again = policy.disturbed(conversation())
    assert all(part.acoustic.device.type == "cpu" for part in again.segments if isinstance(part, Window))
    assert policy.log_probabilities([again, again], [[6, 2], [7, 8, 2]]).device.type == "cuda"


def test_whisper_reads_where_it_is(gpu: torch.device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tensor, "__bool__", lambda _: False)  # whether all positions are real, which has no value here
    config = WhisperConfig(
        d_model=384, encoder_layers=1, decoder_layers=1, encoder_attention_heads=6, decoder_attention_heads=6
    )
    with gpu:
        whisper = WhisperForConditionalGeneration(config)
        mel, counts, ids = torch.randn(2, 80, 40), torch.full((2,), 40), torch.zeros(2, 3, dtype=torch.long)
    assert Decoder(whisper, encode(whisper, mel, counts))(ids).device.type == "cuda"
