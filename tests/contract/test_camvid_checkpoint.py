"""The network that gave CamVid's figures lies in the repository, within its bounds, and answers."""

from __future__ import annotations

from pathlib import Path

import torch

from fcn_studio.models import load_checkpoint

CHECKPOINT = Path(__file__).parents[2] / "benchmarks" / "checkpoints" / "camvid.safetensors"


def test_camvids_network_is_small_says_whose_data_it_saw_and_answers() -> None:
    assert CHECKPOINT.stat().st_size <= 20_000_000
    model, card = load_checkpoint(CHECKPOINT)
    assert sum(parameter.numel() for parameter in model.parameters()) <= 10_000_000
    assert "CamVid" in card.data_terms
    assert len(card.class_keys) == 11
    with torch.inference_mode():
        scores = model.eval()(torch.zeros(1, 3, 97, 129))  # [N, classes, H, W]
    assert scores.shape == (1, 11, 97, 129)
    assert scores.isfinite().all()
