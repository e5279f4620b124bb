"""The prediction cache keeps within its limits and trusts no file."""

from __future__ import annotations

import os

import numpy as np
import pytest

from fcn_studio.core.prediction import Prediction
from fcn_studio.inference.cache import CacheKey, PredictionCache, image_id
from fcn_studio.inference.places import prune_folder


def make_prediction(seed=0, hw=(30, 40), checkpoint_id="c1"):
    rng = np.random.default_rng(seed)
    channels, confidence = rng.integers(0, 256, (2, *hw)).astype(np.uint8)
    return Prediction(channels, confidence, ("a", "b"), checkpoint_id, True, 0.5, "test")


def assert_same(one, two):
    np.testing.assert_array_equal(one.channels, two.channels)
    np.testing.assert_array_equal(one.confidence, two.confidence)
    assert (one.class_keys, one.checkpoint_id, one.exact, one.seconds, one.engine) == (
        two.class_keys,
        two.checkpoint_id,
        two.exact,
        two.seconds,
        two.engine,
    )


def test_what_was_written_comes_back_from_memory_and_from_disk(tmp_path):
    key, prediction = CacheKey("image", "c1"), make_prediction()
    cache = PredictionCache(tmp_path / "p")
    assert cache.read(key) is None
    cache.write(key, prediction)
    assert cache.recall(key) is prediction
    fresh = PredictionCache(tmp_path / "p")
    assert fresh.recall(key) is None
    assert_same(fresh.read(key), prediction)
    assert fresh.recall(key) is not None


def test_keys_do_not_mix(tmp_path):
    cache = PredictionCache(tmp_path)
    cache.write(CacheKey("image", "c1"), make_prediction())
    for other in (CacheKey("image", "c2"), CacheKey("other", "c1"), CacheKey("image", "c1", 256)):
        assert cache.read(other) is None


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign", "header"])
def test_a_damaged_file_is_ignored_and_removed(tmp_path, damage):
    key = CacheKey("image", "c1")
    PredictionCache(tmp_path).write(key, make_prediction())
    path = tmp_path / key.file_name
    data = bytearray(path.read_bytes())
    flipped, header = bytearray(data), bytearray(data)
    flipped[-30] ^= 1
    header[9] ^= 0xFF
    wrong = {"cut": data[:-9], "flipped": flipped, "empty": b"", "foreign": b"hello" * 99, "header": header}
    path.write_bytes(wrong[damage])
    assert PredictionCache(tmp_path).read(key) is None
    assert not path.exists()


def test_a_file_under_another_name_is_not_believed(tmp_path):
    key, other = CacheKey("image", "c1"), CacheKey("other", "c1")
    PredictionCache(tmp_path).write(key, make_prediction())
    os.replace(tmp_path / key.file_name, tmp_path / other.file_name)
    assert PredictionCache(tmp_path).read(other) is None


def test_memory_lets_go_of_what_was_asked_for_longest_ago():
    size = 2 * 30 * 40
    cache = PredictionCache(None, memory_limit_bytes=2 * size)
    keys = [CacheKey(name, "c1") for name in "abc"]
    cache.write(keys[0], make_prediction(0))
    cache.write(keys[1], make_prediction(1))
    assert cache.recall(keys[0]) is not None
    cache.write(keys[2], make_prediction(2))
    assert [cache.recall(key) is not None for key in keys] == [True, False, True]
    assert cache.memory_bytes == 2 * size
    cache.write(keys[2], make_prediction(3))
    assert cache.memory_bytes == 2 * size


def test_one_too_large_for_memory_is_still_on_disk(tmp_path):
    cache = PredictionCache(tmp_path, memory_limit_bytes=100)
    key = CacheKey("a", "c1")
    cache.write(key, make_prediction())
    assert cache.memory_bytes == 0
    assert_same(cache.read(key), make_prediction())


def test_the_disk_limit_holds(tmp_path):
    cache = PredictionCache(tmp_path, memory_limit_bytes=0, disk_limit_bytes=20_000)
    for number in range(40):
        cache.write(CacheKey(f"image {number}", "c1"), make_prediction(number))
    one = next(tmp_path.iterdir()).stat().st_size
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 20_000 + 16 * one


def test_pruning_takes_the_oldest_first_and_spares_the_newest(tmp_path):
    for number in range(5):
        path = tmp_path / f"{number}"
        path.write_bytes(b"x" * 100)
        os.utime(path, (number, number))
    prune_folder(tmp_path, 250, keep=tmp_path / "0")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "4"]
    prune_folder(tmp_path / "absent", 0)


def test_a_place_that_cannot_be_written_does_no_harm(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = PredictionCache(tmp_path / "file")
    key = CacheKey("a", "c1")
    cache.write(key, make_prediction())
    assert cache.read(key) is not None


def test_an_image_id_changes_with_the_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"1")
    first = image_id(path)
    assert image_id(path) == first
    path.write_bytes(b"12")
    assert image_id(path) != first
