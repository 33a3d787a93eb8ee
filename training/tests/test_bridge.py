"""The vocabulary bridge over two tiny byte-level vocabularies, and the gate's helpers."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.decoders import ByteLevel

from training.hearing.bridge import ALTERNATIVES, Bridge
from training.hearing.listening import Gate, is_loop, loudest_rms, split_windows
from training.hearing.whisper import Heard


def tokenizer(pieces: list[str], merges: list[tuple[str, str]]) -> Tokenizer:
    """A byte-level BPE of a few pieces."""
    made = Tokenizer(models.BPE({piece: index for index, piece in enumerate(pieces)}, merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = ByteLevel()
    return made


@pytest.fixture
def bridge() -> Bridge:
    whisper = tokenizer(["a", "b", "c", "ab", "abc"], [("a", "b"), ("ab", "c")])
    llm = tokenizer(["c", "b", "a", "ab"], [("a", "b")])
    return Bridge(whisper, llm)


def heard(ids: list[int], tops: list[list[int]], probabilities: list[list[float]]) -> Heard:
    padding = [0] * (ALTERNATIVES - len(tops[0]))
    top_ids = torch.tensor([row + padding for row in tops])
    top_probabilities = torch.tensor([row + [0.0] * len(padding) for row in probabilities])
    return Heard(ids, top_ids, top_probabilities, 0.0, -0.1)


def test_shared_pieces_keep_their_weights(bridge: Bridge) -> None:
    ids, weights = bridge.soft(heard([0], [[0, 1]], [[0.6, 0.2]]))
    assert ids[0, :2].tolist() == [2, 1]
    assert weights[0, :2].tolist() == pytest.approx([0.75, 0.25])


def test_alternatives_that_are_not_shared_are_left_out(bridge: Bridge) -> None:
    _, weights = bridge.soft(heard([3], [[3, 4]], [[0.5, 0.4]]))
    assert weights[0, :2].tolist() == pytest.approx([1.0, 0.0])


def test_a_best_piece_that_is_not_shared_becomes_the_llms_own_pieces(bridge: Bridge) -> None:
    ids, weights = bridge.soft(heard([4], [[4, 0]], [[0.9, 0.1]]))
    assert ids[:, 0].tolist() == [3, 0]  # "ab", "c"
    assert weights[:, 0].tolist() == [1.0, 1.0]


def test_nothing_heard_is_no_token(bridge: Bridge) -> None:
    empty = Heard([], torch.zeros(0, ALTERNATIVES).long(), torch.zeros(0, ALTERNATIVES), 0.9, -1.0)
    ids, weights = bridge.soft(empty)
    assert ids.shape == weights.shape == (0, ALTERNATIVES)


def test_simulated_weights_sum_to_one(bridge: Bridge) -> None:
    _, weights = bridge.simulate("abcab", random.Random(0), [0, 1])
    assert weights.sum(1).tolist() == pytest.approx([1.0] * len(weights))


def test_gate_and_loops() -> None:
    gate = Gate(0.0005, 0.1, -0.2, -2.0)
    top = torch.zeros(3, ALTERNATIVES)
    assert gate.is_speech(Heard([1, 2, 3], top.long(), top, 0.01, -0.4))
    assert not gate.is_speech(Heard([1, 2, 3], top.long(), top, 0.6, -0.4))
    assert not gate.is_speech(Heard([1, 2, 3], top.long(), top, 0.01, -2.5))
    assert is_loop(Heard([5, *[1, 2, 3] * 3], top.long(), top, 0.0, -0.1))
    assert not is_loop(Heard([1, 2, 3, 4, 1, 2, 3], top.long(), top, 0.0, -0.1))


def test_windows_cover_everything_and_are_cut_at_the_quietest_point() -> None:
    samples = np.ones(40 * 16_000, np.float32)
    quiet = 27 * 16_000
    samples[quiet : quiet + 3200] = 0.0
    first, second = split_windows(samples)
    assert len(first) + len(second) == len(samples)
    assert quiet <= len(first) <= quiet + 3200
    assert loudest_rms(samples) == pytest.approx(1.0)
