"""Upsampling equals the brute-force bilinear argmax, and its confidence keeps its promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcn_studio.inference import upsample
from fcn_studio.inference.upsample import compute_labels, make_axis_map


def oracle_scores(scores, out_hw, work_hw, stride, start):
    """The definition, in float64: every class interpolated at every pixel."""
    enlarged = scores.astype(np.float64)
    for axis in (0, 1):
        cells = enlarged.shape[axis + 1]
        pixel = np.arange(out_hw[axis])
        position = ((pixel + 0.5) * work_hw[axis] / out_hw[axis] - 0.5 - start) / stride
        position = np.clip(position, 0, cells - 1)
        lower = np.minimum(position.astype(int), cells - 1)
        upper = np.minimum(lower + 1, cells - 1)
        shape = [1, 1, 1]
        shape[axis + 1] = -1
        weight = (position - lower).reshape(shape)
        enlarged = (
            np.take(enlarged, lower, axis + 1) * (1 - weight) + np.take(enlarged, upper, axis + 1) * weight
        )
    return enlarged


def softmax(values):
    odds = np.exp(values - values.max(0))
    return odds / odds.sum(0)


@st.composite
def cases(draw):
    stride = draw(st.sampled_from([1, 2, 4, 8, 16]))
    start = draw(st.sampled_from([0.0, 0.5, 3.5, -2.0]))
    work_hw = (draw(st.integers(1, 40)), draw(st.integers(1, 40)))
    out_hw = (draw(st.integers(1, 90)), draw(st.integers(1, 90)))
    if draw(st.booleans()):
        out_hw = work_hw
    padding = draw(st.integers(0, 2))
    cells = [(size - 1) // stride + 1 + padding for size in work_hw]
    classes = draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    coarse = draw(st.booleans())  # few different values: many exact ties
    scores = rng.integers(-2, 3, (classes, *cells)) if coarse else rng.normal(0, 4, (classes, *cells))
    return scores.astype(np.float32), out_hw, work_hw, stride, start


@settings(max_examples=300, deadline=None)
@given(cases())
def test_channels_are_the_argmax_of_the_bilinear_scores(case):
    scores, out_hw, work_hw, stride, start = case
    channels, confidence = compute_labels(scores, out_hw, work_hw=work_hw, stride=stride, start=start)
    full = oracle_scores(scores, out_hw, work_hw, stride, start)
    assert channels.shape == confidence.shape == out_hw
    assert channels.dtype == confidence.dtype == np.uint8
    chosen = np.take_along_axis(full, channels[None].astype(int), 0)[0]
    np.testing.assert_allclose(chosen, full.max(0), atol=2e-5, rtol=0)
    ordered = np.sort(full, axis=0)
    clear = np.ones(out_hw, bool) if len(full) == 1 else ordered[-1] - ordered[-2] > 2e-5
    np.testing.assert_array_equal(channels[clear], full.argmax(0)[clear])


@settings(max_examples=200, deadline=None)
@given(cases())
def test_confidence_never_overstates_the_softmax(case):
    scores, out_hw, work_hw, stride, start = case
    channels, confidence = compute_labels(scores, out_hw, work_hw=work_hw, stride=stride, start=start)
    probability = softmax(oracle_scores(scores, out_hw, work_hw, stride, start))
    shown = np.take_along_axis(probability, channels[None].astype(int), 0)[0]
    assert (confidence <= 255 * shown + 0.502).all()


@settings(max_examples=100, deadline=None)
@given(cases())
def test_confidence_of_two_classes_is_the_softmax(case):
    scores, out_hw, work_hw, stride, start = case
    scores = np.concatenate([scores, scores[::-1] * 0.5 + 1])[:2]
    _, confidence = compute_labels(scores, out_hw, work_hw=work_hw, stride=stride, start=start)
    exact = 255 * softmax(oracle_scores(scores, out_hw, work_hw, stride, start)).max(0)
    np.testing.assert_allclose(confidence, exact, atol=0.51)


def test_confidence_at_the_score_cells_is_the_softmax():
    scores = np.random.default_rng(1).normal(0, 3, (6, 5, 7)).astype(np.float32)
    _, confidence = compute_labels(scores, (33, 49), stride=8)
    np.testing.assert_allclose(
        confidence[::8, ::8], 255 * softmax(scores.astype(np.float64)).max(0), atol=0.51
    )


def test_equal_scores_go_to_the_lowest_channel():
    channels, confidence = compute_labels(np.zeros((5, 3, 3), np.float32), (17, 17))
    assert not channels.any()
    assert (confidence == 51).all()


def test_a_class_that_wins_at_no_corner_can_win_between_them():
    scores = np.zeros((3, 1, 2), np.float32)
    scores[:, 0, 0], scores[:, 0, 1] = [10, 0, 8], [0, 10, 8]
    channels, _ = compute_labels(scores, (1, 9))
    assert channels[0, 4] == 2
    assert channels[0, 0] == 0
    assert channels[0, 8] == 1


def test_the_edge_repeats_beyond_the_last_cell():
    scores = np.random.default_rng(2).normal(size=(4, 2, 2)).astype(np.float32)
    channels, _ = compute_labels(scores, (16, 16))
    assert (channels[8:] == channels[8]).all()
    assert (channels[:, 8:] == channels[:, 8:9]).all()


def test_huge_scores_stay_finite():
    scores = np.array([[[3e4, -3e4]], [[-3e4, 3e4]]], np.float32)
    channels, confidence = compute_labels(scores, (1, 9))
    assert channels[0, 0] == 0
    assert channels[0, 8] == 1
    assert confidence[0, 0] == 255


def test_scaled_image_keeps_pixel_centres():
    axis = make_axis_map(cells=10, size_px=160, work_px=80, stride=8, start=0.0)
    position = axis.lower + axis.fraction
    # Output pixels 16 and 17 share working pixel 8, a quarter to each side of its centre.
    assert position[16] == pytest.approx((8 - 0.25) / 8)
    assert position[17] == pytest.approx((8 + 0.25) / 8)


def test_strips_and_batches_do_not_show(monkeypatch):
    scores = np.random.default_rng(3).normal(size=(7, 12, 9)).astype(np.float32)
    whole = compute_labels(scores, (95, 70), work_hw=(90, 66))
    monkeypatch.setattr(upsample, "CHUNK_PIXELS", 257)
    parts = compute_labels(scores, (95, 70), work_hw=(90, 66))
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_array_equal(whole[1], parts[1])


def test_the_check_can_give_up():
    class GivenUpError(Exception):
        pass

    def give_up():
        raise GivenUpError

    with pytest.raises(GivenUpError):
        compute_labels(np.zeros((2, 3, 3), np.float32), (17, 17), check=give_up)
