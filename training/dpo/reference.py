"""The numbers of tests/references/dpo-trl.json: TRL's DPOTrainer.dpo_loss on random log-probabilities.

Run where `pip install trl==0.21.0` and what it needs is installed: python -m training.dpo.reference > FILE
"""

from __future__ import annotations

import json
import types

import torch

BETAS = (0.1, 0.2, 0.5)


def main() -> None:
    """Print the numbers as JSON."""
    from trl import DPOTrainer
    from trl.trainer.dpo_config import FDivergenceType

    torch.manual_seed(1)
    chosen, rejected = -torch.rand(8) * 60, -torch.rand(8) * 60
    reference_chosen, reference_rejected = chosen + torch.randn(8) * 6, rejected + torch.randn(8) * 6
    cases = []
    for beta in BETAS:
        settings = types.SimpleNamespace(
            beta=beta,
            label_smoothing=0.0,
            loss_type=["sigmoid"],
            reference_free=False,
            f_divergence_type=FDivergenceType.REVERSE_KL.value,
            f_divergence_params={},
            accelerator=types.SimpleNamespace(device="cpu"),
        )
        losses, chosen_rewards, rejected_rewards = DPOTrainer.dpo_loss(
            settings, chosen, rejected, reference_chosen, reference_rejected, "sigmoid"
        )
        case = {"beta": beta, "losses": losses.tolist()}
        cases.append({**case, "chosen_rewards": chosen_rewards.tolist(), "rejected_rewards": rejected_rewards.tolist()})
    inputs = {"chosen": chosen.tolist(), "rejected": rejected.tolist()}
    references = {"reference_chosen": reference_chosen.tolist(), "reference_rejected": reference_rejected.tolist()}
    print(json.dumps({"trl": "0.21.0", **inputs, **references, "cases": cases}))


if __name__ == "__main__":
    main()
