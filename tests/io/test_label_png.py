"""Label PNGs: values exactly as stored, colours refused, files whole or old."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from fcn_studio.core.errors import LabelReadError, ReadOnlyError
from fcn_studio.io.label_png import read_label_png, write_label_png

PALETTE = np.random.default_rng(0).integers(0, 256, (256, 3), dtype=np.uint8)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))), st.text(max_size=50))
def test_values_and_text_come_back(tmp_path_factory, labels, text) -> None:
    text = text.replace("\0", "")
    path = tmp_path_factory.mktemp("png") / "x.png"
    write_label_png(path, labels, PALETTE, {"fcn-studio": text, "other": "ü"})
    values, chunks = read_label_png(path)
    assert (values == labels).all()
    assert chunks == {"fcn-studio": text, "other": "ü"}
    with Image.open(path) as image:
        assert image.mode == "P"
        assert np.array_equal(np.array(image.getpalette()).reshape(-1, 3), PALETTE)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("indexed", [True, False])
def test_small_bit_depths_count_as_stored(tmp_path, depth, indexed) -> None:
    import struct
    import zlib

    values = (np.arange(5 * 16).reshape(5, 16) % (1 << depth)).astype(np.uint8)
    bits = np.unpackbits(values[..., None], axis=2)[..., 8 - depth :].reshape(5, -1)
    rows = b"".join(b"\0" + row.tobytes() for row in np.packbits(bits, axis=1))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 16, 5, depth, 3 if indexed else 0, 0, 0, 0)
    palette = chunk(b"PLTE", PALETTE[: 1 << depth].tobytes()) if indexed else b""
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette
    content += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "x.png").write_bytes(content)
    assert (read_label_png(tmp_path / "x.png")[0] == values).all()


def save(mode: str, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (9, 7)).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (save("RGB"), "RGB colours"),
        (save("RGBA"), "RGB colours with opacity"),
        (save("LA"), "opacity"),
        (save("I;16"), "16 bits"),
        (save("L", "JPEG"), "not a PNG"),
        (save("P")[:60], "damaged"),
        (b"", "empty"),
        (b"hello", "not a PNG"),
    ],
)
def test_what_is_no_label_png_is_refused_with_file_reason_and_cure(tmp_path, content, words) -> None:
    path = tmp_path / "maske ü.png"
    path.write_bytes(content)
    with pytest.raises(LabelReadError, match=words) as caught:
        read_label_png(path)
    assert str(path) in str(caught.value)
    assert ":" in str(caught.value)


def test_missing_and_forbidden_places_are_named(tmp_path) -> None:
    with pytest.raises(LabelReadError, match="does not exist"):
        read_label_png(tmp_path / "none.png")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ReadOnlyError):
        write_label_png(tmp_path / "file" / "x.png", np.zeros((2, 2), np.uint8), PALETTE)
