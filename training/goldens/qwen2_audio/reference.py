"""What transformers makes of the cases, in f32: spectrograms, audio embeddings, prompts, logits, greedy answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import BatchFeature, Qwen2AudioForConditionalGeneration

from training.goldens.files import write_array, write_json
from training.goldens.qwen2_audio.adapter import adapt
from training.goldens.qwen2_audio.cases import ADAPTED, BATCHES, CONVERSATIONS, requests
from training.goldens.qwen2_audio.prompts import Prompts

STEPS = 20
# Frames behind the audio that the convolutions look at.
FRAMES_BEHIND = 2
# Everything is computed in f32 from the same numbers: what differs is the order of sums. Seen: 6e-5 at most in
# embeddings, 2e-5 in logits.
TOLERANCE = {"mel": 1e-4, "audio_embeddings": 5e-4, "embeddings": 5e-4, "logits": 2e-4}


class Reference(Prompts):
    """transformers' model and processor of a checkpoint."""

    def __init__(self, checkpoint: Path) -> None:
        super().__init__(checkpoint)
        self.model = Qwen2AudioForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32).eval()

    @torch.no_grad()
    def answer(self, inputs: BatchFeature, max_tokens: int, penalty: float = 1.0) -> tuple[list[dict], np.ndarray]:
        """What is said greedily in each conversation, and logits [conversations, steps, vocabulary] before penalties.

        `answer`: ids, the end of the turn included; `text`; `gaps`: by how much the best score was ahead at each step.
        """
        result = self.model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=max_tokens,
            repetition_penalty=penalty,
            output_logits=True,
            output_scores=True,
            return_dict_in_generate=True,
        )
        ends = set(self.model.generation_config.eos_token_id)
        best = torch.stack(result.scores, dim=1).topk(2).values
        answers = []
        for row, ids in enumerate(result.sequences[:, inputs["input_ids"].shape[1] :].tolist()):
            length = next((index + 1 for index, id in enumerate(ids) if id in ends), len(ids))
            text = self.processor.tokenizer.decode(ids[:length], skip_special_tokens=True)
            gaps = (best[row, :length, 0] - best[row, :length, 1]).tolist()
            answers.append({"answer": ids[:length], "text": text, "gaps": [round(gap, 6) for gap in gaps]})
        return answers, torch.stack(result.logits, dim=1).numpy()

    @torch.no_grad()
    def audio_embeddings(self, inputs: BatchFeature) -> list[np.ndarray]:
        """Of each audio of the inputs, [tokens, hidden]."""
        return [rows for rows in self._seen(inputs)[0]]

    @torch.no_grad()
    def embeddings(self, inputs: BatchFeature) -> np.ndarray:
        """What the language model reads, [length, hidden], of one conversation."""
        return self._seen(inputs)[1][0]

    def _seen(self, inputs: BatchFeature) -> tuple[list[np.ndarray], np.ndarray]:
        heard, read = [], []
        hooks = [
            self.model.model.multi_modal_projector.register_forward_hook(lambda *call: heard.append(call[2])),
            self.model.model.language_model.register_forward_pre_hook(
                lambda _, __, named: read.append(named["inputs_embeds"]), with_kwargs=True
            ),
        ]
        self.model(**inputs)
        for hook in hooks:
            hook.remove()
        if not heard:
            return [], read[0].numpy()
        frames = inputs["feature_attention_mask"].sum(-1)
        counts = self.model.model.audio_tower._get_feat_extract_output_lengths(frames)[1].tolist()
        return [rows[:count].numpy() for rows, count in zip(heard[0], counts, strict=True)], read[0].numpy()


def write_references(checkpoint: Path, folder: Path, adapter: Path) -> None:
    """Writes references.json into `folder`, and its arrays beside it; into `adapter` an adapter that it adds."""
    reference = Reference(checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    audios, cases, batches = [], [], []
    for index, (name, samples) in enumerate(reference.clips.items()):
        inputs = reference.inputs([{"role": "user", "content": [{"type": "audio", "audio": name}]}])
        frames = int(inputs["feature_attention_mask"].sum())
        mel = inputs["input_features"][0, :, : frames + FRAMES_BEHIND].numpy()
        rows = reference.audio_embeddings(inputs)[0]
        arrays = {"samples": samples, "mel": mel, "embeddings": rows}
        written = {key: write_array(folder, f"audio-{index}-{key}", values) for key, values in arrays.items()}
        audios.append({"name": name, "frames": frames, "tokens": len(rows), **written})
    for index, (name, messages) in enumerate(CONVERSATIONS.items()):
        inputs = reference.inputs(messages)
        answers, logits = reference.answer(inputs, STEPS + 1)
        arrays = {"embeddings": reference.embeddings(inputs), "logits": logits[0, : len(answers[0]["answer"])]}
        written = {key: write_array(folder, f"case-{index}-{key}", values) for key, values in arrays.items()}
        ids = inputs["input_ids"][0].tolist()
        cases.append({"name": name, "messages": messages, "ids": ids, **answers[0], **written})
    for name, names in BATCHES.items():
        answers, _ = reference.answer(reference.inputs(*(CONVERSATIONS[case] for case in names)), STEPS + 1)
        batches.append({"name": name, "cases": names, "answers": answers})
    asked = []
    for request in requests():
        inputs = reference.inputs(request["messages"])
        answers, _ = reference.answer(inputs, request["max_tokens"], request["repetition_penalty"])
        asked.append({**request, **answers[0]})
    adapt(reference.model, adapter)
    adapted = []
    for name in ADAPTED:
        answers, _ = reference.answer(reference.inputs(CONVERSATIONS[name]), STEPS + 1)
        adapted.append({"case": name, **answers[0]})
    content = {
        "reference": f"transformers {transformers.__version__}, torch {torch.__version__}, f32",
        "tolerance": TOLERANCE,
        "audios": audios,
        "cases": cases,
        "batches": batches,
        "adapted": adapted,
        "requests": asked,
    }
    write_json(folder, "references", content)
