"""Batches: which file a mask goes to, and that what is there already is never harmed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcn_studio.core.errors import ImageReadError, UsageError
from fcn_studio.core.prediction import Prediction
from fcn_studio.inference import batch
from fcn_studio.inference.batch import make_overlay, predict_files
from fcn_studio.inference.outputs import plan_outputs
from fcn_studio.inference.predictor import Predictor
from fcn_studio.io.label_png import read_label_png
from fcn_studio.models.spec import ModelSpec


def write_image(path: Path, hw=(6, 8), value=0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*hw, 3), value, np.uint8)).save(path)
    return path


def planned(paths, out):
    plan = plan_outputs(paths, out)
    return {str(output.image): output.mask.relative_to(out).as_posix() for output in plan.outputs}


def test_a_file_takes_its_stem(tmp_path):
    image = write_image(tmp_path / "in" / "cat.jpg")
    plan = plan_outputs([image], tmp_path / "out")
    assert plan.outputs[0].mask == tmp_path / "out" / "cat.png"
    assert plan.outputs[0].overlay == tmp_path / "out" / "cat.overlay.png"
    assert not plan.problems


def test_folders_keep_their_inner_structure(tmp_path):
    a, b = write_image(tmp_path / "in/one/cat.jpg"), write_image(tmp_path / "in/two/deep/cat.jpg")
    assert planned([tmp_path / "in"], tmp_path / "out") == {
        str(a): "one/cat.png",
        str(b): "two/deep/cat.png",
    }


def test_two_inputs_of_one_stem_take_their_full_names(tmp_path):
    a, b, c = (write_image(tmp_path / "in" / name) for name in ("cat.jpg", "cat.png", "dog.jpg"))
    assert planned([tmp_path / "in"], tmp_path / "out") == {
        str(a): "cat.jpg.png",
        str(b): "cat.png.png",
        str(c): "dog.png",
    }


def test_stems_that_differ_in_capitals_alone_are_kept_apart(tmp_path):
    names = ["Cat.jpg", "cat.png"]
    found = planned([write_image(tmp_path / "in" / name) for name in names], tmp_path / "out")
    assert sorted(found.values()) == ["Cat.jpg.png", "cat.png.png"]


def test_equal_names_from_two_folders_go_below_their_folders_names(tmp_path):
    a, b = write_image(tmp_path / "one/cat.jpg"), write_image(tmp_path / "two/cat.jpg")
    found = planned([a, b], tmp_path / "out")
    assert list(found.values()) == ["one/cat.jpg.png", "two/cat.jpg.png"]
    assert list(planned([a.parent, b.parent], tmp_path / "out").values()) == list(found.values())


def test_no_two_masks_ever_share_a_file(tmp_path):
    names = ["cat.jpg", "cat.png", "cat.jpg.tif", "cat.overlay.jpg", "cat.jpg.overlay.bmp"]
    paths = [write_image(tmp_path / place / name) for place in ("a", "b", "x/a") for name in names]
    plan = plan_outputs(paths, tmp_path / "out")
    files = [str(file).casefold() for output in plan.outputs for file in (output.mask, output.overlay)]
    assert len(files) == len(set(files)) == 2 * len(paths)


def test_an_input_named_twice_is_done_once(tmp_path):
    image = write_image(tmp_path / "in" / "cat.jpg")
    assert len(plan_outputs([image, tmp_path / "in", image], tmp_path / "out").outputs) == 1


def test_a_mask_never_replaces_an_input(tmp_path):
    image, other = write_image(tmp_path / "cat.png"), write_image(tmp_path / "dog.jpg")
    plan = plan_outputs([image, other], tmp_path)
    assert [output.image for output in plan.outputs] == [other]
    assert "would replace the input" in str(plan.problems[0][1])


def test_a_mask_never_replaces_an_input_under_another_name(tmp_path):
    image = write_image(tmp_path / "in" / "cat.jpg")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cat.png").hardlink_to(image)
    assert plan_outputs([image], tmp_path / "out").problems


def test_masks_among_the_images_of_a_folder_are_refused(tmp_path):
    write_image(tmp_path / "cat.jpg")
    with pytest.raises(UsageError, match="choose another folder"):
        plan_outputs([tmp_path], tmp_path)


def test_masks_of_an_earlier_run_are_no_input(tmp_path):
    image = write_image(tmp_path / "cat.jpg")
    write_image(tmp_path / "out" / "cat.png")
    assert [output.image for output in plan_outputs([tmp_path], tmp_path / "out").outputs] == [image]


def test_a_folder_without_images_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    plan = plan_outputs([tmp_path / "empty"], tmp_path / "out")
    assert "no images" in str(plan.problems[0][1])


def test_a_project_is_no_folder_of_images(tmp_path):
    write_image(tmp_path / "photos.fcnstudio" / "labels" / "cat.png")
    plan = plan_outputs([tmp_path / "photos.fcnstudio"], tmp_path / "out")
    assert not plan.outputs
    assert "is a project" in str(plan.problems[0][1])


class HalvesEngine:
    """Background at the left, "thing" where the picture is bright."""

    name = "halves"
    spec = ModelSpec(
        name="h",
        architecture="none",
        class_keys=("background", "thing"),
        class_names=("background", "thing"),
        stride=1,
        pad_multiple=1,
        pad_remainder=0,
        minimum_size=1,
    )

    def scores(self, x):
        return np.stack([-x[0, 0], x[0, 0]])

    def close(self):
        pass


def run(paths, out, **options):
    plan = plan_outputs(paths, out)
    return list(predict_files(plan.outputs, Predictor(HalvesEngine()), **options))


def test_masks_hold_class_indices_at_the_size_of_the_image_as_displayed(tmp_path):
    pixels = np.zeros((6, 10, 3), np.uint8)
    pixels[:, 7:] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    (tmp_path / "in").mkdir()
    Image.fromarray(pixels).save(tmp_path / "in" / "a.png")
    Image.fromarray(pixels).save(tmp_path / "in" / "b.png", exif=exif)
    upright, turned = run([tmp_path / "in"], tmp_path / "out", with_overlay=True)
    labels, text = read_label_png(tmp_path / "out" / "a.png")
    np.testing.assert_array_equal(labels, pixels[..., 0] // 255)
    assert text["classes"] == "background, thing"
    assert read_label_png(tmp_path / "out" / "b.png")[0].shape == (10, 6)
    assert (upright.height, upright.width) == (6, 10)
    assert (turned.height, turned.width) == (10, 6)
    assert upright.shares == {"background": 0.7, "thing": 0.3}
    with Image.open(tmp_path / "out" / "a.png") as mask:
        assert mask.mode == "P"
    with Image.open(turned.overlay) as overlay:
        assert overlay.size == (6, 10)


def test_broken_images_are_named_and_the_rest_is_done_in_order(tmp_path):
    good = [write_image(tmp_path / "in" / f"{n}.png") for n in range(9)]
    bad = tmp_path / "in" / "4.png"
    bad.write_bytes(bad.read_bytes()[:40])
    absent = tmp_path / "absent.jpg"
    outcomes = run([*good, absent], tmp_path / "out")
    assert [outcome.image for outcome in outcomes] == [*good, absent]
    errors = {outcome.image.name: outcome.error for outcome in outcomes if outcome.error}
    assert set(errors) == {"4.png", "absent.jpg"}
    assert all(isinstance(error, ImageReadError) for error in errors.values())
    assert len(list((tmp_path / "out").iterdir())) == 8


def test_a_place_that_cannot_be_written_is_named_for_each_image(tmp_path):
    image = write_image(tmp_path / "in" / "sub" / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").write_text("in the way")
    (outcome,) = run([tmp_path / "in"], tmp_path / "out")
    assert outcome.image == image
    assert "sub" in str(outcome.error)


def test_stopping_half_way_leaves_whole_files_only(tmp_path):
    paths = [write_image(tmp_path / "in" / f"{n:02}.png") for n in range(20)]
    steps = predict_files(plan_outputs(paths, tmp_path / "out").outputs, Predictor(HalvesEngine()))
    next(steps)
    steps.close()
    written = sorted((tmp_path / "out").iterdir())
    assert 1 <= len(written) < 20
    for path in written:
        assert read_label_png(path)[0].shape == (6, 8)


def test_interrupting_the_engine_reports_what_was_finished(tmp_path):
    class Interrupted(HalvesEngine):
        calls = 0

        def scores(self, x):
            self.calls += 1
            if self.calls == 4:
                raise KeyboardInterrupt
            return super().scores(x)

    paths = [write_image(tmp_path / "in" / f"{n}.png") for n in range(9)]
    done = []
    steps = predict_files(plan_outputs(paths, tmp_path / "out").outputs, Predictor(Interrupted()))
    with pytest.raises(KeyboardInterrupt):
        done.extend(outcome.mask for outcome in steps)
    assert done == sorted((tmp_path / "out").iterdir())
    assert len(done) == 3


def test_the_overlay_leaves_background_alone(monkeypatch):
    monkeypatch.setattr(batch, "_STRIP_ROWS", 2)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 3)).astype(np.uint8)
    channels = np.zeros((5, 6), np.uint8)
    channels[:, 3:] = 1
    prediction = Prediction(channels, channels, ("background", "thing"), "c", True, 0.0, "t")
    palette = batch.make_palette(HalvesEngine.spec)
    overlay = make_overlay(pixels, prediction, palette)
    np.testing.assert_array_equal(overlay[:, :2], pixels[:, :2])
    assert (overlay[:, 2] == 255).all()  # the outline
    expected = (pixels[:, 3:].astype(int) * 128 + palette[1].astype(int) * 128) // 256
    np.testing.assert_array_equal(overlay[:, 3:], expected)
