"""The four figures of the FCN paper against a count by hand and pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fcn_studio.core.confusion import ConfusionMatrix, Metrics

NAMES = ("a", "b", "c", "d")
label_values = st.sampled_from([0, 1, 2, 3, 9, 255])
predicted_values = st.sampled_from([0, 1, 2, 3, 9, 255])
Pair = tuple[np.ndarray, np.ndarray]
pairs = st.tuples(
    hnp.arrays(np.uint8, (4, 5), elements=label_values),
    hnp.arrays(np.uint8, (4, 5), elements=predicted_values),
)


def count(*images: Pair, ignore: int = 255) -> ConfusionMatrix:
    matrix = ConfusionMatrix(len(NAMES))
    for labels, predicted in images:
        matrix.add(labels, predicted, ignore)
    return matrix


def compute_naively(images: list[Pair], only: list[str] | None = None) -> Metrics:
    """The paper's formulas written out: n[i][j] pixels of class i predicted as j, t[i] pixels of class i."""
    pixels = [
        (int(true), int(said))
        for labels, predicted in images
        for true, said in zip(labels.ravel(), predicted.ravel(), strict=True)
        if true < len(NAMES)
    ]
    classes = [index for index, name in enumerate(NAMES) if only is None or name in only]
    accuracies, ious, weighted = [], {}, 0.0
    right = sum(true == said for true, said in pixels if true in classes)
    whole = sum(true in classes for true, _ in pixels)
    for index in classes:
        hit = sum(true == said == index for true, said in pixels)
        true_count = sum(true == index for true, _ in pixels)
        said_count = sum(said == index for _, said in pixels)
        union = true_count + said_count - hit
        ious[NAMES[index]] = hit / union if union else None
        if true_count:
            accuracies.append(hit / true_count)
            weighted += true_count * hit / union
    known = [iou for iou in ious.values() if iou is not None]
    return Metrics(
        pixel_accuracy=right / whole if whole else 0.0,
        mean_accuracy=sum(accuracies) / len(accuracies) if accuracies else 0.0,
        mean_iou=sum(known) / len(known) if known else 0.0,
        frequency_weighted_iou=weighted / whole if whole else 0.0,
        per_class_iou=ious,
    )


def assert_equal(metrics: Metrics, expected: Metrics) -> None:
    for name in ("pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou"):
        assert getattr(metrics, name) == pytest.approx(getattr(expected, name)), name
    assert metrics.per_class_iou == pytest.approx(expected.per_class_iou)


@given(st.lists(pairs, max_size=3), st.none() | st.lists(st.sampled_from(NAMES), unique=True))
def test_the_figures_are_those_of_a_naive_count(images: list[Pair], only: list[str] | None) -> None:
    assert_equal(count(*images).compute_metrics(NAMES, only), compute_naively(images, only))


def test_the_figures_of_an_example_worked_by_hand() -> None:
    labels = np.array([[0, 0, 0, 0], [1, 1, 255, 255]], np.uint8)
    predicted = np.array([[0, 0, 0, 1], [1, 0, 1, 2]], np.uint8)
    metrics = count((labels, predicted)).compute_metrics(NAMES)
    assert metrics.pixel_accuracy == pytest.approx(4 / 6)
    assert metrics.mean_accuracy == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert metrics.mean_iou == pytest.approx((3 / 5 + 1 / 3) / 2)
    assert metrics.frequency_weighted_iou == pytest.approx((4 * 3 / 5 + 2 * 1 / 3) / 6)
    # Neither c nor d is labelled or predicted on a pixel that counts: they have no part in the means.
    assert metrics.per_class_iou == {
        "a": pytest.approx(3 / 5),
        "b": pytest.approx(1 / 3),
        "c": None,
        "d": None,
    }


def test_a_class_that_is_only_predicted_counts_as_zero_iou_but_not_in_the_mean_accuracy() -> None:
    labels = np.zeros((1, 4), np.uint8)
    predicted = np.array([[0, 0, 0, 2]], np.uint8)
    metrics = count((labels, predicted)).compute_metrics(NAMES)
    assert metrics.per_class_iou["c"] == 0.0
    assert metrics.mean_iou == pytest.approx(0.75 / 2)
    assert metrics.mean_accuracy == pytest.approx(0.75)


@given(pairs, hnp.arrays(np.uint8, (4, 5), elements=predicted_values))
def test_what_is_predicted_on_ignored_pixels_changes_nothing(pair: Pair, other: np.ndarray) -> None:
    labels, predicted = pair
    ignored = (labels == 255) | (labels == 9)
    matrix, changed = count(pair), count((labels, np.where(ignored, other, predicted)))
    np.testing.assert_array_equal(matrix.counts, changed.counts)
    np.testing.assert_array_equal(matrix.missed, changed.missed)


@given(pairs)
def test_another_ignore_value_takes_that_class_out_of_the_rows(pair: Pair) -> None:
    matrix = count(pair, ignore=1)
    assert not matrix.counts[1].any()
    assert matrix.missed[1] == 0


@given(pairs, pairs)
def test_merging_is_counting_together(first: Pair, second: Pair) -> None:
    merged, together = count(first), count(first, second)
    merged.merge(count(second))
    np.testing.assert_array_equal(merged.counts, together.counts)
    np.testing.assert_array_equal(merged.missed, together.missed)


def test_a_prediction_beyond_the_classes_is_wrong_and_not_lost() -> None:
    labels, predicted = np.zeros((1, 2), np.uint8), np.array([[0, 255]], np.uint8)
    matrix = count((labels, predicted))
    assert matrix.missed.tolist() == [1, 0, 0, 0]
    assert matrix.compute_metrics(NAMES).pixel_accuracy == pytest.approx(0.5)


def test_a_perfect_prediction_has_ones_and_no_labels_have_zeros() -> None:
    labels = np.array([[0, 1, 2, 3]], np.uint8)
    perfect = count((labels, labels)).compute_metrics(NAMES)
    assert (perfect.pixel_accuracy, perfect.mean_accuracy, perfect.mean_iou) == (1.0, 1.0, 1.0)
    assert perfect.frequency_weighted_iou == pytest.approx(1.0)
    nothing = count((np.full((2, 2), 255, np.uint8), np.zeros((2, 2), np.uint8))).compute_metrics(NAMES)
    assert (nothing.pixel_accuracy, nothing.mean_iou) == (0.0, 0.0)
    assert set(nothing.per_class_iou.values()) == {None}


def test_label_and_prediction_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        ConfusionMatrix(2).add(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))
