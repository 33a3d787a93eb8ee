"""A pack of Qwen2-Audio against transformers, on the tiny checkpoint; and what happens to an export that is stopped."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Qwen2AudioForConditionalGeneration

from training.export.graph import ExternalFile
from training.export.qwen2_audio import verify
from training.export.qwen2_audio.pack import PROGRESS, PackOptions, write_pack
from training.export.qwen2_audio.runner import FRAMES_BEHIND, Qwen2AudioRunner
from training.export.qwen2_audio.verify import verify_pack
from training.goldens.qwen2_audio.full_size import tensor_shapes
from training.goldens.qwen2_audio.tiny import CONFIG
from training.tests.qwen2_audio import write_checkpoint

EXACT = PackOptions(weights="fp16", precision="fp32")
AUDIO = 151646


def silent(_: str) -> None:
    """For reports."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def pack(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    write_pack(checkpoint, folder, EXACT, silent)
    return folder


@pytest.fixture(scope="module")
def reference(checkpoint: Path) -> Qwen2AudioForConditionalGeneration:
    return Qwen2AudioForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32).eval()


def spectrogram(seed: int) -> np.ndarray:
    """Loud everywhere, also behind the audio: what must not be heard would be."""
    return np.random.default_rng(seed).uniform(-1, 1.5, (128, 3000)).astype(np.float32)


