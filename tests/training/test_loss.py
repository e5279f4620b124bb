"""The losses of partial labels: the right number, and always a number."""

from __future__ import annotations

import numpy as np
import torch

from fcn_studio.training.loss import class_weights, distillation, partial_cross_entropy

GENERATOR = torch.Generator().manual_seed(0)


def _scores(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=GENERATOR)


def test_only_labelled_pixels_count_each_with_its_weights() -> None:
    scores = _scores(2, 3, 4, 5)
    labels = torch.full((2, 4, 5), 255)
    labels[0, 1, 2], labels[0, 3, 4], labels[1, 0, 0] = 2, 0, 1
    pixel_weights = torch.ones(2, 4, 5, dtype=torch.float64)
    pixel_weights[1, 0, 0] = 0.5
    by_class = torch.tensor([0.5, 2.0, 3.0], dtype=torch.float64)
    total = partial_cross_entropy(scores, labels, pixel_weights, by_class)
    logs = scores.log_softmax(dim=1).numpy()
    expected = -(3.0 * logs[0, 2, 1, 2] + 0.5 * logs[0, 0, 3, 4] + 0.5 * 2.0 * logs[1, 1, 0, 0])
    assert np.isclose(float(total), expected)


def test_no_label_at_all_is_zero_with_a_zero_gradient() -> None:
    scores = _scores(1, 3, 4, 4).requires_grad_(True)
    loss = partial_cross_entropy(
        scores, torch.full((1, 4, 4), 255), torch.ones(1, 4, 4), torch.ones(3, dtype=torch.float64)
    )
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert scores.grad is not None
    assert not scores.grad.any()


def test_unlabelled_pixels_get_no_gradient() -> None:
    scores = _scores(1, 2, 3, 3).requires_grad_(True)
    labels = torch.full((1, 3, 3), 255)
    labels[0, 1, 1] = 1
    total = partial_cross_entropy(scores, labels, torch.ones(1, 3, 3), torch.ones(2, dtype=torch.float64))
    total.backward()
    assert scores.grad is not None
    touched = scores.grad.abs().sum(dim=1)[0] > 0
    assert touched.sum() == 1
    assert touched[1, 1]


def test_distillation_is_the_divergence_from_the_teacher() -> None:
    student, teacher = _scores(1, 3, 2, 2), _scores(1, 3, 2, 2)
    weights = torch.tensor([[[1.0, 0.0], [2.0, 0.5]]], dtype=torch.float64)
    total = distillation(student, teacher, weights)
    p, log_q = teacher.softmax(1), student.log_softmax(1)
    expected = ((p * (p.log() - log_q)).sum(1) * weights).sum()
    assert np.isclose(float(total), float(expected))
    assert float(distillation(teacher, teacher, weights)) < 1e-12
    assert float(distillation(student, teacher, weights * 0)) == 0.0


def test_class_weights_are_the_clipped_root_of_inverse_counts() -> None:
    counts = torch.tensor([10_000, 100, 0, 1])
    mean = 10_101 / 3
    expected = [max(0.5, (mean / 10_000) ** 0.5), min(5.0, (mean / 100) ** 0.5), 1.0, 5.0]
    assert torch.allclose(class_weights(counts, counts, "sqrt"), torch.tensor(expected, dtype=torch.float32))
    assert torch.equal(class_weights(counts, counts, "none"), torch.ones(4))
    assert torch.equal(class_weights(torch.zeros(2, dtype=torch.int64), counts[:2], "log"), torch.ones(2))
