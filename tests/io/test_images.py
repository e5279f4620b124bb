"""Pictures of every accepted format come in as displayed; broken ones give one sentence."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from fcn_studio.core.errors import ImageReadError
from fcn_studio.core.pixels import find_rgb32
from fcn_studio.io import images
from fcn_studio.io.depth import scale_to_8bit
from fcn_studio.io.images import read_image, read_size, read_thumbnail

HW = (20, 31)
RGB = np.random.default_rng(1).integers(0, 256, (*HW, 3), dtype=np.uint8)
SMOOTH = np.stack(np.broadcast_arrays(*np.ogrid[0:200:20j, 0:200:31j], 90.0), axis=2).astype(np.uint8)


def show_upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """The oracle: what a viewer shows of stored pixels, by the EXIF standard's table."""
    return {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: a.swapaxes(0, 1)[:, ::-1],
        7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
        8: lambda a: a.swapaxes(0, 1)[::-1],
    }[orientation](stored)


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "tif"])
def test_lossless_formats_come_in_exactly(tmp_path, suffix) -> None:
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(RGB).save(path, **({"lossless": True} if suffix == "webp" else {}))
    image = read_image(path)
    assert image.notice is None
    assert (image.pixels == RGB).all()
    assert image.pixels.dtype == np.uint8
    assert find_rgb32(image.pixels) is not None  # drawn as it lies in memory
    assert read_size(path) == HW


def test_jpeg_comes_in_closely(tmp_path) -> None:
    Image.fromarray(SMOOTH).save(tmp_path / "x.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "x.jpg").pixels.astype(int) - SMOOTH).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "deep.tif"])
def test_exif_orientation_is_applied_the_same_to_pixels_size_and_thumbnail(
    tmp_path, suffix, orientation
) -> None:
    path = tmp_path / f"x.{suffix}"
    if suffix == "deep.tif":
        tifffile.imwrite(
            path,
            SMOOTH.astype(np.uint16) << 8,
            photometric="rgb",
            extratags=[(274, "H", 1, orientation, True)],
        )
    else:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options = {"quality": 95} if suffix == "jpg" else {"lossless": True} if suffix == "webp" else {}
        Image.fromarray(SMOOTH).save(path, exif=exif, **options)
    expected = show_upright(SMOOTH, orientation)
    pixels = read_image(path).pixels
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() < 12
    assert read_size(path) == expected.shape[:2]
    small = read_thumbnail(path, 16)
    assert max(small.shape[:2]) == 16
    assert (small.shape[0] > small.shape[1]) == (expected.shape[0] > expected.shape[1])
    assert np.abs(small[1, 1].astype(int) - expected[2, 2]).max() < 50


def test_exif_behind_the_pixels_of_a_png_counts_too(tmp_path) -> None:
    path = tmp_path / "x.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    info = PngImagePlugin.PngInfo()
    buffer = io.BytesIO()
    Image.fromarray(SMOOTH).save(buffer, "PNG", pnginfo=info, exif=exif)
    data = buffer.getvalue()
    at = data.index(b"eXIf") - 4
    length = int.from_bytes(data[at : at + 4], "big") + 12
    chunk, rest = data[at : at + length], data[:at] + data[at + length :]
    path.write_bytes(rest[:-12] + chunk + rest[-12:])
    assert read_size(path) == (31, 20)
    assert (read_image(path).pixels == show_upright(SMOOTH, 6)).all()


@pytest.mark.parametrize(
    "mode", ["L", "1", "P", "RGBA", "LA", "CMYK", "I;16", "I", "F", "YCbCr", "HSV", "LAB"]
)
def test_every_mode_of_pillow_becomes_rgb(mode) -> None:
    image = Image.new("RGB", (9, 7), (200, 100, 50))
    if mode in ("I;16", "I", "F"):
        image = image.convert("L").convert("I" if mode != "F" else "F")
        image = image.convert("I;16") if mode == "I;16" else image
    elif mode == "LA":
        image = image.convert("L").convert("LA")
    else:
        image = image.convert(mode)
    pixels = images._to_rgb(image)
    assert pixels.shape == (7, 9, 3)
    assert pixels.dtype == np.uint8


def test_transparent_pixels_lie_on_white(tmp_path) -> None:
    rgba = np.zeros((2, 3, 4), np.uint8)
    rgba[0] = (10, 20, 30, 255)
    rgba[1, :, :3] = 99
    rgba[1, 2] = (0, 0, 0, 128)
    Image.fromarray(rgba).save(tmp_path / "x.png")
    pixels = read_image(tmp_path / "x.png").pixels
    assert (pixels[0] == (10, 20, 30)).all()
    assert (pixels[1, 0] == 255).all()
    assert (pixels[1, 2] == 127).all()


def test_sixteen_bit_values_are_scaled_by_one_rule_in_every_format(tmp_path) -> None:
    full = np.linspace(0, 65535, 20 * 31).reshape(HW).astype(np.uint16)
    for values, expected in (
        (full, full >> 8),
        (full >> 4, full >> 8),
        (full >> 8, full >> 8),
        (np.minimum(full, 4096), np.minimum(full, 4096) >> 8),
    ):
        Image.fromarray(values).save(tmp_path / "x.png")
        tifffile.imwrite(tmp_path / "x.tif", values)
        tifffile.imwrite(tmp_path / "z.tif", values, compression="zlib")
        for name in ("x.png", "x.tif", "z.tif"):
            pixels = read_image(tmp_path / name).pixels
            assert (pixels == expected[..., None]).all(), name


def test_sixteen_bit_rgb_tiff_in_planes_and_with_opacity(tmp_path) -> None:
    deep = RGB.astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "chunky.tif", deep, photometric="rgb")
    tifffile.imwrite(
        tmp_path / "planar.tif", np.moveaxis(deep, 2, 0), photometric="rgb", planarconfig="separate"
    )
    for name in ("chunky.tif", "planar.tif"):
        assert (read_image(tmp_path / name).pixels == RGB).all(), name
        assert read_size(tmp_path / name) == HW
    opaque = np.concatenate([deep, np.full((*HW, 1), 65535, np.uint16)], axis=2)
    tifffile.imwrite(tmp_path / "alpha.tif", opaque, photometric="rgb", extrasamples=["unassalpha"])
    assert (read_image(tmp_path / "alpha.tif").pixels == RGB).all()


