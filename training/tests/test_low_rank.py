"""Checkpoints in PEFT's format: the same logits as PEFT's own, and a reason where one can't be taken."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import load_file as load_torch
from safetensors.torch import save_file
from transformers import Qwen2AudioForConditionalGeneration

from training.export.qwen2_audio.add_checkpoint import add_checkpoint
from training.export.qwen2_audio.pack import PackOptions, write_pack
from training.export.qwen2_audio.runner import Qwen2AudioRunner
from training.tests.qwen2_audio import write_checkpoint

peft = pytest.importorskip("peft")

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
IDS = [5, 17, 400, 22, 9133, 33, 8, 150_000]
LANGUAGE = r".*language_model.*\."


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def written(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    write_pack(checkpoint, folder, PackOptions(weights="fp16"), lambda _: None)
    return folder


@pytest.fixture
def pack(written: Path, tmp_path: Path) -> Path:
    return shutil.copytree(written, tmp_path / "pack")


def tuned(checkpoint: Path, folder: Path, **settings: object) -> np.ndarray:
    """Saves a random adapter as PEFT does, and gives PEFT's logits [length, vocabulary]."""
    base = Qwen2AudioForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32)
    model = peft.get_peft_model(base, peft.LoraConfig(**settings)).eval()
    torch.manual_seed(3)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                # Numbers that 16 bits hold, so that nothing but the order of sums differs.
                weight.copy_((torch.randn_like(weight) * 0.2).half().float())
        model.save_pretrained(folder)
        return model(input_ids=torch.tensor([IDS])).logits[0].numpy()


def logits_of(pack: Path, name: str) -> np.ndarray:
    runner = Qwen2AudioRunner(pack)
    entry = next(entry for entry in runner.manifest["checkpoints"] if entry["name"] == name)
    decoder = runner.decoder(1, len(IDS), load_file(pack / entry["adapter"]))
    return runner.read(decoder, runner.rows(IDS)[None], list(range(len(IDS))))


@pytest.mark.parametrize(
    "settings",
    [
        {"r": 4, "lora_alpha": 8, "target_modules": LANGUAGE + f"({'|'.join(ALL)})"},
        {"r": 4, "lora_alpha": 4, "use_rslora": True, "target_modules": LANGUAGE + "(q_proj|v_proj)"},
        {
            "r": 2,
            "lora_alpha": 2,
            "target_modules": LANGUAGE + "(k_proj|up_proj|down_proj)",
            "rank_pattern": {"up_proj": 4},
            "alpha_pattern": {r"layers\.1\.self_attn\.k_proj": 8, "up_proj": 2},
        },
    ],
    ids=["all sites", "rslora, some projections", "patterns"],
)
def test_gives_the_logits_of_peft(checkpoint: Path, pack: Path, tmp_path: Path, settings: dict) -> None:
    expected = tuned(checkpoint, tmp_path / "peft", **settings)
    add_checkpoint(pack, "tuned", tmp_path / "peft", "Tuned.")
    ours = logits_of(pack, "tuned")
    np.testing.assert_allclose(ours, expected, atol=1e-4)
    runner = Qwen2AudioRunner(pack)
    base = runner.read(runner.decoder(1, len(IDS)), runner.rows(IDS)[None], list(range(len(IDS))))
    assert np.abs(base - expected).max() > 0.5


def test_is_listed_and_can_be_replaced(checkpoint: Path, pack: Path, tmp_path: Path) -> None:
    tuned(checkpoint, tmp_path / "peft", target_modules=LANGUAGE + "o_proj")
    add_checkpoint(pack, "dpo", tmp_path / "peft", "First.", is_default=True)
    add_checkpoint(pack, "dpo", tmp_path / "peft", "Second.", licence="MIT")
    manifest = json.loads((pack / "pack.json").read_text())
    entry = {"name": "dpo", "description": "Second.", "adapter": "checkpoints/dpo/adapter.safetensors"}
    assert manifest["checkpoints"] == [{"name": "base", "description": "As published."}, entry]
    assert manifest["default_checkpoint"] == "dpo"
    assert manifest["provenance"][1:] == [{"what": "Adapter dpo", "licence": "MIT", "source": "peft"}]
    path = pack / entry["adapter"]
    assert manifest["files"][entry["adapter"]]["bytes"] == path.stat().st_size
    # Only what is adapted is stored.
    assert set(load_file(path)) == {f"lora_{layer}_o_{side}" for layer in range(3) for side in "ab"}


