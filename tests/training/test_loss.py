"""The losses of partial labels: the right number, and always a number."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fcn_studio.training.loss import class_weights, distillation, lovasz_softmax, partial_cross_entropy

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


def test_log_weights_are_one_on_average_over_pixels() -> None:
    counts = torch.tensor([900, 90, 10, 0])
    share = np.array([0.9, 0.09, 0.01])
    raw = 1 / np.log(1.1 + share)
    found = class_weights(counts, counts, "log")
    assert np.allclose(found[:3], raw / (raw * share).sum())
    assert float((found[:3] * torch.from_numpy(share)).sum()) == pytest.approx(1.0)
    assert found[3] == 1.0


def test_median_weights_count_only_images_that_show_the_class() -> None:
    counts, present = torch.tensor([600, 300, 20]), torch.tensor([1000, 1000, 100])
    assert torch.allclose(class_weights(counts, present, "median"), torch.tensor([0.3 / 0.6, 1.0, 0.3 / 0.2]))


def test_only_the_hardest_pixels_count_and_stand_for_the_rest() -> None:
    scores, labels = _scores(1, 3, 4, 5), torch.randint(0, 3, (1, 4, 5), generator=GENERATOR)
    labels[0, 0, :] = 255
    weights = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    ones = torch.ones(1, 4, 5, dtype=torch.float64)
    found = partial_cross_entropy(scores, labels, ones, weights, hard_share=0.2)
    plain = -scores.log_softmax(dim=1).gather(1, labels.clamp(max=2)[:, None])[0, 0][1:].flatten()
    hardest = plain.argsort(descending=True)[:3]  # a fifth of 15
    expected = (plain * weights[labels[0, 1:].flatten()])[hardest].sum() * 5
    assert float(found) == pytest.approx(float(expected))
    nothing = torch.full_like(labels, 255)
    assert float(partial_cross_entropy(scores, nothing, ones, weights, hard_share=0.2)) == 0.0


def _jaccard_loss(wrong: set[int], mine: set[int]) -> float:
    """1 - IoU of a class on the pixels ``mine`` when exactly the pixels ``wrong`` are mistaken."""
    said = mine ^ wrong
    return 1.0 - len(mine & said) / len(mine | said)


def _brute_lovasz(shares: np.ndarray, truth: np.ndarray) -> float:
    """By the definition: every error weighs what it adds to the Jaccard loss of all larger errors."""
    losses = []
    for klass in np.unique(truth):
        mine = set(np.flatnonzero(truth == klass).tolist())
        errors = np.where(truth == klass, 1 - shares[:, klass], shares[:, klass])
        wrong: set[int] = set()
        total = 0.0
        for pixel in np.argsort(-errors):
            before = _jaccard_loss(wrong, mine)
            wrong = wrong | {int(pixel)}
            total += errors[pixel] * (_jaccard_loss(wrong, mine) - before)
        losses.append(total)
    return float(np.mean(losses))


def test_lovasz_is_the_extension_of_the_jaccard_loss() -> None:
    scores, labels = 2 * _scores(2, 4, 3, 5), torch.randint(0, 3, (2, 3, 5), generator=GENERATOR)
    labels[1, 2] = 255  # and class 3 is nowhere
    labelled = labels.flatten() != 255
    shares = scores.softmax(dim=1).movedim(1, -1).reshape(-1, 4)[labelled].numpy()
    expected = _brute_lovasz(shares, labels.flatten()[labelled].numpy())
    assert float(lovasz_softmax(scores, labels)) == pytest.approx(expected, abs=1e-12)


def test_lovasz_of_a_hard_answer_is_one_minus_its_mean_iou() -> None:
    labels = torch.randint(0, 3, (1, 6, 7), generator=GENERATOR)
    said = torch.randint(0, 3, (1, 6, 7), generator=GENERATOR)
    scores = 1000.0 * torch.nn.functional.one_hot(said, 3).movedim(-1, 1).double()
    ious = [
        float(((labels == k) & (said == k)).sum()) / float(((labels == k) | (said == k)).sum())
        for k in range(3)
    ]
    assert float(lovasz_softmax(scores, labels)) == pytest.approx(1 - np.mean(ious))


def test_lovasz_has_a_gradient_on_labelled_pixels_only_and_takes_a_part_of_many() -> None:
    scores = _scores(1, 3, 8, 8).requires_grad_(True)
    labels = torch.full((1, 8, 8), 255)
    assert float(lovasz_softmax(scores, labels).detach()) == 0.0
    labels[0, :4] = torch.randint(0, 3, (4, 8), generator=GENERATOR)
    lovasz_softmax(scores, labels, limit=16).backward()  # type: ignore[no-untyped-call]
    assert scores.grad is not None
    touched = scores.grad.abs().sum(dim=1)[0] > 0
    assert not touched[4:].any()
    assert 0 < int(touched.sum()) <= 16
