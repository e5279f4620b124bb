"""Many images to mask files: reading ahead and writing behind, so that the engine is never idle."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcn_studio.core.classes import BACKGROUND_KEY, ClassTable
from fcn_studio.core.errors import FcnStudioError
from fcn_studio.core.prediction import Prediction
from fcn_studio.inference.outputs import Output
from fcn_studio.inference.predictor import Predictor
from fcn_studio.io.atomic import make_folder, write_atomic
from fcn_studio.io.images import ImageData, read_image
from fcn_studio.io.label_png import make_label_png
from fcn_studio.models.spec import ModelSpec

AHEAD = 3
"""Images read ahead, and as many being written: enough for a slow disk, little enough for large images."""

OVERLAY_OPACITY = 128
"""Of 256: how strongly a class colours the photograph; background is left as it is."""

OUTLINE_COLOR = (255, 255, 255)

_STRIP_ROWS = 128


@dataclass(frozen=True)
class Outcome:
    """What became of one input: its files, or the error that names it.

    shares: part of the image by class name, classes that occur only, largest first.
    """

    image: Path
    mask: Path | None = None
    overlay: Path | None = None
    height: int = 0
    width: int = 0
    shares: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    notice: str | None = None
    error: FcnStudioError | None = None


def predict_files(
    outputs: Sequence[Output], predictor: Predictor, *, with_overlay: bool = False
) -> Generator[Outcome, None, None]:
    """Predict each input and write its files; yields an outcome for each, in order.

    Masks are indexed PNGs of class indices at the size of the image as displayed. Each file appears complete
    or not at all. Ctrl+C waits for the files that are being written, yields their outcomes and goes on up;
    closing the generator waits for them too.
    """
    palette = make_palette(predictor.spec)
    reads: deque[Future[ImageData]] = deque()
    writes: deque[Future[Outcome]] = deque()
    coming = iter(outputs)
    pool = ThreadPoolExecutor(2, thread_name_prefix="predict-io")
    try:
        for output in outputs:
            while len(reads) < AHEAD and (ahead := next(coming, None)) is not None:
                reads.append(pool.submit(read_image, ahead.image))
            writes.append(_predict_one(output, reads.popleft(), predictor, pool, palette, with_overlay))
            while writes and (writes[0].done() or len(writes) > AHEAD):
                yield writes.popleft().result()
        while writes:
            yield writes.popleft().result()
    except KeyboardInterrupt:
        while writes:
            yield writes.popleft().result()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _predict_one(
    output: Output,
    read: Future[ImageData],
    predictor: Predictor,
    pool: ThreadPoolExecutor,
    palette: NDArray[np.uint8],
    with_overlay: bool,
) -> Future[Outcome]:
    try:
        image = read.result()
        prediction = predictor.predict(image.pixels)
    except FcnStudioError as error:
        failed: Future[Outcome] = Future()
        failed.set_result(Outcome(output.image, error=error))
        return failed
    pixels = image.pixels if with_overlay else None
    return pool.submit(_write, output, predictor.spec, prediction, palette, pixels, image.notice)


def _write(
    output: Output,
    spec: ModelSpec,
    prediction: Prediction,
    palette: NDArray[np.uint8],
    pixels: NDArray[np.uint8] | None,
    notice: str | None,
) -> Outcome:
    text = {"Software": "FCN Studio", "checkpoint": spec.id, "classes": ", ".join(spec.class_names)}
    try:
        make_folder(output.mask.parent)
        write_atomic(output.mask, make_label_png(prediction.channels, palette, text), sync=False)
        if pixels is not None:
            overlay = make_overlay(pixels, prediction, palette)
            write_atomic(output.overlay, _encode_png(overlay), sync=False)
    except FcnStudioError as error:
        return Outcome(output.image, error=error)
    return Outcome(
        image=output.image,
        mask=output.mask,
        overlay=None if pixels is None else output.overlay,
        height=prediction.shape_hw[0],
        width=prediction.shape_hw[1],
        shares=compute_shares(prediction, spec.class_names),
        seconds=prediction.seconds,
        notice=notice,
    )


def make_palette(spec: ModelSpec) -> NDArray[np.uint8]:
    """Colours by channel, uint8 [256, 3]: the card's own, or the program's for its class list."""
    return ClassTable.from_keys(spec.class_keys, colors=spec.class_colors).make_palette()


def compute_shares(prediction: Prediction, class_names: Sequence[str]) -> dict[str, float]:
    """Part of the image by class name, classes that occur only, largest first."""
    counts = np.bincount(prediction.channels.ravel(), minlength=len(class_names))
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda channel: -counts[channel])
    return {class_names[channel]: float(counts[channel] / prediction.channels.size) for channel in order}


def make_overlay(
    pixels: NDArray[np.uint8], prediction: Prediction, palette: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The image with its classes laid over it, outlined, uint8 [H, W, 3]; background is the image alone."""
    opacity = np.full((256, 1), OVERLAY_OPACITY, np.uint16)
    for channel, key in enumerate(prediction.class_keys):
        if key == BACKGROUND_KEY:
            opacity[channel] = 0
    keep, add = (256 - opacity)[:, 0], palette * opacity
    out = np.empty_like(pixels)
    for y in range(0, pixels.shape[0], _STRIP_ROWS):
        channels = prediction.channels[y : y + _STRIP_ROWS]
        part = pixels[y : y + _STRIP_ROWS] * keep[channels][..., None]
        part += add[channels]
        out[y : y + _STRIP_ROWS] = part >> 8
    out[find_outlines(prediction.channels)] = OUTLINE_COLOR
    return out


def find_outlines(channels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels whose neighbour to the right or below has another class, bool [H, W]."""
    outlines = np.zeros(channels.shape, bool)
    outlines[:, :-1] = channels[:, 1:] != channels[:, :-1]
    outlines[:-1] |= channels[1:] != channels[:-1]
    return outlines


def _encode_png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
