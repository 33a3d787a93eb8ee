"""Weights between two states of a tuning."""

import pytest
import torch

from training.sft.average import between


def test_lies_between() -> None:
    first, second = {"a": torch.tensor([0.0, 2.0])}, {"a": torch.tensor([4.0, 2.0])}
    torch.testing.assert_close(between(first, second, 0.25), {"a": torch.tensor([1.0, 2.0])})


@pytest.mark.parametrize("other", [{}, {"a": torch.zeros(3)}, {"a": torch.zeros(2), "b": torch.zeros(1)}])
def test_refuses_states_of_other_shapes(other: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="not the same weight"):
        between({"a": torch.zeros(2)}, other, 0.5)