def test_names_of_transformers_4_are_taken(checkpoint: Path, pack: Path, tmp_path: Path) -> None:
    folder = tmp_path / "peft"
    expected = tuned(checkpoint, folder, r=4, target_modules=LANGUAGE + "(q_proj|gate_proj)")
    path = folder / "adapter_model.safetensors"
    tensors = load_torch(path)
    save_file({name.replace("model.language_model", "language_model.model"): v for name, v in tensors.items()}, path)
    add_checkpoint(pack, "tuned", folder, "Tuned.")
    np.testing.assert_allclose(logits_of(pack, "tuned"), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"peft_type": "LOHA"}, "not LORA"),
        ({"use_dora": True}, "use_dora is set"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save is set"),
        ({"bias": "lora_only"}, "bias is 'lora_only'"),
        ({"init_lora_weights": "pissa_niter_4"}, "path_initial_model_for_weight_conversion"),
    ],
)
def test_what_a_pack_cannot_express_is_refused(
    checkpoint: Path, pack: Path, tmp_path: Path, changes: dict, reason: str
) -> None:
    folder = tmp_path / "peft"
    tuned(checkpoint, folder, target_modules=LANGUAGE + "q_proj")
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    before = (pack / "pack.json").read_text()
    with pytest.raises(ValueError, match=reason):
        add_checkpoint(pack, "tuned", folder, "Tuned.")
    assert (pack / "pack.json").read_text() == before


@pytest.mark.parametrize(
    ("targets", "reason"),
    [
        (["linear"], "'model.multi_modal_projector.linear' has no place"),
        (r".*audio_tower.*\.v_proj", "'model.audio_tower.layers.0.self_attn.v_proj' has no place"),
        (["lm_head"], "lm_head.* isn't a matrix of a LoRA"),
    ],
)
def test_what_is_no_projection_of_the_language_model_is_refused(
    checkpoint: Path, pack: Path, tmp_path: Path, targets: object, reason: str
) -> None:
    tuned(checkpoint, tmp_path / "peft", target_modules=targets)
    with pytest.raises(ValueError, match=reason):
        add_checkpoint(pack, "tuned", tmp_path / "peft", "Tuned.")


def test_another_model_and_a_pack_without_the_site_are_refused(checkpoint: Path, pack: Path, tmp_path: Path) -> None:
    tuned(checkpoint, tmp_path / "peft", target_modules=LANGUAGE + "q_proj")
    manifest = json.loads((pack / "pack.json").read_text())
    for change, reason in (({"layers": 2}, "has 2 layers"), ({"head_dim": 8}, "another model's")):
        changed = manifest | {"language_model": manifest["language_model"] | change}
        (pack / "pack.json").write_text(json.dumps(changed))
        with pytest.raises(ValueError, match=reason):
            add_checkpoint(pack, "tuned", tmp_path / "peft", "Tuned.")
    without = [site for site in manifest["language_model"]["adapter_sites"] if site["name"] != "qkv"]
    changed = manifest | {"language_model": manifest["language_model"] | {"adapter_sites": without}}
    (pack / "pack.json").write_text(json.dumps(changed))
    with pytest.raises(ValueError, match="no place for 'qkv'"):
        add_checkpoint(pack, "tuned", tmp_path / "peft", "Tuned.")
    with pytest.raises(ValueError, match="lower-case"):
        add_checkpoint(pack, "Tuned!", tmp_path / "peft", "Tuned.")