def test_compressed_tiff_through_libtiff_also_in_16_bit(tmp_path) -> None:
    Image.fromarray(RGB).save(tmp_path / "lzw.tif", compression="tiff_lzw")
    assert (read_image(tmp_path / "lzw.tif").pixels == RGB).all()
    deep = np.linspace(0, 65535, 20 * 31).reshape(HW).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.tif", compression="tiff_lzw")
    assert (read_image(tmp_path / "deep.tif").pixels == (deep >> 8)[..., None]).all()


def test_only_the_first_page_of_a_tiff_is_used_with_a_notice(tmp_path) -> None:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.stack([RGB, 255 - RGB]), photometric="rgb")
    image = read_image(path)
    assert (image.pixels == RGB).all()
    assert image.notice is not None
    assert "2 pages" in image.notice
    assert str(path) in image.notice


def test_only_the_first_picture_of_an_animation_is_used_with_a_notice(tmp_path) -> None:
    path = tmp_path / "x.webp"
    frames = [Image.fromarray(SMOOTH), Image.fromarray(255 - SMOOTH)]
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    image = read_image(path)
    assert (image.pixels == SMOOTH).all()
    assert "first picture" in str(image.notice)


def test_float_images(tmp_path) -> None:
    unit = np.linspace(0, 1, 20 * 31).reshape(HW).astype(np.float32)
    tifffile.imwrite(tmp_path / "unit.tif", unit)
    assert np.abs(read_image(tmp_path / "unit.tif").pixels[..., 0] - unit * 255).max() <= 0.5
    wide = unit * 900 - 300
    wide[0, 0] = np.nan
    tifffile.imwrite(tmp_path / "wide.tif", wide)
    pixels = read_image(tmp_path / "wide.tif").pixels
    assert pixels.max() == 255
    assert pixels[0, 1, 0] == 0


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64, bool]
)
def test_scaling_keeps_order_and_handles_constant_and_empty_images(dtype) -> None:
    ramp = (np.arange(200) * (1 if dtype in (np.uint8, bool) else 100)).astype(dtype)
    out = scale_to_8bit(ramp.reshape(10, 20)).astype(int).ravel()
    assert (np.diff(out) >= 0).all()
    assert scale_to_8bit(np.zeros((3, 3), dtype)).max() == 0
    assert scale_to_8bit(np.zeros((0, 3), dtype)).shape == (0, 3)


def test_thumbnails_are_small_never_enlarged_and_keep_the_shape(tmp_path) -> None:
    Image.fromarray(np.repeat(np.repeat(RGB, 20, 0), 20, 1)).save(tmp_path / "x.jpg")
    assert read_thumbnail(tmp_path / "x.jpg", 62).shape == (40, 62, 3)
    Image.fromarray(RGB).save(tmp_path / "y.png")
    assert (read_thumbnail(tmp_path / "y.png", 500) == RGB).all()


def make_bytes(name: str) -> bytes:
    buffer = io.BytesIO()
    if name == "deep.tif":
        tifffile.imwrite(buffer, RGB.astype(np.uint16), photometric="rgb", compression="zlib")
    else:
        kind = {"jpg": "JPEG", "tif": "TIFF"}.get(name.split(".")[-1], name.split(".")[-1].upper())
        Image.fromarray(RGB).save(buffer, kind)
    return buffer.getvalue()


WHOLE = {name: make_bytes(name) for name in ("x.jpg", "x.png", "x.webp", "x.bmp", "x.tif", "deep.tif")}


