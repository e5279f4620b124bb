"""Labelled folders of two layouts: `images/` + `masks/`, and PASCAL VOC's; what lies where, nothing decoded.

`images/` + `masks/` may have a `classes.json` (a list of {index, name, color, void}) and lists of names
`train.txt`, `val.txt`, `test.txt`. VOC has `JPEGImages/`, `SegmentationClass/` and lists of names under
`ImageSets/Segmentation/`; its 21 classes are known. Mask value 255 is void unless it is listed as a class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from fcn_studio.core.classes import UNLABELLED
from fcn_studio.core.errors import DatasetError, LabelReadError
from fcn_studio.core.palette import Color
from fcn_studio.io.dataset_classes import VOC_CLASSES, DatasetClasses, guess_classes, read_classes
from fcn_studio.io.images import read_image
from fcn_studio.io.label_png import read_label_png
from fcn_studio.io.scan import natural_key, scan_folder

_FOLDER_LISTS = ("train", "val", "test", "trainval")


@dataclass(frozen=True)
class DatasetFiles:
    """What a labelled folder holds; `images` and `masks` have the same keys in the order people count.

    `class_values[i]` is the mask value of channel i; `void` are the values that mean "no label".
    `splits` holds only lists that exist. `notices` are sentences about what was passed over.
    """

    root: Path
    images: Mapping[str, Path]
    masks: Mapping[str, Path | None]
    splits: Mapping[str, tuple[str, ...]]
    classes: DatasetClasses
    is_voc: bool
    notices: tuple[str, ...] = field(default=())

    @property
    def class_keys(self) -> tuple[str, ...]:
        return self.classes.keys

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.classes.names

    @property
    def class_colors(self) -> tuple[Color, ...]:
        return self.classes.colors

    @property
    def class_values(self) -> tuple[int, ...]:
        return self.classes.values

    @property
    def void(self) -> tuple[int, ...]:
        return self.classes.void

    @property
    def labelled(self) -> tuple[str, ...]:
        """Names that have a mask."""
        return tuple(name for name, mask in self.masks.items() if mask is not None)


def detect_dataset(folder: Path) -> DatasetFiles | None:
    """The labelled folder at `folder`, or None when it has neither layout.

    Without `classes.json` the masks of the `images/` + `masks/` layout are looked through for their values;
    those that cannot be read are passed over, until they are asked for. Raises DatasetError (no image, bad
    lists or classes) and LabelReadError (no mask is a label PNG).
    """
    if (folder / "JPEGImages").is_dir() and (folder / "SegmentationClass").is_dir():
        return _read_voc(folder)
    if (folder / "images").is_dir() and (folder / "masks").is_dir():
        return _read_folders(folder)
    return None


def _read_folders(folder: Path) -> DatasetFiles:
    images = _find_images(folder / "images")
    masks, notices = _find_masks(folder / "masks", images)
    lists = {name: folder / f"{name}.txt" for name in _FOLDER_LISTS}
    splits, list_notices = _read_lists(lists, images)
    listed = folder / "classes.json"
    if listed.is_file():
        classes = read_classes(listed)
    else:
        if notices and not any(masks.values()):
            raise DatasetError(f"{folder} has no mask that can be used. {notices[-1]}")
        classes = guess_classes(folder, _find_values([mask for mask in masks.values() if mask is not None]))
    return DatasetFiles(folder, images, masks, splits, classes, False, (*notices, *list_notices))


def _find_values(masks: Sequence[Path]) -> set[int]:
    """All values of the masks that can be read; raises the first LabelReadError where none can."""
    values: set[int] = set()
    faults: list[LabelReadError] = []
    for mask in masks:
        try:
            values.update(np.flatnonzero(np.bincount(read_label_png(mask)[0].ravel())).tolist())
        except LabelReadError as error:
            faults.append(error)
    if faults and len(faults) == len(masks):
        raise faults[0]
    return values


def _read_voc(folder: Path) -> DatasetFiles:
    images = _find_images(folder / "JPEGImages")
    place = folder / "ImageSets" / "Segmentation"
    lists = {path.stem: path for path in sorted(place.glob("*.txt"))} if place.is_dir() else {}
    splits, list_notices = _read_lists(lists, images)
    masks, notices = _find_masks(folder / "SegmentationClass", images)
    # VOC has five times more photographs than segmentations: only what is listed or labelled is shown.
    wanted = {name for names in splits.values() for name in names}
    wanted.update(name for name, mask in masks.items() if mask is not None)
    if not wanted:
        raise DatasetError(f"{folder} has no segmented image: no mask and no list fits a photograph.")
    return DatasetFiles(
        folder,
        {name: path for name, path in images.items() if name in wanted},
        {name: path for name, path in masks.items() if name in wanted},
        splits,
        VOC_CLASSES,
        True,
        (*notices, *list_notices),
    )


def _find_images(folder: Path) -> dict[str, Path]:
    """Name -> image; the name is the relative path without suffix, with it where two images share a stem."""
    found = scan_folder(folder).images
    if not found:
        raise DatasetError(f"{folder} holds no image: put JPEG, PNG, WebP, BMP or TIFF files there.")
    stems: dict[str, int] = {}
    for relative in found:
        stem = _without_suffix(relative)
        stems[stem] = stems.get(stem, 0) + 1
    named = {r if stems[_without_suffix(r)] > 1 else _without_suffix(r): folder / r for r in found}
    return {name: named[name] for name in sorted(named, key=natural_key)}


def _find_masks(folder: Path, images: Mapping[str, Path]) -> tuple[dict[str, Path | None], list[str]]:
    there = scan_folder(folder).images
    found = {
        _without_suffix(relative): folder / relative
        for relative in there
        if relative.lower().endswith(".png")
    }
    others = [relative for relative in there if not relative.lower().endswith(".png")]
    masks: dict[str, Path | None] = {}
    for name, image in images.items():
        # A mask may be called after the stem or after the image's full file name.
        full = str(PurePosixPath(name).with_name(image.name))
        mask = found.pop(name, None)
        masks[name] = mask if mask is not None else found.pop(full, None)
    notices = []
    if found:
        some = _some(sorted(found, key=natural_key))
        notices.append(f"{folder} holds {_count(found, 'mask')} without an image ({some}): not used.")
    if others:
        notices.append(
            f"{folder} holds {_count(others, 'file')} of another format than PNG ({_some(others)}): "
            "not used. Masks must be indexed 8-bit PNGs: other formats do not keep class numbers as they are."
        )
    return masks, notices


def _some(names: Sequence[str]) -> str:
    """The first three, and dots where there are more."""
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")


def _count(things: Sized, noun: str) -> str:
    """ "1 mask", "7 masks"."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _without_suffix(relative: str) -> str:
    return str(PurePosixPath(relative).with_suffix(""))


