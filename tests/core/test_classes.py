"""What a label's number means never changes, whatever is added or renamed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fcn_studio.core.classes import MAX_CLASSES, ClassTable, make_key
from fcn_studio.core.errors import UsageError

keys = st.lists(st.text("abcdefgh", min_size=1, max_size=3), min_size=1, max_size=8, unique=True)


def test_ids_count_up_and_are_never_reused() -> None:
    table = ClassTable.from_keys(["background", "cat", "dog"])
    assert [entry.id for entry in table] == [0, 1, 2]
    without_dog = ClassTable(table.classes[:2], table.next_id)
    assert [entry.id for entry in without_dog.add("horse").add("cow")] == [0, 1, 3, 4]


@given(keys, st.data())
def test_a_change_keeps_every_id_and_key(names: list[str], data: st.DataObject) -> None:
    table = ClassTable.from_keys(names)
    chosen = data.draw(st.sampled_from(table.classes)).id
    for changed in (
        table.rename(chosen, "Z"),
        table.with_color(chosen, (1, 2, 3)),
        table.with_visible(chosen, False),
        table.add("Z"),
    ):
        assert [(e.id, e.key) for e in changed][: len(table)] == [(e.id, e.key) for e in table]
        assert changed != table
    assert table == ClassTable.from_keys(names)  # nothing was changed in place


@given(keys, keys)
def test_luts_translate_by_key_and_leave_out_what_one_side_lacks(own: list[str], channels: list[str]) -> None:
    table = ClassTable.from_keys(own)
    to_id, to_channel = table.make_lut(channels), table.make_channel_lut(channels)
    assert to_id.shape == to_channel.shape == (256,)
    assert to_id.dtype == to_channel.dtype == np.uint8
    for channel in range(256):
        entry = table.by_key(channels[channel]) if channel < len(channels) else None
        assert to_id[channel] == (entry.id if entry else 255)
    for class_id in range(256):
        entry = table.by_id(class_id)
        expected = channels.index(entry.key) if entry and entry.key in channels else 255
        assert to_channel[class_id] == expected


def test_names_are_taken_whatever_their_case_and_never_empty() -> None:
    table = ClassTable.from_keys(["background", "cat"])
    for name in ["Cat", " cat ", "", "  "]:
        with pytest.raises(UsageError):
            table.add(name)
        with pytest.raises(UsageError):
            table.rename(0, name)
    assert table.rename(1, "CAT").names == ("background", "CAT")  # its own name may change its case
    assert table.rename(1, " big cat ").by_key("cat").name == "big cat"  # type: ignore[union-attr]


def test_keys_are_plain_and_different_even_where_names_look_alike() -> None:
    assert make_key("Leaf rust") == "leaf_rust"
    assert make_key("  Straße 1 ") == "strasse_1"
    assert make_key("木") == "木"
    assert make_key("!!!") == "class"
    assert ClassTable().add("C++").add("C").add("c#").keys == ("c", "c_2", "c_3")


def test_background_has_key_0_and_the_next_nine_classes_1_to_9() -> None:
    table = ClassTable.from_keys(["background", *(f"c{number}" for number in range(11))])
    assert [entry.shortcut for entry in table] == [*"0123456789", None, None]
    assert table.by_shortcut("3").name == "c2"  # type: ignore[union-attr]
    assert table.by_shortcut("x") is None
    assert ClassTable.from_keys(["cat", "background"]).by_key("background").shortcut == "0"  # type: ignore[union-attr]


def test_a_full_table_has_255_classes_of_different_colours_and_says_that_it_is_full() -> None:
    table = ClassTable()
    for number in range(MAX_CLASSES):
        table = table.add(f"class {number}")
    assert len({entry.color for entry in table}) == len(table) == MAX_CLASSES
    assert max(entry.id for entry in table) == 254  # 255 means unlabelled
    with pytest.raises(UsageError, match="255 classes"):
        table.add("one more")


def test_the_palette_gives_each_class_its_colour_and_black_to_the_rest() -> None:
    table = ClassTable.from_keys(["background", "cat"], ["Background", "Cat"], [(1, 2, 3), (4, 5, 6)])
    palette = table.make_palette()
    assert palette.shape == (256, 3)
    assert palette[:2].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert not palette[2:].any()