def assert_one_sentence(path: Path, read) -> None:
    with pytest.raises(ImageReadError) as caught:
        read(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert text.endswith(".")
    assert ":" in text or ". " in text


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_truncated_image_gives_one_sentence(tmp_path, name) -> None:
    path = tmp_path / name
    for part in (0.02, 0.3, 0.6, 0.9):
        path.write_bytes(WHOLE[name][: max(1, int(len(WHOLE[name]) * part))])
        assert_one_sentence(path, read_image)


@given(
    st.sampled_from(sorted(WHOLE)), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8)
)
def test_a_damaged_image_is_read_or_refused_but_never_anything_else(tmp_path_factory, name, changes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / name
    content = bytearray(WHOLE[name])
    for place, value in changes:
        content[int(place * len(content))] = value
    path.write_bytes(content)
    for read in (read_image, read_size, lambda p: read_thumbnail(p, 8)):
        with contextlib.suppress(ImageReadError):
            read(path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p.write_bytes(b""), "empty"),
        (lambda p: p.write_text("this is a letter, not a picture"), "not an image"),
        (lambda p: p.mkdir(), "is a folder"),
        (lambda p: None, "does not exist"),
        (lambda p: p.symlink_to(p.parent / "gone"), "link"),
        (lambda p: p.write_bytes(b"GIF89a" + bytes(50)), "not an image"),
    ],
)
@pytest.mark.parametrize("read", [read_image, read_size, lambda p: read_thumbnail(p, 8)])
def test_what_is_no_image_gives_one_sentence(tmp_path, make, words, read) -> None:
    path = tmp_path / "größe 1.png"
    make(path)
    with pytest.raises(ImageReadError, match=words):
        read(path)
    assert_one_sentence(path, read)


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    for name in ("x.png", "x.jpg", "deep.tif"):
        path = tmp_path / name
        path.write_bytes(WHOLE[name])
        for read in (read_image, read_size, lambda p: read_thumbnail(p, 8)):
            with pytest.raises(ImageReadError, match="megapixels"):
                read(path)


@pytest.mark.parametrize(
    ("values", "range_"),
    [
        (np.arange(600, dtype=np.uint16).reshape(20, 30), (0, 4095)),
        (np.linspace(-2, 6, 600).reshape(20, 30).astype(np.float32), (-2, 6)),
        (np.arange(3000, dtype=np.uint16).reshape(20, 30, 5) * 20, (0, 65535)),
    ],
)
def test_values_that_the_picture_lacks_are_handed_out_beside_it(
    values: np.ndarray, range_: tuple[float, float], tmp_path: Path
) -> None:
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, values, planarconfig="contig" if values.ndim == 3 else None)
    image = read_image(path)
    assert image.deep is not None
    assert np.array_equal(image.deep.values, values)
    assert (image.deep.low, image.deep.high) == pytest.approx(range_)
    assert find_rgb32(image.pixels) is not None


def test_8_bit_pictures_cost_four_bytes_a_pixel_and_no_more(tmp_path: Path) -> None:
    for name in ("a.png", "a.tif", "a.jpg"):
        Image.fromarray(RGB).save(tmp_path / name)
        image = read_image(tmp_path / name)
        assert image.deep is None
        memory = find_rgb32(image.pixels)
        assert memory is not None
        assert memory.nbytes == 4 * RGB.shape[0] * RGB.shape[1]
        assert (memory >> 24 == 255).all()
        assert np.array_equal(memory >> 16 & 255, image.pixels[..., 0])


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_the_thumbnail_of_a_dark_deep_image_is_bright_enough_to_know_it_by(tmp_path, name: str) -> None:
    values = np.full((300, 400), 300, np.uint16)
    values[:, 200:] = 6000  # of 65535
    values[0, 0] = 65535
    Image.fromarray(values).save(tmp_path / name)
    small = read_thumbnail(tmp_path / name, 80)
    assert small.shape == (60, 80, 3)
    assert small[30, 10].max() < 20
    assert small[30, 70].min() > 235
    assert read_image(tmp_path / name).pixels.max(axis=2)[150, 300] == 6000 >> 8  # as it is stored


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_opacity_and_channels_that_are_not_shown_leave_no_thumbnail_dark(tmp_path, channels: int) -> None:
    values = np.full((300, 400, channels), 65535, np.uint16)
    shown = 1 if channels == 2 else 3
    values[:, :200, :shown] = 300
    values[:, 200:, :shown] = 6000
    extra = {} if channels == 5 else {"extrasamples": ["unassalpha"]}
    kind = "rgb" if channels == 4 else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=kind, planarconfig="contig", **extra)
    small = read_thumbnail(tmp_path / "a.tif", 80)
    assert small[30, 10].max() < 20
    assert small[30, 70].min() > 235


def test_the_thumbnail_of_dark_numbers_with_gaps_can_be_made(tmp_path) -> None:
    values = np.linspace(0, 0.1, 120, dtype=np.float32).reshape(10, 12)
    values[3] = np.nan
    Image.fromarray(values).save(tmp_path / "x.tif")
    small = read_thumbnail(tmp_path / "x.tif", 80)
    assert small[9, 5].min() > 200
    assert small[3].max() == 0
