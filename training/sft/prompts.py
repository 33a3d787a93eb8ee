"""Prompts as sequences of segments, rendered exactly as the server does (ChatML, `Audio k:` over a conversation).

    <|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n
    <|im_start|>user\\nAudio 1: {audio}\\n{text}<|im_end|>\\n
    <|im_start|>assistant\\n

{audio} is, window by window: <|audio_bos|> acoustic tokens <|audio_speech|> speech tokens <|audio_eos|>.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from tokenizers import Tokenizer
from torch import Tensor

SYSTEM = "You are a helpful assistant."
OPEN_USER = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n"
OPEN_ASSISTANT = "<|im_end|>\n<|im_start|>assistant\n"


@dataclass(frozen=True)
class Window:
    """What was heard in up to 30 s.

    `acoustic` [n, features] f32: pooled encoder states, 2 tokens a second; `speech_ids` [m, k] ids of the LLM and
    `speech_weights` [m, k] f32, rows of which sum to one; m is 0 where nobody spoke.
    """

    acoustic: Tensor
    speech_ids: Tensor
    speech_weights: Tensor

    def __len__(self) -> int:
        return len(self.acoustic) + len(self.speech_ids) + 3


@dataclass
class Prompt:
    """Text pieces and windows in order; `answer` is what the loss is on."""

    segments: list[list[int] | Window] = field(default_factory=list)
    answer: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(segment) for segment in self.segments) + len(self.answer)


class Renderer:
    """Builds prompts of one conversation after the other."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._opening: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """The LLM's pieces of a text; the same fixed texts come often."""
        if len(text) < 120 and text.startswith("<|im"):
            return self._opening.setdefault(text, self._tokenizer.encode(text, add_special_tokens=False).ids)
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: list[int]) -> str:
        """The text of an answer, without its end of turn."""
        return self._tokenizer.decode(ids).strip()

    def turns(self, turns: list[tuple[list[list[Window] | str], str]]) -> Prompt:
        """A conversation: each turn has user parts (an audio is a list of windows, a text a string) and an answer.

        All turns but the last are context; the last one's answer is trained on.
        """
        prompt = Prompt()
        text, audios = OPEN_USER, 0
        for number, (parts, answer) in enumerate(turns):
            for part in parts:
                if isinstance(part, str):
                    text += part
                    continue
                audios += 1
                prompt.segments.append(self.encode(text + f"Audio {audios}: "))
                prompt.segments += part
                text = "\n"
            text += OPEN_ASSISTANT
            if number < len(turns) - 1:
                text += f"{answer}<|im_end|>\n<|im_start|>user\n"
        prompt.segments.append(self.encode(text))
        prompt.answer = self.encode(turns[-1][1] + "<|im_end|>")
        return prompt


def text_prompt(tokenizer: Tokenizer, question: str) -> list[int]:
    """A plain question in one user turn, as ids."""
    return tokenizer.encode(OPEN_USER + question + OPEN_ASSISTANT, add_special_tokens=False).ids


def embed(prompt: Prompt, embedding: Tensor, markers: Tensor, acoustic: Tensor, with_answer: bool = False) -> Tensor:
    """The prompt's embeddings [n, 576]: `embedding` [49152, 576], `markers` [3, 576], `acoustic` [all tokens, 576].

    All three on one device; the prompt may be on another.
    """
    device = embedding.device
    rows: list[Tensor] = []
    used = 0
    for segment in prompt.segments:
        if isinstance(segment, Window):
            count = len(segment.acoustic)
            weights = segment.speech_weights.to(device)[..., None]
            speech = (embedding[segment.speech_ids.to(device)] * weights).sum(1)
            rows += [markers[:1], acoustic[used : used + count], markers[1:2], speech, markers[2:3]]
            used += count
        else:
            rows.append(embedding[torch.tensor(segment, dtype=torch.long, device=device)])
    if with_answer:
        rows.append(embedding[torch.tensor(prompt.answer, dtype=torch.long, device=device)])
    return torch.cat(rows)