def _read_lists(
    lists: Mapping[str, Path], images: Mapping[str, Path]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    splits: dict[str, tuple[str, ...]] = {}
    notices: list[str] = []
    for split, path in lists.items():
        if not path.is_file():
            continue
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DatasetError(f"{path} could not be read as text ({error}): save it as UTF-8.") from error
        wanted = [line.strip() for line in lines if line.strip()]
        names = [_find_listed(line, images) for line in wanted]
        missing = [line for line, name in zip(wanted, names, strict=True) if name is None]
        if missing:
            are = "is" if len(missing) == 1 else "are"
            notices.append(
                f"{path} names {_count(missing, 'image')} that {are} not there ({_some(missing)}): left out."
            )
        splits[split] = tuple(dict.fromkeys(name for name in names if name is not None))
    shared = set(splits.get("train", ())) & set(splits.get("val", ()))
    if shared:
        stand = "stands" if len(shared) == 1 else "stand"
        notices.append(
            f"{_count(shared, 'image')} {stand} in the lists train and val: figures on val will flatter."
        )
    return splits, notices


def _find_listed(line: str, images: Mapping[str, Path]) -> str | None:
    plain = line.removeprefix("./").removeprefix("images/").removeprefix("JPEGImages/")
    for name in (line, plain, _without_suffix(plain)):
        if name in images:
            return name
    return None


def make_mask_lut(classes: DatasetClasses, ignore: int | None = None) -> npt.NDArray[np.int16]:
    """int16 [256]: mask value -> channel index, 255 for void and `ignore`, -1 where it is no class."""
    lut = np.full(256, -1, np.int16)
    for channel, value in enumerate(classes.values):
        lut[value] = channel
    lut[list(classes.void)] = UNLABELLED
    if ignore is not None:
        lut[ignore] = UNLABELLED
    return lut


def read_mask(mask: Path, classes: DatasetClasses, ignore: int | None = None) -> npt.NDArray[np.uint8]:
    """One mask as channel indices uint8 [H, W], 255 = void. Raises LabelReadError for foreign values."""
    values, _ = read_label_png(mask)
    channels = make_mask_lut(classes, ignore)[values]
    if (channels < 0).any():
        foreign = int(values[channels < 0].flat[0])
        raise LabelReadError(
            f"{mask} holds the value {foreign}, which is no class of {classes.source}: "
            f"list it there as a class or as void (on the command line --ignore {foreign} leaves it out)."
        )
    return channels.astype(np.uint8)


def read_labelled(
    files: DatasetFiles, name: str, ignore: int | None = None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Pixels uint8 [H, W, 3] and channel indices uint8 [H, W] (all 255 where there is no mask).

    Raises ImageReadError, LabelReadError (foreign values, another size), DatasetError (unknown name).
    """
    if name not in files.images:
        raise DatasetError(f"{files.root} has no image {name}: check the name.")
    pixels = read_image(files.images[name]).pixels
    mask = files.masks[name]
    if mask is None:
        return pixels, np.full(pixels.shape[:2], UNLABELLED, np.uint8)
    labels = read_mask(mask, files.classes, ignore)
    check_same_size(mask, labels.shape, files.images[name], pixels.shape)
    return pixels, labels


def check_same_size(mask: Path, mask_hw: Iterable[int], image: Path, image_hw: Iterable[int]) -> None:
    """Raises LabelReadError with both sizes unless labels and image have the same height and width."""
    (height, width), (image_height, image_width, *_) = mask_hw, image_hw
    if (height, width) != (image_height, image_width):
        raise LabelReadError(
            f"{mask} is {width} x {height} pixels, but its image {image.name} is "
            f"{image_width} x {image_height}: save the labels at the image's size."
        )
