"""What the commands do: one short method a command, on the session, the canvas or the window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fcn_studio.core.classes import BACKGROUND_KEY
from fcn_studio.core.errors import FcnStudioError
from fcn_studio.session.events import Level, Notice
from fcn_studio.ui.dialogs.files import ask_folder, ask_images
from fcn_studio.ui.tool_deeds import ToolDeeds
from fcn_studio.ui.view_deeds import ViewDeeds

if TYPE_CHECKING:
    from fcn_studio.ui.main_window import MainWindow

BRUSH_STEPS = 2  # of a tenth each


class Deeds(ViewDeeds):
    """The actions of the command table. Errors of the person's making are raised; the caller shows them."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.hand: ToolDeeds = ToolDeeds(window)
        self._before_background: int | None = None

    # --- File ---------------------------------------------------------------------------------------------

    def open_images(self) -> None:
        ask_images(self._window, self._start_folder(), self._session.open)

    def open_folder(self) -> None:
        title = self._window.tr("Open a folder of images, a labelled folder or a project")
        ask_folder(self._window, title, self._start_folder(), lambda path: self._session.open([path]))

    def open_paths(self, paths: Sequence[Path]) -> None:
        """What was dropped on the window."""
        self._session.open(paths)

    def open_samples(self) -> None:
        self._session.open_samples()

    def save_now(self) -> None:
        self._session.editing.save_now()

    def export_masks(self) -> None:
        from fcn_studio.ui.dialogs.export import ExportDialog

        root = self._session.project_root
        if root is None:
            return
        dialog = ExportDialog(self._window, root.with_name(f"{root.name}-masks"))
        dialog.chosen.connect(
            lambda folder, what: self._try(lambda: self._session.export.request(folder, what))
        )
        dialog.open()

    def choose_store(self) -> None:
        title = self._window.tr("Choose a folder to keep the labels in")
        ask_folder(
            self._window, title, None, lambda path: self._try(lambda: self._session.choose_store(path))
        )

    def quit(self) -> None:
        self._window.close()

    def _start_folder(self) -> Path | None:
        root = self._session.project_root
        return root if root is not None and root.exists() else None

    def _try(self, deed: object) -> None:
        try:
            deed()  # type: ignore[operator]
        except FcnStudioError as error:
            self._window.notices.show_notice(Notice(Level.ERROR, error.user_message))

    # --- Edit and image -----------------------------------------------------------------------------------

    def undo(self) -> None:
        """The last point of an outline that is open, else the last edit."""
        if not self._window.canvas.step_back():
            self._session.editing.undo()

    def redo(self) -> None:
        self._session.editing.redo()

    def accept_all(self) -> None:
        self._session.editing.request_accept_all()

    def clear_labels(self) -> None:
        self._session.editing.request_clear()

    def next_image(self) -> None:
        self._session.images.next()

    def previous_image(self) -> None:
        self._session.images.previous()

    def mark_reviewed(self) -> None:
        self._session.mark_reviewed(not self._window.situation().is_reviewed)

    def find_image(self) -> None:
        self._window.images_dock.show()
        self._window.images.ask_filter()

    # --- tools and classes --------------------------------------------------------------------------------

    def choose_tool(self, tool: str) -> None:
        self._window.canvas.choose_tool(tool)

    def grow_brush(self) -> None:
        self._window.canvas.step_brush_size(BRUSH_STEPS)

    def shrink_brush(self) -> None:
        self._window.canvas.step_brush_size(-BRUSH_STEPS)

    def choose_class(self, digit: str) -> None:
        entry = self._session.classes.shown.by_shortcut(digit)
        if entry is not None:
            self._session.classes.choose(entry.id)

    def next_class(self) -> None:
        self._step_class(1)

    def previous_class(self) -> None:
        self._step_class(-1)

    def _step_class(self, step: int) -> None:
        """The class below or above the one in hand, round the ends."""
        classes = self._session.classes
        ids = [entry.id for entry in classes.table]
        if ids:
            place = ids.index(classes.chosen_id) if classes.chosen_id in ids else -1
            classes.choose(ids[(place + step) % len(ids)])

    def add_class(self) -> None:
        self._window.teach_dock.show()
        self._window.classes.ask_new_class()

    def swap_background(self) -> None:
        """Background, or back to the class that was in hand before it."""
        classes = self._session.classes
        background = classes.table.by_key(BACKGROUND_KEY)
        if background is None:
            return
        if classes.chosen_id != background.id:
            self._before_background = classes.chosen_id
            classes.choose(background.id)
        elif self._before_background is not None:
            classes.choose(self._before_background)

    # --- network and help ---------------------------------------------------------------------------------

    def fine_tune(self) -> None:
        self._window.training.prepare_plot()  # now, not in the middle of the next stroke
        self._session.teaching.start(device=self._session.settings["device"])

    def stop_training(self) -> None:
        self._session.teaching.stop()

    def set_device(self, device: str) -> None:
        self._session.set_device(device)
        self._window.refresh()

    def show_palette(self) -> None:
        from fcn_studio.ui.dialogs.command_palette import CommandPalette

        window = self._window
        window.refresh()  # what can be done may have changed since the last turn of the event loop
        recent = list(self._session.settings["recent_commands"])
        palette = CommandPalette(window, window.actions_of, window.theme, recent)
        palette.closed.connect(lambda: self._session.settings.__setitem__("recent_commands", recent))

    def show_keys(self) -> None:
        from fcn_studio.ui.dialogs.keys import KeysDialog

        KeysDialog(self._window, self._window.actions_of).open()

    def edit_keys(self) -> None:
        from fcn_studio.ui.dialogs.key_editor import KeyEditor

        KeyEditor(self._window, self._window.actions_of.keymap, self._window.theme).open()

    def show_hint(self) -> None:
        self._window.hint.appear()

    def about(self) -> None:
        from fcn_studio.ui.dialogs.keys import make_about_dialog

        make_about_dialog(self._window).open()
