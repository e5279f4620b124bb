"""The main window: places the panels round the canvas and connects them; decides nothing itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QMainWindow,
    QStackedLayout,
    QToolBar,
    QWidget,
)

from fcn_studio.session.events import Level, Notice, Saved
from fcn_studio.ui.canvas.view import CanvasView
from fcn_studio.ui.catch_up import CatchUp
from fcn_studio.ui.command import Situation
from fcn_studio.ui.command_actions import CommandActions, write_keys_anew
from fcn_studio.ui.deeds import Deeds
from fcn_studio.ui.keymap import Keymap
from fcn_studio.ui.notices import Notices
from fcn_studio.ui.panels.classes import ClassesPanel
from fcn_studio.ui.panels.column import Column
from fcn_studio.ui.panels.display import DisplayPanel
from fcn_studio.ui.panels.hint import HintCard
from fcn_studio.ui.panels.history import HistoryPanel
from fcn_studio.ui.panels.image_list import ImageListPanel
from fcn_studio.ui.panels.layers import LayersPanel
from fcn_studio.ui.panels.prediction import PredictionPanel
from fcn_studio.ui.panels.sections import make_row
from fcn_studio.ui.panels.status_bar import StatusBar
from fcn_studio.ui.panels.tool_column import ToolColumn
from fcn_studio.ui.panels.tool_row import ToolRow
from fcn_studio.ui.panels.training import TrainingPanel
from fcn_studio.ui.panels.welcome import WelcomePage
from fcn_studio.ui.situation import read_situation
from fcn_studio.ui.theme import Theme, make_palette
from fcn_studio.ui.view_controls import ViewControls
from fcn_studio.ui.window_memory import SMALLEST_SIZE, keep_window, restore_window

if TYPE_CHECKING:
    from fcn_studio.session.session import Session

RIGHT_PX = 308
LEFT_PX = 236
LEFT_HEIGHTS_PX = [600, 210]


class MainWindow(QMainWindow):
    """Everything a person sees; all state is the session's, all commands come from the command table."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.theme = Theme(self, session.settings["theme"])
        self.deeds = Deeds(self)
        self.actions_of = CommandActions(self, self.deeds, self.theme, Keymap(session.settings))
        self.setWindowTitle("FCN Studio")
        self._warned = False
        self.setAcceptDrops(True)
        self.setMinimumSize(SMALLEST_SIZE)
        self._make_middle()
        self._make_sides()
        self._refresh_timer = QTimer(self)
        self._refresh_timer.setSingleShot(True)
        self._refresh_timer.setInterval(0)
        self._refresh_timer.timeout.connect(self.refresh)
        self._connect_canvas()
        self._connect_session()
        self.catch_up = CatchUp(session, self)
        self._restore()

    # --- building -----------------------------------------------------------------------------------------

    def _make_middle(self) -> None:
        actions = self.actions_of
        actions.fill(self.menuBar())
        self.tool_row = ToolRow(self.session, self.theme, actions)
        bar = QToolBar(self.tr("Tools"))
        bar.setObjectName("toolBar")
        bar.setMovable(False)
        bar.toggleViewAction().setEnabled(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        bar.addWidget(self.tool_row)
        self.addToolBar(bar)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.stage = QWidget()
        self.stage.setObjectName("stage")
        self._pages = QStackedLayout(self.stage)
        self.welcome = WelcomePage(
            self.theme, [actions["open_folder"], actions["open_images"], actions["open_samples"]]
        )
        self.canvas = CanvasView(self.session)
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self.canvas)
        self.tool_column = ToolColumn(actions.at("tools"))
        middle = QWidget()
        middle.setLayout(make_row(self.tool_column, self.stage, spacing=0))
        self.setCentralWidget(middle)
        self.notices = Notices(self.stage, self.theme)
        self.notices.cure_wanted.connect(actions.run)
        actions.failed.connect(lambda text: self.notices.show_notice(Notice(Level.WARNING, text)))
        actions.keys_changed.connect(lambda: write_keys_anew(self))
        self.hint = HintCard(self.stage, self.theme)
        self.hint.gone.connect(self._on_hint_gone)
        self.status = StatusBar(self.session, self.theme)
        self.setStatusBar(self.status)

    def _make_sides(self) -> None:
        actions = self.actions_of
        self.images = ImageListPanel(self.session, self.theme)
        self.history = HistoryPanel(self.session, self.theme)
        self.classes = ClassesPanel(self.session, self.theme)
        self.layers, self.display = LayersPanel(self.theme), DisplayPanel(self.theme)
        self.prediction = PredictionPanel(
            self.session, self.theme, actions["accept_all"], actions["mark_reviewed"]
        )
        self.training = TrainingPanel(
            self.session, self.theme, actions["fine_tune"], actions["stop_training"]
        )
        column = Column([self.classes, self.layers, self.display, self.prediction], self.training)
        column.setMinimumWidth(RIGHT_PX - 8)
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self.images_dock = self._dock("imagesDock", self.tr("Images"), self.images, left, LEFT_PX)
        self.history_dock = self._dock("historyDock", self.tr("History"), self.history, left, LEFT_PX)
        self.resizeDocks([self.images_dock, self.history_dock], LEFT_HEIGHTS_PX, Qt.Orientation.Vertical)
        self.teach_dock = self._dock("teachDock", self.tr("Classes and fine-tuning"), column, right, RIGHT_PX)

    def _dock(
        self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea, width_px: int
    ) -> QDockWidget:
        """A side panel that can be resized and put away, but not torn off (Wayland cannot)."""
        dock = QDockWidget(title)
        dock.setObjectName(name)
        dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        dock.setTitleBarWidget(QWidget())
        dock.setWidget(widget)
        self.addDockWidget(area, dock)
        self.resizeDocks([dock], [width_px], Qt.Orientation.Horizontal)
        dock.visibilityChanged.connect(lambda _visible: self._refresh_timer.start())
        return dock

    def _connect_canvas(self) -> None:
        canvas = self.canvas
        canvas.pointer_moved.connect(self.status.show_pointer)
        canvas.zoom_changed.connect(self.status.show_zoom)
        canvas.hint_changed.connect(self.status.show_hint)
        canvas.tool_changed.connect(self._on_tool_changed)
        canvas.classes_wanted.connect(self._on_classes_wanted)
        self.classes.answered.connect(canvas.setFocus)
        self.tool_row.size_changed.connect(canvas.set_brush_size)
        self.tool_row.follow(canvas)
        self.view_controls = ViewControls(
            self.session, canvas, self.layers, self.display, self._refresh_timer.start
        )
        self.theme.changed.connect(self._dress_canvas)
        self._dress_canvas()

    def _connect_session(self) -> None:
        events = self.session.events
        for event in (
            events.project_opened, events.images_changed, events.image_state_changed, events.image_opened,
            events.history_changed, events.classes_changed, events.class_chosen, events.prediction_changed,
            events.checkpoints_changed, events.training_changed, events.protection_changed,
            events.undo_changed,
        ):  # fmt: skip
            event.connect(self._on_something_changed)
        events.notice.connect(self.notices.show_notice)
        events.image_opening.connect(self.notices.on_image_opening)
        events.project_left.connect(self.notices.on_project_left)
        events.saved_changed.connect(self._on_saved_changed)
        events.labels_changed.connect(self._on_labels_changed)

    # --- state --------------------------------------------------------------------------------------------

    def situation(self) -> Situation:
        """What the commands look at."""
        return read_situation(self)

    def refresh(self) -> None:
        """Bring menus, buttons, title and page in step with the session."""
        self.actions_of.refresh(self.situation())
        session = self.session
        if session.is_open and self._pages.currentWidget() is not self.canvas:
            self._pages.setCurrentWidget(self.canvas)
            self.canvas.setFocus()  # and not the first button of the tool row
        self.tool_row.show_title(session.project_title or "FCN Studio")
        self.hint.show_preview(session.classes.is_preview)
        parts = [session.document.name if session.document else "", session.project_title, "FCN Studio"]
        self.setWindowTitle(" – ".join(filter(None, parts)))

    def panes(self) -> tuple[QWidget, ...]:
        """The parts of the window in the order in which the keyboard goes round them."""
        return (self.tool_row, self.images_dock, self.history_dock, self.canvas, self.teach_dock)

    def _on_something_changed(self, *_what: object) -> None:
        self._refresh_timer.start()

    def _on_labels_changed(self, *_what: object) -> None:
        if not self.session.editing.in_stroke:
            self._refresh_timer.start()
        self.hint.go()

    def _on_saved_changed(self, saved: Saved) -> None:
        self.notices.on_saved_changed(saved)
        self._warned = self._warned and saved is Saved.IN_MEMORY

    def _on_tool_changed(self, tool: str) -> None:
        self.session.settings["tool"] = tool
        self.tool_row.show_tool()
        self._refresh_timer.start()

    def _on_classes_wanted(self) -> None:
        self.teach_dock.show()
        self.classes.ask_whose_classes()
        text = self.tr("Choose the classes on the right first: the model’s, or your own.")
        self.notices.show_notice(Notice(Level.INFO, text))

    def _on_hint_gone(self) -> None:
        self.session.settings["hint_seen"] = True

    def _dress_canvas(self) -> None:
        # A style sheet keeps the window's palette from what is drawn by hand below it.
        self.canvas.setPalette(make_palette(self.theme.tokens))
        self.canvas.set_backdrop(self.theme.tokens.color("canvas"))

    # --- remembering --------------------------------------------------------------------------------------

    def _restore(self) -> None:
        settings = self.session.settings
        restore_window(self, settings)
        self.canvas.choose_tool(settings["tool"])
        self._on_tool_changed(self.canvas.tool_id)
        self.refresh()

    def keep(self) -> None:
        """Put what the window should remember into the settings."""
        settings = self.session.settings
        keep_window(self, settings)
        settings["tool"] = self.canvas.tool_id
        settings["brush_size"] = self.canvas.options.size_of("brush")
        settings["tool_options"] = self.canvas.options.to_values()
        settings["last_view"] = self.canvas.view_state() if self.session.document else {}

    def dispose(self) -> None:
        """End what runs or is held beside the window; the window can only be deleted after this."""
        self.canvas.dispose()
        self.tool_row.dispose()
        self.training.dispose()

    # --- Qt's own events ------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(1440, 900)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.deeds.open_paths(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Strokes that no disk takes would be lost: say so once; a second try closes."""
        if self.session.editing.is_at_risk and not self._warned:
            self._warned = True
            text = self.tr(
                "The last strokes are not on disk. Keep them elsewhere, or close again to lose them."
            )
            self.notices.show_notice(Notice(Level.ERROR, text, "choose_store", until_saved=True))
            event.ignore()
            return
        # What still waits to be painted would find no window to be painted on, and Qt would complain.
        self.setUpdatesEnabled(False)
        super().closeEvent(event)
