"""What `train` and `evaluate` share: class names of a data set as they are typed."""

from __future__ import annotations

from fcn_studio.cli.console import note
from fcn_studio.core.errors import UsageError
from fcn_studio.core.ports import SampleSource
from fcn_studio.project.dataset_source import DatasetSource
from fcn_studio.project.sample_source import ProjectSource


def parse_classes(source: SampleSource, text: str | None) -> tuple[str, ...] | None:
    """ "a,b" to class keys of the source; names do as well. None stays None. Raises UsageError."""
    if text is None:
        return None
    by_word = dict(zip(source.class_names, source.class_keys, strict=True))
    by_word.update((key, key) for key in source.class_keys)
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in by_word]
    if unknown or not words:
        known = ", ".join(source.class_keys)
        raise UsageError(f"There is no class “{unknown[0] if unknown else text}” here: choose from {known}.")
    return tuple(by_word[word] for word in words)


def only_ignored(values: tuple[int, ...]) -> int | None:
    """The value after --ignore, which is at most one. Raises UsageError."""
    if len(set(values)) > 1:
        raise UsageError(
            "--ignore takes one value: give the others “void” in the folder's classes.json, as "
            '{"index": 11, "name": "void", "void": true}.'
        )
    return values[0] if values else None


def keys_with_labels(source: SampleSource, ignored: int | None) -> tuple[str, ...]:
    """The class keys that pixels can be labelled with: without the one whose value is to be ignored."""
    if ignored is None or not isinstance(source, DatasetSource):
        return source.class_keys
    pairs = zip(source.class_keys, source.files.class_values, strict=True)
    return tuple(key for key, value in pairs if value != ignored)


def tell_passed_over(source: ProjectSource | DatasetSource, *splits: str) -> None:
    """Say on stderr what is in the source or its lists and cannot be used."""
    for notice in source.notices:
        note(notice)
    if isinstance(source, DatasetSource):
        labelled = set(source.files.labelled)
        for split in splits:
            without = [name for name in source.files.splits.get(split, ()) if name not in labelled]
            if without:
                some = ", ".join(without[:3]) + (" ..." if len(without) > 3 else "")
                note(f"{count_images(len(without))} of the list “{split}” without a mask ({some}): left out.")


def count_images(count: int) -> str:
    """ "1 image", "7 images"."""
    return f"{count} image{'' if count == 1 else 's'}"


def unique_names(source: SampleSource) -> tuple[str, ...]:
    """Names for people, one for each key; the keys themselves where two classes have the same name."""
    names = source.class_names
    return names if len(set(names)) == len(names) else source.class_keys


def colors_of(source: SampleSource) -> tuple[tuple[int, int, int], ...]:
    """RGB of every class, for the card of a network that is trained on the source."""
    if isinstance(source, ProjectSource):
        return tuple(info.color for info in source.classes)
    if isinstance(source, DatasetSource):
        return source.files.class_colors
    raise TypeError(f"no colours known for {type(source).__name__}")
