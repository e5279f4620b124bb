"""Going to any place of the history: the labels are those of that place, here and after a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fcn_studio.session import history
from fcn_studio.session.whole_image import RegionOp
from tests.session.desk import Desk


def paint_all(desk: Desk, count: int) -> list[np.ndarray]:
    """Strokes of changing classes; the labels after 0, 1, ... of them."""
    states = [desk.labels.copy()]
    for number in range(count):
        desk.stroke(8 + 3 * number % 50, 8 + 5 * number % 60, 1 + number % 2, name=f"Paint {number}")
        states.append(desk.labels.copy())
    return states


def go(desk: Desk, place: int) -> None:
    desk.session.history.go_to(place)
    desk.until(lambda: not desk.session.history.is_going)


def test_every_place_can_be_gone_to_and_has_a_name(desk: Desk) -> None:
    states = paint_all(desk, 12)
    desk_history = desk.session.history
    assert desk_history.names == tuple(f"Paint {number}" for number in range(12))
    for place in (3, 12, 0, 7, 6, 11, -5, 99):
        go(desk, place)
        wanted = min(max(place, 0), 12)
        assert desk_history.place == wanted
        assert (desk.labels == states[wanted]).all()
        assert desk_history.names == tuple(f"Paint {number}" for number in range(12))


def test_what_is_still_computed_is_dropped_and_the_place_asked_for_is_reached(desk: Desk) -> None:
    states = paint_all(desk, 4)
    for place in (3, 1, 4, 4):
        desk.session.editing.request_clear()
        desk.session.editing.request_region_op(RegionOp.GROW, 1, 3)
        go(desk, place)
        desk.settle()
        assert desk.session.history.place == place
        assert (desk.labels == states[place]).all()


def test_a_long_way_lets_the_person_do_other_things_in_between(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = paint_all(desk, 6)
    monkeypatch.setattr(history, "SLICE_S", 0.0)
    desk.session.history.go_to(0)
    assert desk.session.history.place == 5, "one step a turn of the loop"
    go(desk, 0)
    assert (desk.labels == states[0]).all()
    desk.session.history.go_to(6)
    desk.stroke(30, 30, 2, name="In between")
    desk.until(lambda: not desk.session.history.is_going)
    assert desk.session.history.names[-1] == "In between", "a new edit ends the way there"


def test_going_to_another_image_on_the_way_ends_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    paint_all(desk, 6)
    monkeypatch.setattr(history, "SLICE_S", 0.0)
    desk.session.history.go_to(0)
    desk.show("b.png")
    desk.until(lambda: not desk.session.history.is_going)
    assert desk.session.history.names == ()
    desk.show("a.png")
    assert len(desk.session.history.names) == 6


def test_the_place_is_the_same_after_another_image_and_after_a_restart(
    desk: Desk, start: Callable[..., Desk], photos: Path
) -> None:
    states = paint_all(desk, 8)
    go(desk, 5)
    desk.show("b.png")
    desk.show("a.png")
    assert desk.session.history.place == 5
    go(desk, 7)
    assert (desk.labels == states[7]).all()
    go(desk, 2)
    assert desk.session.close()
    again = start()
    again.open(photos)
    assert again.session.history.place == 2
    assert len(again.session.history.names) == 8
    go(again, 8)
    assert (again.labels == states[8]).all()
    go(again, 0)
    assert (again.labels == 255).all()


def test_without_an_image_there_is_no_history(start: Callable[..., Desk]) -> None:
    nobody = start()
    nobody.session.history.go_to(3)
    assert nobody.session.history.names == ()
    assert nobody.session.history.place == 0