@torch.no_grad()
def heard_by_transformers(model: Qwen2AudioForConditionalGeneration, mel: np.ndarray, frames: int) -> np.ndarray:
    heard = []
    hook = model.model.multi_modal_projector.register_forward_hook(lambda *call: heard.append(call[2]))
    mask = torch.zeros(1, 3000, dtype=torch.long)
    mask[:, :frames] = 1
    count = ((frames - 1) // 2 + 1 - 2) // 2 + 1
    model(
        input_ids=torch.tensor([[1, *[AUDIO] * count, 2]]),
        input_features=torch.from_numpy(mel[None]),
        feature_attention_mask=mask,
    )
    hook.remove()
    return heard[0][0, :count].numpy()


def test_hears_as_transformers_whatever_the_length_and_in_batches(
    pack: Path, reference: Qwen2AudioForConditionalGeneration
) -> None:
    runner = Qwen2AudioRunner(pack)
    counts = [301, 302, 303, 304, 7]
    mels = [spectrogram(seed) for seed in range(len(counts))]
    expected = [heard_by_transformers(reference, mel, count) for mel, count in zip(mels, counts, strict=True)]
    for together in (mels, [mel[:, : max(counts) + FRAMES_BEHIND] for mel in mels]):
        for heard, wanted in zip(runner.hear(together, counts), expected, strict=True):
            np.testing.assert_allclose(heard, wanted, atol=2e-5)
    for mel, count, wanted in zip(mels, counts, expected, strict=True):
        alone = runner.hear([mel[:, : count + FRAMES_BEHIND]], [count])[0]
        np.testing.assert_allclose(alone, wanted, atol=2e-5)
    whole = heard_by_transformers(reference, mels[0], 3000)
    np.testing.assert_allclose(runner.hear([mels[0]], [3000])[0], whole, atol=2e-5)
    assert len(whole) == 750


def test_two_frames_give_no_token(pack: Path) -> None:
    assert [len(rows) for rows in Qwen2AudioRunner(pack).hear([spectrogram(0)] * 3, [2, 40, 1])] == [0, 10, 0]


@torch.no_grad()
def test_reads_and_goes_on_as_transformers(pack: Path, reference: Qwen2AudioForConditionalGeneration) -> None:
    ids = np.random.default_rng(1).integers(0, 151643, 40)
    expected = reference(input_ids=torch.from_numpy(ids[None])).logits[0].numpy()
    runner = Qwen2AudioRunner(pack)
    decoder = runner.decoder(1, len(ids))
    parts = [runner.read(decoder, runner.rows(ids[:30].tolist())[None], [0, 17, 29])]
    parts += [runner.read(decoder, runner.rows([id])[None], [0]) for id in ids[30:].tolist()]
    np.testing.assert_allclose(np.concatenate(parts), expected[[0, 17, *range(29, 40)]], atol=5e-5)


@pytest.mark.parametrize(
    ("weights", "precision", "tolerance"),
    [("int8", "fp32", 0.04), ("int4", "fp32", 0.3), ("fp16", "fp16", 0.02), ("int8", "fp16", 0.04)],
)
def test_fewer_bits_stay_near(
    checkpoint: Path, pack: Path, tmp_path: Path, weights: str, precision: str, tolerance: float
) -> None:
    write_pack(checkpoint, tmp_path, PackOptions(weights=weights, precision=precision), silent)
    assert verify_pack(tmp_path, silent)
    exact, rounded = Qwen2AudioRunner(pack), Qwen2AudioRunner(tmp_path)
    mel = spectrogram(2)
    ids = [1, 2, 3, *[AUDIO] * 50, 4, 5, 6]
    wanted, got = (
        runner.read(runner.decoder(1, len(ids)), runner.splice(ids, runner.hear([mel], [200]))[None], [55])
        for runner in (exact, rounded)
    )
    difference = np.linalg.norm(got - wanted) / np.linalg.norm(wanted)
    assert 0 < difference < tolerance
    cache = rounded.decoder(1, 1).caches["key_0"].numpy()
    assert cache.dtype == (np.float16 if precision == "fp16" else np.float32)


def test_keys_and_values_in_8_bits(checkpoint: Path, pack: Path, tmp_path: Path) -> None:
    write_pack(checkpoint, tmp_path, PackOptions(weights="fp16", cache_bits=8), silent)
    assert verify_pack(tmp_path, silent)
    exact, rounded = Qwen2AudioRunner(pack), Qwen2AudioRunner(tmp_path)
    ids = np.random.default_rng(4).integers(64, 90, 60).tolist()  # letters: what was measured is text
    wanted, got = (
        np.concatenate(
            [runner.read(decoder, runner.rows(part)[None], [len(part) - 1]) for part in (ids[:59], ids[59:])]
        )
        for runner in (exact, rounded)
        for decoder in [runner.decoder(1, len(ids))]
    )
    assert rounded.decoder(1, 1).caches["value_2"].numpy().dtype == np.int8
    assert 0 < np.linalg.norm(got - wanted) / np.linalg.norm(wanted) < 0.05
    with pytest.raises(ValueError, match="fp32"):
        PackOptions(precision="fp16", cache_bits=8)


def test_what_there_is_no_memory_for(
    checkpoint: Path, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "available_memory", lambda: 50_000_000)
    lines: list[str] = []
    assert not verify_pack(pack, lines.append)
    assert lines == ["not verified: to run it takes about 0 GB of memory, and 0 are free"]
    with pytest.raises(ValueError, match="measured by running the model"):
        write_pack(checkpoint, tmp_path, PackOptions(weights="fp16", cache_bits=8), silent)
    assert not list(tmp_path.iterdir())


def test_an_export_that_was_stopped_goes_on(
    checkpoint: Path, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = ExternalFile.save

    def stopped(file: ExternalFile, folder: Path) -> str:
        if file.name == "layer-01.bin":
            (folder / "layer-01.bin.partial").write_bytes(b"half")
            raise KeyboardInterrupt
        return save(file, folder)

    monkeypatch.setattr(ExternalFile, "save", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_pack(checkpoint, tmp_path, EXACT, silent)
    monkeypatch.undo()
    assert not (tmp_path / "pack.json").exists()
    damaged = (tmp_path / "embedding.bin").read_bytes()
    (tmp_path / "embedding.bin").write_bytes(b"\xff" + damaged[1:])

    lines: list[str] = []
    write_pack(checkpoint, tmp_path, EXACT, lines.append)
    assert [line.split()[1] for line in lines if line.endswith("(was there)")] == ["audio.bin", "layer-00.bin"]
    assert not (tmp_path / PROGRESS).exists()
    assert json.loads((tmp_path / "pack.json").read_text()) == json.loads((pack / "pack.json").read_text())
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in pack.iterdir()}


def test_what_another_export_left_is_not_kept(checkpoint: Path, pack: Path, tmp_path: Path) -> None:
    shutil.copytree(pack, tmp_path, dirs_exist_ok=True)
    hashes = {name: entry["sha256"] for name, entry in json.loads((pack / "pack.json").read_text())["files"].items()}
    (tmp_path / PROGRESS).write_text(json.dumps({"what": ["other options"], "sha256": hashes}))
    lines: list[str] = []
    write_pack(checkpoint, tmp_path, EXACT, lines.append)
    assert len(lines) == 6 and not any("was there" in line for line in lines)


def test_takes_the_names_of_transformers_5_in_one_file(checkpoint: Path, pack: Path, tmp_path: Path) -> None:
    source = tmp_path / "hf"
    shutil.copytree(checkpoint, source, ignore=shutil.ignore_patterns("*.safetensors*"))
    tensors = {}
    for shard in sorted(checkpoint.glob("*.safetensors")):
        for name, tensor in load_file(shard).items():
            if name.startswith("language_model.lm_head."):
                tensors[name.removeprefix("language_model.")] = tensor
            elif name.startswith("language_model.model."):
                tensors[name.replace("language_model.model.", "model.language_model.", 1)] = tensor
            else:
                tensors[f"model.{name}"] = tensor
    save_file(tensors, source / "model.safetensors")
    write_pack(source, tmp_path / "pack", EXACT, silent)
    files = [json.loads((folder / "pack.json").read_text())["files"] for folder in (pack, tmp_path / "pack")]
    assert files[0] == files[1]


def test_the_synthetic_checkpoint_has_the_names_and_shapes_that_transformers_has(checkpoint: Path) -> None:
    shards = [load_file(shard) for shard in checkpoint.glob("*.safetensors")]
    found = {name: tuple(tensor.shape) for shard in shards for name, tensor in shard.items()}
    assert tensor_shapes(CONFIG) == found


def test_what_cannot_be_exported_is_named(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no config\.json"):
        write_pack(tmp_path, tmp_path / "pack", EXACT, silent)
    source = tmp_path / "hf"
    shutil.copytree(checkpoint, source)
    shard = sorted(source.glob("*.safetensors"))[1]
    shard.rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match=shard.name):
        write_pack(source, tmp_path / "pack", EXACT, silent)
    (tmp_path / "elsewhere").rename(shard)
    index = source / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"] = {name: file for name, file in content["weight_map"].items() if file != shard.name}
    index.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"no tensor for 'model\.embed_tokens\.weight'"):
        write_pack(source, tmp_path / "pack", EXACT, silent)
    (source / "config.json").write_text('{"model_type": "qwen2_5_omni"}')
    with pytest.raises(ValueError, match="'qwen2_5_omni', not a 'qwen2_audio'"):
        write_pack(source, tmp_path / "pack", EXACT, silent)
