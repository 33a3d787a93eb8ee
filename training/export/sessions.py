"""Runs the exported graphs from Python, as the worker does: shared key/value buffers, adapters as inputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

from training.export.rounded_weights import rounded_file

ELEMENT_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(int8)": np.int8}


def open_session(
    path: Path, threads: int = 2, files: Mapping[str, np.ndarray] | None = None
) -> onnxruntime.InferenceSession:
    """A CPU session over one graph; `files` of external data u8 by name, all of them or none: then they are on disk."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    if files:
        data = list(files.values())
        options.add_external_initializers_from_files_in_memory(list(files), data, [part.nbytes for part in data])
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def open_language_model(folder: Path, manifest: Mapping, threads: int = 2) -> onnxruntime.InferenceSession:
    """The language model of the pack in `folder`, `manifest` what its manifest says of it."""
    if (layout := manifest.get("rounded")) is None:
        return open_session(folder / manifest["graph"], threads)
    names = {manifest["embedding"]["file"], layout["smoothing"], *(matrix["file"] for matrix in layout["matrices"])}
    files = {name: np.fromfile(folder / name, np.uint8) for name in sorted(names)}
    return open_session(folder / manifest["graph"], threads, files | {layout["file"]: rounded_file(folder, layout)})


class CachedDecoder:
    """A decoder graph with its keys and values in buffers that are past and present at once."""

    def __init__(self, session: onnxruntime.InferenceSession, rows: int, capacity: int) -> None:
        self.session = session
        self.binding = session.io_binding()
        self.lengths = np.zeros(rows, np.int32)
        self.caches: dict[str, onnxruntime.OrtValue] = {}  # by "key_0", [rows, heads, capacity, head_dim]
        for value in session.get_inputs():
            if value.name.startswith("past_"):
                _, heads, _, head_dim = value.shape
                empty = np.zeros((rows, heads, capacity, head_dim), ELEMENT_TYPES[value.type])
                buffer = onnxruntime.OrtValue.ortvalue_from_numpy(empty)
                self.caches[value.name.removeprefix("past_")] = buffer
                self.binding.bind_ortvalue_input(value.name, buffer)
                self.binding.bind_ortvalue_output(value.name.replace("past", "present"), buffer)

    def bind(self, name: str, values: np.ndarray) -> None:
        """Binds an input for the steps to come; the values are copied."""
        self.binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(values)))

    def run(self, added: int, output: str = "logits", also: Sequence[str] = ()) -> np.ndarray:
        """Runs with `added` new positions in every row and gives one output; others are left in the binding."""
        self.lengths += added
        self.bind("seqlens_k", self.lengths - 1)
        self.bind("total_sequence_length", np.array(self.lengths.max(), np.int32))
        for name in (*also, output):
            self.binding.bind_output(name)
        self.session.run_with_iobinding(self.binding)
        return self.binding.get_outputs()[-1].numpy()  # outputs come in the order of binding, the caches first


