"""The acoustic projector: 25 encoder positions (0.5 s) pooled into one token of the LLM's embedding space.

A token sees the mean and deviation of its own half second and of the whole window. After Qwen2-Audio, which pools the
encoder's states and lets the LLM read them; the pooling is coarser here because the words come through the bridge.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

POSITIONS_PER_TOKEN = 25
STATES = 384
FEATURES = 4 * STATES
HIDDEN = 576
INNER = 384


def pool(states: Tensor) -> Tensor:
    """Encoder states [positions, 384] of one window to features [ceil(positions / 25), 1536]."""
    positions = states.shape[0]
    tokens = (positions + POSITIONS_PER_TOKEN - 1) // POSITIONS_PER_TOKEN
    padded = nn.functional.pad(states, (0, 0, 0, tokens * POSITIONS_PER_TOKEN - positions))
    blocks = padded.view(tokens, POSITIONS_PER_TOKEN, STATES)
    index = torch.arange(tokens * POSITIONS_PER_TOKEN).view(tokens, POSITIONS_PER_TOKEN, 1)
    real = (index < positions).to(states.dtype)
    count = real.sum(1)
    mean = (blocks * real).sum(1) / count
    deviation = (((blocks - mean[:, None]) ** 2 * real).sum(1) / count + 1e-6).sqrt()
    whole_mean = states.mean(0, keepdim=True)
    whole_deviation = (((states - whole_mean) ** 2).mean(0, keepdim=True) + 1e-6).sqrt()
    whole = torch.cat((whole_mean, whole_deviation), 1).expand(tokens, -1)
    return torch.cat((mean, deviation, whole), 1)


class Projector(nn.Module):
    """Features [tokens, 1536] to embeddings [tokens, 576] of about the length of the LLM's own.

    A token is a choice among the names of the classes, each an embedding, softly where it is doubtful, and what else
    there is to say of the voice or the room. The choice is what carries over to recordings that were never heard: the
    LLM reads the same names again, not a place between them that it has not seen.
    """

    def __init__(self, scale: float, classes: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(FEATURES))
        self.register_buffer("spread", torch.ones(FEATURES))
        self.inner = nn.Linear(FEATURES, INNER)
        self.middle = nn.Linear(INNER, INNER)
        self.norm = nn.LayerNorm(INNER)
        self.naming = nn.Linear(INNER, classes)
        self.names = nn.Parameter(torch.zeros(classes, HIDDEN))
        self.outer = nn.Linear(INNER, HIDDEN)
        self.register_buffer("scale", torch.tensor(scale))

    @classmethod
    def restored(cls, state: dict[str, Tensor]) -> Projector:
        """The projector of a `state_dict`, with as many classes as it has."""
        projector = cls(1.0, len(state["names"]))
        projector.load_state_dict(state)
        return projector

    def forward(self, features: Tensor) -> Tensor:
        """[tokens, 1536] to [tokens, 576]."""
        return self.embedded(*self.read(features))

    def read(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """What a token is taken for, logits [tokens, classes], and the hidden state [tokens, 384] behind it."""
        hidden = nn.functional.gelu(self.inner((features - self.centre) / self.spread))
        hidden = self.norm(hidden + nn.functional.gelu(self.middle(hidden)))
        return self.naming(hidden), hidden

    def embedded(self, logits: Tensor, hidden: Tensor) -> Tensor:
        """The tokens [tokens, 576] of what was read."""
        return logits.softmax(-1) @ self.names + self.outer(hidden) * self.scale

    def disturbed(self, features: Tensor) -> Tensor:
        """Features [tokens, 1536] with noise and gaps, as recordings that were never heard would differ."""
        noisy = features + 0.25 * self.spread * torch.randn_like(features)
        return nn.functional.dropout(noisy - self.centre, 0.2) + self.centre


class AcousticGraph(nn.Module):
    """What is exported: encoder states [1, positions, 384] to acoustic embeddings [tokens, 576]."""

    def __init__(self, projector: Projector) -> None:
        super().__init__()
        self.projector = projector

    def forward(self, audio_features: Tensor) -> Tensor:
        """Pool and project one window."""
        return self.projector(pool(audio_features[0]))
