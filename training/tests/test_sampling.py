"""Answers of a batch against transformers' own, one prompt at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from training.sft import model

LAYERS, VOCABULARY, TOKENS = 2, 97, 12


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[model.Llm, LlamaForCausalLM]:
    """Two layers with the widths of SmolLM2, random weights, in both implementations."""
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=model.HIDDEN,
        intermediate_size=model.INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=model.HEADS,
        num_key_value_heads=model.KV_HEADS,
        rope_theta=100_000.0,
        tie_word_embeddings=True,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    monkeypatch.setattr(model, "LAYERS", LAYERS)
    return model.Llm(tmp_path, torch.float32), LlamaForCausalLM.from_pretrained(tmp_path).eval()


def test_each_answer_of_a_batch_is_the_one_that_its_prompt_gets_alone(
    small: tuple[model.Llm, LlamaForCausalLM],
) -> None:
    llm, reference = small
    prompts = [torch.randint(3, VOCABULARY, (length,)) for length in (5, 11, 2, 7, 7)]
    given = model.generate(llm, [llm.embedding[ids] for ids in prompts], None, TOKENS)
    for ids, answer in zip(prompts, given, strict=True):
        whole = reference.generate(
            ids[None], attention_mask=torch.ones_like(ids[None]), max_new_tokens=TOKENS, do_sample=False,
            eos_token_id=[model.END, 0], pad_token_id=1,
        )  # fmt: skip
        expected = [token for token in whole[0, len(ids) :].tolist() if token not in (model.END, 0, 1)]
        assert answer == expected


def test_rows_that_have_ended_change_nothing_for_the_others(
    small: tuple[model.Llm, LlamaForCausalLM], monkeypatch: pytest.MonkeyPatch
) -> None:
    llm, _ = small
    prompts = [llm.embedding[torch.randint(3, VOCABULARY, (length,))] for length in (4, 9, 6)]
    prompts.append(prompts[0])
    long = model.generate(llm, prompts, None, TOKENS)
    # The second token of the first answer ends it, and the last, which is the same: half of the rows are left out.
    monkeypatch.setattr(model, "END", long[0][1])
    short = model.generate(llm, prompts, None, TOKENS)
    for before, after in zip(long, short, strict=True):
        end = before.index(long[0][1]) if long[0][1] in before else len(before)
        assert after == before[:end]


def test_a_cold_answer_is_the_greedy_one_and_hot_ones_differ(small: tuple[model.Llm, LlamaForCausalLM]) -> None:
    llm, _ = small
    prompts = [llm.embedding[torch.randint(3, VOCABULARY, (6,))] for _ in range(2)]
    greedy = model.generate(llm, prompts, None, TOKENS)
    each = model.sample(llm, prompts, None, TOKENS, (0.0, 50.0, 50.0))
    assert [answers[0] for answers in each] == greedy
    assert all(answers[1] != answers[2] for answers in each)