class PackRunner:
    """Both packs of a folder, ready to be asked; `threads` for each session."""

    def __init__(self, packs: Path, threads: int = 2) -> None:
        self.whisper = json.loads((packs / "whisper-tiny.en" / "pack.json").read_text())
        self.pocket = json.loads((packs / "pocket" / "pack.json").read_text())
        whisper, pocket = packs / "whisper-tiny.en", packs / "pocket"
        self.encoder = open_session(whisper / self.whisper["encoder"]["graph"], threads)
        self.recognizer = open_session(whisper / self.whisper["decoder"]["graph"], threads)
        self.language = open_language_model(pocket, self.pocket["language_model"], threads)
        checkpoint = next(c for c in self.pocket["checkpoints"] if c["name"] == self.pocket["default_checkpoint"])
        self.acoustic = open_session(pocket / checkpoint["acoustic_graph"], threads)
        self.adapter = {k: v.astype(np.float32) for k, v in load_file(pocket / checkpoint["adapter"]).items()}
        self.table = self._embedding_table(pocket)

    def _embedding_table(self, folder: Path) -> np.ndarray:
        """The de-quantized embedding rows, [vocabulary, hidden] f32."""
        model = self.pocket["language_model"]
        vocabulary, hidden = model["vocabulary"], model["hidden"]
        layout = model["embedding"]
        data = (folder / layout["file"]).read_bytes()
        values = np.frombuffer(data, np.uint8, vocabulary * hidden).astype(np.float32)
        scales = np.frombuffer(data, np.float32, offset=vocabulary * hidden).reshape(vocabulary, -1, 1)
        blocks = values.reshape(vocabulary, -1, layout["block_size"]) - layout["zero_point"]
        return (blocks * scales).reshape(vocabulary, hidden)

    def encode(self, mel: np.ndarray) -> dict[str, np.ndarray]:
        """All outputs of the encoder for one clip, `mel` [80, frames] f32."""
        feeds = {"mel": mel[None], "frame_counts": np.array([mel.shape[1]], np.int64)}
        names = [value.name for value in self.encoder.get_outputs()]
        return dict(zip(names, self.encoder.run(names, feeds), strict=True))

    def recognize(self, encoded: dict[str, np.ndarray], ids: list[list[int]]) -> list[np.ndarray]:
        """Log-probabilities [vocabulary] after each of the given runs of ids, fed one after the other."""
        decoder = CachedDecoder(self.recognizer, 1, 448)
        decoder.bind("frame_counts", np.array([2 * encoded["audio_features"].shape[1]], np.int64))
        for name, values in encoded.items():
            if name.startswith("cross_"):
                decoder.bind(name, values)
        steps = []
        for run in ids:
            decoder.bind("position", decoder.lengths.astype(np.int64))
            decoder.bind("input_ids", np.array([run], np.int64))
            steps.append(decoder.run(len(run), "log_probabilities")[0])
        return steps

    def next_logits(self, embeddings: np.ndarray) -> np.ndarray:
        """The language model's logits [vocabulary] after a prompt [length, hidden] f32, default checkpoint."""
        return self.read(embeddings, self.adapter)[0][0]

    def read(
        self,
        embeddings: np.ndarray,
        adapter: Mapping[str, np.ndarray],
        also: Sequence[str] = (),
        positions: Sequence[int] = (-1,),
        room: int = 0,
    ) -> tuple[np.ndarray, CachedDecoder]:
        """Reads a prompt [length, hidden] f32 from nothing: logits [positions, vocabulary], and what is cached.

        `positions` whose logits are given, by default the last one; `adapter` by the decoder's input names; what it
        lacks gets rank 0, which adds nothing. Outputs of `also` come before the logits in the decoder's binding.
        `room` for so many positions more is left in the caches.
        """
        length = len(embeddings)
        decoder = CachedDecoder(self.language, 1, length + room)
        for value in self.language.get_inputs():
            if value.name.startswith("lora_"):
                nothing = np.zeros([size if isinstance(size, int) else 0 for size in value.shape], np.float32)
                decoder.bind(value.name, adapter.get(value.name, nothing))
        decoder.bind("inputs_embeds", embeddings[None].astype(np.float32))
        decoder.bind("logits_positions", np.arange(length, dtype=np.int64)[list(positions)])
        return decoder.run(length, also=also), decoder

    def answer(self, embeddings: np.ndarray, adapter: Mapping[str, np.ndarray], most: int) -> list[int]:
        """The likeliest ids to follow a prompt [length, hidden] f32, one by one: at most so many, without the end."""
        end = self.pocket["tokens"]["end_of_turn"]
        logits, decoder = self.read(embeddings, adapter, room=most)
        ids: list[int] = []
        while len(ids) < most and (best := int(logits[0].argmax())) != end:
            ids.append(best)
            decoder.bind("inputs_embeds", self.table[[best]][None])
            decoder.bind("logits_positions", np.zeros(1, np.int64))
            logits = decoder.run(1)
        return ids
