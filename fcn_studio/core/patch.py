"""A patch: what one edit changed inside one tile of the grid, as small as it can be coded quickly.

Three codings, all exact:

- `PLANES` (2): which pixels changed (positions where the answer flips, or a bit a pixel), and for each of the
  four planes (label before, provenance before, label after, provenance after) one value for all changed
  pixels or one a pixel. It takes no search and no compression: what is coded while a person paints.
- `RUNS` (0): runs of equal uint32 codes (the four planes of a pixel in its four bytes).
- `DEFLATED` (1): the same codes deflated; only for edits that are computed in the background.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcn_studio.core.box import Box

TILE_SIDE_PX = 256
RUNS, DEFLATED, PLANES = 0, 1, 2
_BITS = 16  # flag of PLANES: the mask is a bit a pixel; flags 1, 2, 4, 8: that plane has a value a pixel
_MOST_POSITIONS = 65536  # of uint16
_ALL_OF_IT = bytes(3)  # of PLANES: no flags, and the answer flips to True at position 0
_LEAST_EVEN = 256  # pixels; fewer are as quickly looked at one by one
_WORTH_DEFLATING = 16  # pixels a byte: what is coded smaller than that is not worth the time
Planes = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # labels and provenance
Values = tuple[NDArray[np.uint8] | int, ...]  # of the four planes at the changed pixels


@dataclass(frozen=True, slots=True)
class Patch:
    """The part of an edit inside one tile of the grid."""

    box: Box
    coding: int
    payload: bytes
    changed_pixels: int

    def decode(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """uint8 [h, w, 4] (label before, provenance before, label after, provenance after) and a mask.

        Raises ValueError when the payload does not describe the box.
        """
        if self.coding == PLANES:
            changed, values = self._read_planes()
            planes = np.zeros((*self.box.shape_hw, 4), np.uint8)
            for number, value in enumerate(values):
                planes[..., number][changed] = value
            return planes, changed
        codes = self._read_runs() if self.coding == RUNS else self._inflate()
        if codes.size != self.box.area:
            raise ValueError("the patch does not fill its box")
        changed = ((codes & 0xFFFF) != (codes >> 16)).reshape(self.box.shape_hw)
        planes = np.ascontiguousarray(codes, "<u4").view(np.uint8).reshape(*self.box.shape_hw, 4)
        return planes, changed

    def write(self, labels: NDArray[np.uint8], provenance: NDArray[np.uint8], *, after: bool) -> None:
        """Put the values after, or those before, into the two planes of the image (uint8 [H, W])."""
        first = 2 if after else 0
        if self._is_even:
            labels[self.box.slices] = self.payload[3 + first]
            provenance[self.box.slices] = self.payload[4 + first]
            return
        if self.coding == PLANES:
            changed, values = self._read_planes()
            for target, value in ((labels, values[first]), (provenance, values[first + 1])):
                part = target[self.box.slices]
                if not isinstance(value, int):
                    part[changed] = value
                elif self.changed_pixels == self.box.area:
                    part[...] = value
                else:
                    part[...] = choose(changed, np.uint8(value), part)
            return
        planes, changed = self.decode()
        for target, plane in ((labels, first), (provenance, first + 1)):
            part = target[self.box.slices]
            part[...] = choose(changed, planes[..., plane], part)

    @property
    def _is_even(self) -> bool:
        """Whether one value takes the place of another in all of the box."""
        is_coded_so = self.coding == PLANES and self.payload.startswith(_ALL_OF_IT)
        return is_coded_so and len(self.payload) == 7 and self.changed_pixels == self.box.area

    def _read_runs(self) -> NDArray[np.uint32]:
        lengths, values = np.frombuffer(self.payload, "<u4").reshape(2, -1)
        if int(lengths.sum()) != self.box.area:  # before anything of that size is made
            raise ValueError("the runs of the patch do not fill its box")
        return np.repeat(values, lengths)

    def _inflate(self) -> NDArray[np.uint32]:
        try:
            return np.frombuffer(zlib.decompress(self.payload), "<u4")
        except zlib.error as error:
            raise ValueError(f"the patch cannot be unpacked: {error}") from error

    def _read_planes(self) -> tuple[NDArray[np.bool_], Values]:
        """The mask (bool [h, w]) and, for each of the four planes, one value or one a changed pixel."""
        area, count, payload = self.box.area, self.changed_pixels, self.payload
        flags = payload[0] if payload else _BITS << 1
        sizes = [count if flags & (1 << plane) else 1 for plane in range(4)]
        mask_bytes = len(payload) - 1 - sum(sizes)
        if flags >= _BITS << 1 or area > _MOST_POSITIONS or mask_bytes < 0:
            raise ValueError("the patch does not describe its box")
        changed = _read_mask(payload[1 : 1 + mask_bytes], area, is_bits=bool(flags & _BITS))
        if int(np.count_nonzero(changed)) != count:
            raise ValueError("the patch does not count its pixels")
        values: list[NDArray[np.uint8] | int] = []
        start = 1 + mask_bytes
        for plane, size in enumerate(sizes):
            part = payload[start : start + size]
            values.append(np.frombuffer(part, np.uint8) if flags & (1 << plane) else part[0])
            start += size
        return changed.reshape(self.box.shape_hw), tuple(values)


def choose(
    mask: NDArray[np.bool_], values: NDArray[np.uint8] | np.uint8, others: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """`np.where(mask, values, others)` of uint8, many times as fast where the mask is ragged."""
    chosen = mask.view(np.uint8)
    found = others * (chosen ^ np.uint8(1))
    found += values * chosen
    return found


def _read_mask(data: bytes, area: int, *, is_bits: bool) -> NDArray[np.bool_]:
    """bool [area] from a bit a pixel, or from the uint16 positions at which False and True take turns."""
    if is_bits:
        if len(data) != (area + 7) // 8:
            raise ValueError("the mask of the patch does not fill its box")
        return np.unpackbits(np.frombuffer(data, np.uint8), count=area).view(np.bool_)
    if len(data) % 2:
        raise ValueError("the mask of the patch is cut off")
    flips = np.frombuffer(data, "<u2").astype(np.intp)
    bounds = np.concatenate(([0], flips, [area]))
    lengths = np.diff(bounds)
    if lengths.min() < 0:
        raise ValueError("the mask of the patch does not fill its box")
    turns = (np.arange(lengths.size) & 1).astype(np.bool_)
    return np.repeat(turns, lengths)


def make_patch(box: Box, before: Planes, after: Planes, *, squeeze: bool = True) -> Patch | None:
    """A patch from labels and provenance (uint8 [h, w] of `box`) before and after; None when equal.

    `squeeze=False` where a person waits: nothing is deflated then.
    """
    if box.area >= _LEAST_EVEN and (only := _find_only_values((*after, *before))) is not None:
        even = only[2:] + only[:2]
        return Patch(box, PLANES, _ALL_OF_IT + even, box.area) if only[:2] != only[2:] else None
    changed = before[0] != after[0]
    changed |= before[1] != after[1]
    count = int(np.count_nonzero(changed))
    if count == 0:
        return None
    inner = Box.of_shape(box.shape_hw) if count == changed.size else _find_inner(changed)
    planes = tuple(values[inner.slices] for values in (*before, *after))
    changed = np.ascontiguousarray(changed[inner.slices])
    place = inner.shift(box.y0, box.x0)
    codings: list[tuple[int, bytes]] = []
    if place.area <= _MOST_POSITIONS:
        codings.append((PLANES, _code_planes(planes, changed)))
        flags = codings[0][1][0]
        if flags == 0 or (flags == _BITS and not squeeze):
            return Patch(place, *codings[0], count)
    codings.append(_code_runs(planes))
    if squeeze and min(len(payload) for _, payload in codings) > place.area // _WORTH_DEFLATING:
        codings.append(_code_deflated(planes))
    return Patch(place, *min(codings, key=lambda coding: len(coding[1])), count)


def _find_only_values(planes: tuple[NDArray[np.uint8], ...]) -> bytes | None:
    """The one value that each plane has everywhere; None where one of them has several."""
    found = []
    for values in planes:
        value = int(values[0, 0])
        if any(values.strides) and (int(values.max()) != value or int(values.min()) != value):
            return None
        found.append(value)
    return bytes(found)


def _find_inner(changed: NDArray[np.bool_]) -> Box:
    """The smallest box that holds every True; there is one at least."""
    rows, columns = np.any(changed, axis=1), np.any(changed, axis=0)
    return Box(
        int(rows.argmax()),
        int(columns.argmax()),
        rows.size - int(rows[::-1].argmax()),
        columns.size - int(columns[::-1].argmax()),
    )


def _varies(values: NDArray[np.uint8], changed: NDArray[np.bool_], first: np.uint8) -> bool:
    """Whether any of the changed pixels has another value than the first of them."""
    if values.min() == values.max():
        return False
    others = values != first
    others &= changed
    return bool(others.any())


def _code_planes(planes: tuple[NDArray[np.uint8], ...], changed: NDArray[np.bool_]) -> bytes:
    flat = changed.ravel()
    row, column = divmod(int(flat.argmax()), changed.shape[1])
    flips = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        flips = np.concatenate(([0], flips))
    is_bits = 2 * flips.size > (flat.size + 7) // 8
    flags = _BITS if is_bits else 0
    parts = [np.packbits(flat).tobytes() if is_bits else flips.astype("<u2").tobytes()]
    for plane, values in enumerate(planes):
        if _varies(values, changed, values[row, column]):
            flags |= 1 << plane
            parts.append(values[changed].tobytes())
        else:
            parts.append(bytes([int(values[row, column])]))
    return bytes([flags]) + b"".join(parts)


def _make_codes(planes: tuple[NDArray[np.uint8], ...]) -> NDArray[np.uint32]:
    codes = np.empty((*planes[0].shape, 4), np.uint8)
    for plane, values in enumerate(planes):
        codes[..., plane] = values
    return codes.view("<u4").ravel()


def _code_runs(planes: tuple[NDArray[np.uint8], ...]) -> tuple[int, bytes]:
    flat = _make_codes(planes)
    bounds = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1, [flat.size]))
    return RUNS, np.stack([np.diff(bounds), flat[bounds[:-1]]]).astype("<u4").tobytes()


def _code_deflated(planes: tuple[NDArray[np.uint8], ...]) -> tuple[int, bytes]:
    return DEFLATED, zlib.compress(_make_codes(planes).tobytes(), 1)
