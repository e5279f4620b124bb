"""Connects panels and commands of looking (layers, display, compare, minimap) to canvas and settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject

from fcn_studio.core.pixels import is_dark
from fcn_studio.session.events import About, Level, Notice
from fcn_studio.ui.canvas.compare import CompareMode
from fcn_studio.ui.canvas.looks import Style, keep_looks, next_style, read_looks
from fcn_studio.ui.canvas.tone import Display, keep_display, read_display
from fcn_studio.ui.canvas.view import CanvasView
from fcn_studio.ui.panels.display import DisplayPanel
from fcn_studio.ui.panels.layers import LayersPanel

if TYPE_CHECKING:
    from fcn_studio.session.document import Document
    from fcn_studio.session.session import Session

OPACITY_SETTINGS = {"labels": "label_opacity", "prediction": "prediction_opacity"}
EXTRAS = ("pixel_grid", "minimap", "rulers", "background_dots")


class ViewControls(QObject):
    """Nothing here is kept in a project; `on_changed` is called after anything is shown otherwise."""

    def __init__(
        self,
        session: Session,
        canvas: CanvasView,
        layers: LayersPanel,
        display: DisplayPanel,
        on_changed: Callable[[], None],
    ) -> None:
        super().__init__(canvas)
        self._session, self._canvas = session, canvas
        self._layers, self._display = layers, display
        self._on_changed = on_changed
        self._edited_id: str | None = None  # the image whose history changed last
        self._dark_told = False
        self._restore()
        canvas.layer_changed.connect(self._on_layer_changed)
        canvas.compare_changed.connect(self._on_compare_changed)
        canvas.scene.shown.connect(self._on_image_shown)
        layers.toggled.connect(self.toggle)
        layers.opacity_changed.connect(self._on_opacity_changed)
        layers.style_wanted.connect(self.next_style)
        layers.folded.connect(lambda is_open: self._keep_open("layers", is_open))
        layers.compare.mode_wanted.connect(self.toggle_compare)
        layers.compare.checkpoint_wanted.connect(session.comparing.choose)
        display.display_wanted.connect(self.set_display)
        display.folded.connect(lambda is_open: self._keep_open("display", is_open))
        session.events.checkpoints_changed.connect(self._on_checkpoints_changed)
        session.events.comparison_changed.connect(self._on_comparison_changed)
        session.events.history_changed.connect(self._on_history_changed)
        self._on_checkpoints_changed()
        self._on_image_shown()

    def _restore(self) -> None:
        settings = self._session.settings
        for layer, look in read_looks(settings["layer_looks"]).items():
            opacity = settings[OPACITY_SETTINGS[layer]] if layer in OPACITY_SETTINGS else look.opacity
            self._canvas.scene.change_look(layer, opacity=opacity, style=look.style)
            self._layers.show_look(layer, self._canvas.scene.looks[layer])
        for name in EXTRAS:
            self._apply_extra(name, settings[name])
        self._layers.set_open("layers" in settings["open_sections"])
        self._display.set_open("display" in settings["open_sections"])
        self.set_display(read_display(settings["display"]))

    def _on_history_changed(self) -> None:
        """Somebody who edits what is hidden sees nothing happen: say why. An image that opens is no edit."""
        document = self._session.document
        before, self._edited_id = self._edited_id, document.image_id if document is not None else None
        if document is None or before != self._edited_id:
            return
        notice = None
        if not (self._canvas.layer_visible("labels") or self._canvas.layer_visible("mask")):
            text = self.tr("The labels are hidden, so this edit is not seen.")
            notice = Notice(Level.INFO, text, "toggle_labels")
        elif name := self._find_hidden_class(document):
            text = self.tr("“{0}” is hidden, so this edit is not seen: click its eye in the list of classes.")
            notice = Notice(Level.INFO, text.format(name))
        if notice is not None:
            self._session.events.notice.emit(notice)

    def _find_hidden_class(self, document: Document) -> str | None:
        """The class that the last edit gave, where it is one that is not shown; None after an undo."""
        hidden = {entry.id: entry.name for entry in self._session.classes.table if not entry.visible}
        if not hidden or document.history.can_redo or not document.history.can_undo:
            return None
        planes, changed = document.history.done[-1].patches[0].decode()
        given = np.unique(planes[..., 2][changed])  # the label after
        return hidden.get(int(given[0])) if given.size == 1 else None

    # --- what commands do -----------------------------------------------------------------------------------

    @property
    def shown(self) -> frozenset[str]:
        """Everything that is on: layers, extras, and the way in which predictions are compared."""
        canvas = self._canvas
        layers = {layer for layer in (*canvas.scene.looks, "image") if canvas.layer_visible(layer)}
        extras = {name for name in EXTRAS if self._session.settings[name]}
        others = {canvas.scene.comparison.mode.value}
        if canvas.scene.display.stretch:
            others.add("stretch")
        if self._are_outlined:
            others.add("outlines")
        return frozenset(layers | extras | others)

    @property
    def _are_outlined(self) -> bool:
        looks = self._canvas.scene.looks
        return all(looks[layer].style is Style.OUTLINE for layer in OPACITY_SETTINGS)

    def toggle(self, layer: str) -> None:
        """Show or hide a layer."""
        self._canvas.set_layer_visible(layer, not self._canvas.layer_visible(layer))

    def next_style(self, layer: str) -> None:
        """Fill and outline, outline, fill, and round again."""
        look = self._canvas.scene.looks[layer]
        self._canvas.set_layer_style(layer, next_style(look))
        self._keep_looks(layer)
        self._on_changed()

    def toggle_outlines(self) -> None:
        """Labels and prediction as outlines only, or as they are otherwise."""
        style = Style.BOTH if self._are_outlined else Style.OUTLINE
        for layer in OPACITY_SETTINGS:
            self._canvas.set_layer_style(layer, style)
            self._keep_looks(layer)
        self._on_changed()

    def toggle_extra(self, name: str) -> None:
        """Pixel grid, minimap, rulers, or dots on what is predicted as background."""
        self._session.settings[name] = not self._session.settings[name]
        self._apply_extra(name, self._session.settings[name])
        self._on_changed()

    def _apply_extra(self, name: str, is_on: bool) -> None:
        canvas = self._canvas
        actions: dict[str, Callable[[bool], None]] = {
            "pixel_grid": canvas.scene.set_grid_shown,
            "minimap": canvas.set_minimap_shown,
            "rulers": canvas.set_rulers_shown,
            "background_dots": canvas.scene.mark_background,
        }
        actions[name](is_on)

    def set_display(self, display: Display) -> None:
        """Contrast and the like, for this image and those to come."""
        self._canvas.scene.set_display(display)
        self._session.settings["display"] = keep_display(display)
        self._display.show_display(display)
        self._on_changed()

    def change_display(self, **values: Any) -> None:
        self.set_display(self._canvas.scene.display.changed(**values))

    def reset_display(self) -> None:
        self.set_display(Display())

    def toggle_stretch(self) -> None:
        self.change_display(stretch=not self._canvas.scene.display.stretch)

    def next_channel(self) -> None:
        """One channel after the other, then all of them again."""
        count, channel = self._canvas.scene.channels, self._canvas.scene.display.channel + 1
        self.change_display(channel=channel if count > 1 and channel < count else -1)

    def toggle_compare(self, mode: CompareMode) -> None:
        """Compare in this way, or no longer if it is on; with the likeliest checkpoint if none was chosen."""
        comparing = self._session.comparing
        is_on = self._canvas.scene.comparison.mode is mode
        if not is_on and comparing.chosen_id is None:
            suggested = comparing.suggest()
            if suggested is None:
                return
            comparing.choose(suggested.id)
        self._canvas.set_compare_mode(CompareMode.OFF if is_on else mode)

    @property
    def can_compare(self) -> bool:
        return bool(self._session.comparing.candidates)

    # --- what the canvas and the session say ----------------------------------------------------------------

    def _on_layer_changed(self, layer: str, is_shown: bool) -> None:
        self._layers.show_layer(layer, is_shown)
        self._on_changed()

    def _on_opacity_changed(self, layer: str, opacity: float) -> None:
        self._canvas.set_layer_opacity(layer, opacity)
        self._keep_looks(layer)

    def _keep_looks(self, layer: str) -> None:
        looks, settings = self._canvas.scene.looks, self._session.settings
        if layer in OPACITY_SETTINGS:
            settings[OPACITY_SETTINGS[layer]] = looks[layer].opacity
        settings["layer_looks"] = keep_looks(looks)
        self._layers.show_look(layer, looks[layer])

    def _keep_open(self, section: str, is_open: bool) -> None:
        others = [name for name in self._session.settings["open_sections"] if name != section]
        self._session.settings["open_sections"] = [*others, *([section] if is_open else [])]

    def _on_image_shown(self) -> None:
        document = self._canvas.scene.document
        is_deep = document is not None and document.deep is not None
        self._display.show_channels(self._canvas.scene.channels or 3, is_deep=is_deep)
        if document is not None and is_deep:
            self._point_to_stretching(document)

    def _point_to_stretching(self, document: Document) -> None:
        """Cameras of microscopes often fill a small part of 16 bits: say once how such an image is seen."""
        if self._dark_told or not self._canvas.scene.display.is_neutral or not is_dark(document.pixels):
            return
        self._dark_told = True
        text = self.tr("{0} is dark as it is stored. It can be shown brighter.")
        notice = Notice(Level.INFO, text.format(document.name), "toggle_stretch", about=About.IMAGE)
        self._session.events.notice.emit(notice)

    def _on_compare_changed(self, mode: CompareMode) -> None:
        self._layers.show_compare(mode)
        self._on_changed()

    def _on_checkpoints_changed(self) -> None:
        comparing = self._session.comparing
        self._layers.compare.show_candidates(comparing.candidates, comparing.chosen_id)
        if not comparing.candidates:
            self._canvas.set_compare_mode(CompareMode.OFF)
        self._on_changed()

    def _on_comparison_changed(self, _image_id: str) -> None:
        comparing = self._session.comparing
        self._layers.compare.show_candidates(comparing.candidates, comparing.chosen_id)
        if comparing.chosen_id is None:
            self._canvas.set_compare_mode(CompareMode.OFF)
