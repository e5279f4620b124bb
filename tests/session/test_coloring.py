"""Classes that touch and look alike are told, and get distinct colours only when somebody wants that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fcn_studio.core.palette import find_clashes
from fcn_studio.session import Level
from fcn_studio.session.coloring import Clash
from tests.session.desk import Desk

RED, NEARLY_RED = (200, 30, 30), (205, 34, 30)


def paint_side_by_side(desk: Desk) -> None:
    desk.stroke(20, 20, 1, radius=8)
    desk.stroke(20, 36, 2, radius=8)


def check(desk: Desk) -> tuple[Clash, ...]:
    desk.session.coloring.request_check()
    desk.settle()
    return desk.session.coloring.clashes


def test_only_classes_that_touch_are_told(desk: Desk) -> None:
    desk.session.classes.set_colors({1: RED, 2: NEARLY_RED})
    told: list[None] = []
    desk.session.events.colors_checked.connect(lambda: told.append(None))
    desk.stroke(20, 20, 1, radius=4)
    desk.stroke(50, 60, 2, radius=4)
    assert check(desk) == ()
    paint_side_by_side(desk)
    clash = check(desk)[0]
    assert (clash.first_id, clash.second_id) == (1, 2)
    assert len(told) == 1


def test_distinct_colours_look_at_the_labels_of_all_images_and_are_kept(
    desk: Desk, start: Callable[..., Desk], photos: Path
) -> None:
    paint_side_by_side(desk)
    desk.show("b.png")
    desk.settle()
    desk.session.classes.set_colors({1: RED, 2: NEARLY_RED})
    background = desk.session.classes.table.by_id(0).color
    desk.session.coloring.request_distinct()
    desk.settle()
    table = desk.session.classes.table
    assert find_clashes({entry.id: entry.color for entry in table}, [(1, 2)]) == []
    assert table.by_id(0).color == background
    assert desk.notices[-1].level is Level.SUCCESS
    assert desk.session.coloring.clashes == ()
    assert desk.session.close()
    again = start()
    again.open(photos)
    assert [e.color for e in again.session.classes.table] == [e.color for e in table], (
        "the same for the project"
    )


def test_nothing_changes_where_nothing_clashes(desk: Desk) -> None:
    before = desk.session.classes.table
    paint_side_by_side(desk)
    desk.session.coloring.request_distinct()
    desk.settle()
    assert desk.session.classes.table == before
    assert "already" in desk.notices[-1].text


def test_a_palette_colours_all_classes_but_the_background(desk: Desk) -> None:
    before = [entry.color for entry in desk.session.classes.table]
    desk.session.coloring.use_palette("tol_bright")
    after = [entry.color for entry in desk.session.classes.table]
    assert after[0] == before[0]
    assert after[1:] == [(68, 119, 170), (238, 102, 119)]
    desk.session.coloring.use_palette("no such palette")
    assert [entry.color for entry in desk.session.classes.table] == after
