"""Crops show the right pixels with the right labels, and the teacher's word at the same places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fcn_studio.core.errors import TrainingError, UsageError
from fcn_studio.core.ports import Sample
from fcn_studio.training.batches import Batch, BatchMaker
from fcn_studio.training.crops import Crop, Paste, choose_crops
from fcn_studio.training.deck import Deck, make_picture
from fcn_studio.training.distill import Teaching
from fcn_studio.training.settings import Recipe

from .conftest import TINY, Samples, make_card, make_sample

PLAIN = replace(TINY, color=0.0)


def _deck(*samples: Sample, long_side: int = 1000) -> Deck:
    deck = Deck(Samples(("ground", "disc"), *samples), [s.name for s in samples], long_side)
    assert list(deck.prepare()) == list(range(1, len(samples) + 1))
    return deck


def _batch(
    deck: Deck, crops: list[Crop], recipe: Recipe = PLAIN, mean: float = 0.0, teaching: Teaching | None = None
) -> Batch:
    spec = make_card("ground", "disc", mean=(mean,) * 3, std=(1.0, 1.0, 1.0))
    return BatchMaker(deck, recipe, spec, teaching).make(crops)


def _coordinates(hw: tuple[int, int]) -> Sample:
    """A picture whose colour tells the place, and whose label is the quarter it lies in."""
    y, x = np.mgrid[: hw[0], : hw[1]]
    pixels = np.stack([y, x, np.zeros_like(y)], axis=-1).astype(np.uint8)
    labels = (y >= hw[0] // 2).astype(np.uint8)
    return Sample("a", pixels, labels)


@pytest.mark.parametrize("flip", [False, True])
def test_an_unscaled_crop_is_a_piece_of_the_picture(flip: bool) -> None:
    sample = _coordinates((100, 120))
    crop = Crop(0, 30, 40, 49, 49, (49, 49), flip)
    batch = _batch(_deck(sample), [crop])
    pixels, labels = sample.pixels[30:79, 40:89], sample.labels[30:79, 40:89]
    if flip:
        pixels, labels = pixels[:, ::-1], labels[:, ::-1]
    assert np.array_equal(batch.pixels[0].permute(1, 2, 0).numpy(), pixels)
    assert np.array_equal(batch.labels[0].numpy(), labels)


def test_what_is_beyond_the_picture_is_mean_colour_without_label() -> None:
    batch = _batch(_deck(make_sample(hw=(20, 30))), [Crop(0, 0, 0, 20, 30, (20, 30), False)], mean=7.0)
    assert not batch.pixels[0, :, 20:].any()
    assert not batch.pixels[0, :, :, 30:].any()
    assert (batch.labels[0, 20:] == 255).all()
    assert (batch.labels[0, :, 30:] == 255).all()
    assert (batch.labels[0, :20, :30] != 255).all()


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("out", [49, 33])
def test_the_teacher_is_asked_at_the_place_of_each_cell(flip: bool, out: int) -> None:
    """The teacher gives each pixel its own place as scores; a scaled cell must find the place it shows."""

    def places(pixels: torch.Tensor) -> torch.Tensor:
        y, x = torch.meshgrid(torch.arange(0, 113, 8.0), torch.arange(0, 129, 8.0), indexing="ij")
        assert pixels.shape == (3, 100, 120)
        return torch.stack([y, x])

    deck = _deck(_coordinates((100, 120)))
    teaching = Teaching(places, 8, confidence=0.0, clear_px=0)
    list(teaching.prepare(deck))
    crop = Crop(0, 10, 20, 66, 66, (out, out), flip)
    batch = _batch(deck, [crop], teaching=teaching)
    assert batch.teacher is not None
    assert batch.teacher_weights is not None
    inside = -(-out // 8)
    seen = batch.pixels[0, :2, ::8, ::8][:, :inside, :inside]
    said = batch.teacher[0][:, :inside, :inside]
    # Colours are rounded to whole numbers and blurred where the crop is scaled down.
    assert float((seen - said)[:, 1:-1, 1:-1].abs().max()) < 1.1
    assert float(batch.teacher_weights[0, :inside, :inside].min()) > 0.99
    assert not batch.teacher_weights[0, inside:].any()


def test_every_crop_round_a_class_shows_it() -> None:
    deck = _deck(make_sample("a", (97, 97)), make_sample("b", (60, 97), 1))
    recipe = replace(PLAIN, focus=1.0, batch=8)
    torch.manual_seed(0)
    crops = [crop for _ in range(5) for crop in choose_crops(deck, recipe, 49)]
    batch = _batch(deck, crops, recipe)
    share = float((batch.labels == 1).any(dim=2).any(dim=1).float().mean())
    assert share > 0.5
    assert all(c.height <= deck.cards[c.index].hw[0] and c.top >= 0 for c in crops)


def test_images_without_labels_are_replayed_in_their_share() -> None:
    bare = replace(make_sample("b", (60, 97), 1), labels=np.full((60, 97), 255, np.uint8))
    deck = _deck(make_sample("a", (97, 97)), bare)
    assert deck.unlabelled == [1]
    torch.manual_seed(0)
    recipe = replace(PLAIN, focus=1.0, replay=0.25, batch=8)
    shown = [crop.index for _ in range(20) for crop in choose_crops(deck, recipe, 49)]
    assert shown.count(1) == 40
    without = replace(recipe, replay=0.0)
    assert not any(crop.index for _ in range(20) for crop in choose_crops(deck, without, 49))
    assert recipe.for_images(1, unlabelled=3).steps == round(recipe.steps / 0.75)


def test_accepted_predictions_weigh_half_and_held_out_strokes_are_not_shown() -> None:
    sample = make_sample(hw=(49, 49))
    provenance = np.ones((49, 49), np.uint8)
    provenance[:10] = 2
    held_out = np.zeros((49, 49), bool)
    held_out[40:] = True
    deck = _deck(replace(sample, provenance=provenance, held_out=held_out))
    batch = _batch(deck, [Crop(0, 0, 0, 49, 49, (49, 49), False)])
    assert (batch.weights[0, :10] == 0.5).all()
    assert (batch.weights[0, 10:] == 1.0).all()
    assert (batch.labels[0, 40:] == 255).all()
    assert deck.counts.sum() == 40 * 49


def test_near_a_correction_nothing_is_distilled() -> None:
    labels = np.full((96, 96), 255, np.uint8)
    labels[8:12, 8:12] = 1  # contradicts the teacher, who sees ground everywhere
    labels[80:84, 80:84] = 0  # agrees
    deck = _deck(replace(make_sample(hw=(96, 96)), labels=labels))
    teaching = Teaching(lambda _: torch.stack([torch.full((13, 13), 9.0), torch.zeros(13, 13)]), 8, 0.9, 24)
    list(teaching.prepare(deck))
    at = torch.arange(0, 96, 8.0)
    _, weights = teaching.sample(0, at, at)
    assert not weights[:4, :4].any()
    assert (weights[6:, 6:] == 1).all()
    same, counted = teaching.kept(0, torch.zeros(96, 96, dtype=torch.uint8))
    assert same == counted > 0


def test_unsure_cells_are_not_distilled() -> None:
    deck = _deck(make_sample(hw=(32, 32)))
    scores = torch.zeros(2, 5, 5)
    scores[0, 2:] = 9.0
    teaching = Teaching(lambda _: scores, 8, 0.9, 0)
    list(teaching.prepare(deck))
    at = torch.arange(0, 32, 8.0)
    _, weights = teaching.sample(0, at, at)
    assert not weights[:2].any()
    assert (weights[2:] == 1).all()


def test_large_pictures_are_scaled_as_prediction_does() -> None:
    sample = make_sample(hw=(60, 120))
    picture = make_picture(sample, long_side=60)
    assert picture.hw == (30, 60)
    assert set(np.unique(picture.labels.numpy())) == {0, 1}


def test_nothing_labelled_is_said() -> None:
    sample = replace(make_sample(), labels=np.full((64, 80), 255, np.uint8))
    with pytest.raises(TrainingError, match="Nothing is labelled yet"):
        _deck(sample)


def test_the_deck_keeps_to_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcn_studio.training.deck.CACHE_BYTES", 3 * 64 * 80 * 5)
    samples = [make_sample(f"{i}", seed=i) for i in range(6)]
    deck = _deck(*samples)
    for index in (5, 0, 3, 0):
        assert np.array_equal(deck.picture(index).pixels.numpy()[0], samples[index].pixels[..., 0])
    assert len(deck._cache) <= 3


def test_crops_take_the_size_that_suits_the_network() -> None:
    deck = _deck(make_sample(hw=(70, 90)))
    sizes = []
    for multiple, remainder in ((16, 1), (32, 0), (32, 1)):
        spec = make_card("ground", "disc", pad_multiple=multiple, pad_remainder=remainder, minimum_size=33)
        maker = BatchMaker(deck, PLAIN.with_changes(crop_px=64), spec, None)
        crops = choose_crops(deck, PLAIN, maker.side_px)
        assert maker.make(crops).pixels.shape[2:] == (maker.side_px, maker.side_px)
        sizes.append(maker.side_px)
    assert sizes == [65, 64, 65]


def test_whole_pictures_keep_their_size_and_share_a_pass_filled_up() -> None:
    first, second = make_sample("a", (40, 90)), make_sample("b", (60, 50), 1)
    deck = _deck(first, second)
    recipe = PLAIN.with_changes(crop_px=0, flip=0.0, batch=8, scale_range=(0.5, 2.0))
    torch.manual_seed(0)
    crops = choose_crops(deck, recipe, None)
    assert {crop.index for crop in crops} == {0, 1}
    pair = [next(crop for crop in crops if crop.index == index) for index in (0, 1)]
    spec = make_card("ground", "disc", pad_multiple=32, pad_remainder=1, minimum_size=33)
    batch = BatchMaker(deck, recipe, spec, None).make(pair, whole=True)
    assert batch.labels.shape == (2, 65, 97)
    for labels, sample in zip(batch.labels, (first, second), strict=True):
        height, width = sample.labels.shape
        assert np.array_equal(labels[:height, :width], sample.labels)
        assert int((labels != 255).sum()) == height * width


def test_whole_pictures_go_through_the_network_fewer_at_once() -> None:
    deck = _deck(make_sample(hw=(96, 96)))
    recipe = PLAIN.with_changes(crop_px=49, crops_at_once=8, batch=8)
    maker = BatchMaker(deck, recipe, make_card("a", "b"), None)
    whole = [Crop(0, 0, 0, 96, 96, (96, 96), False)] * 8
    assert [len(part) for part in maker.split(whole, whole=True)] == [2, 2, 2, 2]
    assert [len(part) for part in maker.split(whole, whole=False)] == [8]
    recipe = PLAIN.with_changes(steps=10, whole_share_end=0.3)
    assert [recipe.is_whole(step) for step in range(10)] == [False] * 7 + [True] * 3


def test_a_rare_class_is_laid_on_at_the_same_place_and_scale() -> None:
    common = replace(make_sample("a", (64, 80)), labels=np.zeros((64, 80), np.uint8))
    donor = make_sample("b", (60, 90), 1)  # another size: what both have is laid on
    deck = _deck(common, donor)
    assert deck.rare == (1,)
    torch.manual_seed(0)
    recipe = PLAIN.with_changes(paste=1.0, focus=0.0, batch=4)
    crops = [crop for _ in range(10) for crop in choose_crops(deck, recipe, 49) if crop.index == 0]
    pasted = [crop for crop in crops if crop.paste is not None]
    assert len(pasted) > len(crops) / 2
    assert {(crop.paste.index, crop.paste.klass) for crop in pasted if crop.paste} == {(1, 1)}
    crop = Crop(0, 10, 20, 49, 49, (49, 49), False, Paste(1, 1))
    batch = _batch(deck, [crop])
    mine = np.zeros((49, 49), bool)
    mine[:, :] = donor.labels[10:59, 20:69] == 1
    assert mine.any()
    assert np.array_equal(batch.labels[0].numpy(), mine)
    shown = batch.pixels[0].permute(1, 2, 0).numpy()
    expected = np.where(mine[..., None], donor.pixels[10:59, 20:69], common.pixels[10:59, 20:69])
    assert np.array_equal(shown, expected)
    assert np.array_equal(deck.picture(0).pixels.numpy().transpose(1, 2, 0), common.pixels)
    over = Crop(0, 15, 31, 49, 49, (49, 49), False, Paste(1, 1))  # runs past the donor's lower edge
    assert int((_batch(deck, [over]).labels == 1).sum()) == int((donor.labels[15:60, 31:80] == 1).sum())


def test_recipes_say_what_is_wrong_with_a_number() -> None:
    with pytest.raises(UsageError, match="from 0 to 1"):
        Recipe(name="x", steps=1, flip=2.0)
