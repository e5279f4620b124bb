"""The fine-tune panel: one button with a sensible default; while it runs, how far and how well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from fcn_studio.ui.icons import make_icon
from fcn_studio.ui.panels.prediction import ActionButton
from fcn_studio.ui.panels.sections import Choice, LinkButton, Section, make_label, make_row, make_tool_button
from fcn_studio.ui.theme import Theme

if TYPE_CHECKING:
    from fcn_studio.session.session import Session

TIP_ROLE = Qt.ItemDataRole.ToolTipRole
ROOMY_PX = 980
"""So high the window has to be for the curves to stay when a run is over: lower, they hide other panels."""
RUNNING = ("preparing", "running", "stopping")


def describe_time(seconds: float | None) -> str:
    """ "1 min left" from seconds; empty where it is not known."""
    if seconds is None:
        return ""
    if seconds < 55:
        return f"{max(1, round(seconds / 5) * 5)} s left"
    if seconds < 5400:
        return f"{round(seconds / 60)} min left"
    return f"{round(seconds / 3600)} h left"


class TrainingPanel(Section):
    """Shows the session's training status; its buttons are the commands "Fine-tune" and "Stop"."""

    def __init__(self, session: Session, theme: Theme, start: QAction, stop: QAction) -> None:
        self.progress_text = make_label("", "muted")
        self.progress_text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.fold = make_tool_button("", checkable=True)
        corner = QWidget()
        corner.setLayout(make_row(self.progress_text, self.fold))
        super().__init__(self.tr("Fine-tune"), corner)
        self._session, self._theme = session, theme
        self._was_running = False
        self._shown = session.teaching.status
        self.fold.toggled.connect(self._on_folded)
        self._plot: Any = None
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("Progress of the fine-tuning"))
        self._plot_place = QWidget()
        self._plot_rows = QVBoxLayout(self._plot_place)
        self._plot_rows.setContentsMargins(0, 0, 0, 0)
        self.start = ActionButton(start, icon=make_icon(theme, "school-outline", "on_accent"))
        self.stop = ActionButton(stop, icon=make_icon(theme, "stop", "on_accent"))
        for button in (self.start, self.stop):
            button.setObjectName("primary")
        self.about = make_label("", "muted", wraps=True)
        self.recipes = Choice(theme)
        self.recipes.setAccessibleName(self.tr("Recipe of the fine-tuning"))
        for recipe in session.teaching.recipes:
            self.recipes.addItem(recipe.title, recipe.name)
            self.recipes.setItemData(self.recipes.count() - 1, session.teaching.explain(recipe), TIP_ROLE)
        self.recipes.activated.connect(lambda row: session.teaching.choose_recipe(self.recipes.itemData(row)))
        self._recipe_row = QWidget()
        row = make_row(make_label(self.tr("Recipe")), self.recipes)
        row.setStretch(1, 1)
        row.setContentsMargins(0, 0, 0, 0)
        self._recipe_row.setLayout(row)
        self.result = make_label("", "result", wraps=True)
        self.back = LinkButton()
        self.back.clicked.connect(self._on_back)
        for widget in (
            self.bar, self._plot_place, self.result, self.back, self.start, self.stop,
            self.about, self._recipe_row,
        ):  # fmt: skip
            self.rows.addWidget(widget)
        events = session.events
        events.training_changed.connect(lambda status: self.show_status(status))
        events.checkpoints_changed.connect(self._show_result)
        for event in (
            events.history_changed, events.classes_changed, events.image_opened, events.image_state_changed,
            events.checkpoints_changed, events.project_opened,
        ):  # fmt: skip
            event.connect(self._on_reason_changed)
        self._on_folded(False)
        self.show_status(session.teaching.status)

    def show_status(self, status: Any) -> None:
        """Bring everything in step with a TrainingStatus."""
        self._shown = status
        phase = status.phase.value
        is_running = phase in RUNNING
        self.start.setVisible(not is_running)
        self.stop.setVisible(is_running)
        self.bar.setVisible(is_running)
        self._recipe_row.setVisible(not is_running)
        self.progress_text.setVisible(is_running)
        self.bar.setRange(0, status.steps)  # 0 to 0 while preparing: a bar that only moves
        self.bar.setValue(status.step)
        self.progress_text.setText(self._describe(status) if phase == "running" else "")
        if self._was_running and not is_running:
            self.fold.setChecked(self.window().height() >= ROOMY_PX)
        self._was_running = is_running
        self._show_curves(status)
        self._show_result()
        self._on_reason_changed()

    def _describe(self, status: Any) -> str:
        parts = [self.tr("step {0} of {1}").format(status.step, status.steps)]
        return "  ·  ".join([*parts, *filter(None, [describe_time(status.seconds_left)])])

    def _show_curves(self, status: Any) -> None:
        has_curves, is_running = len(status.losses) > 1, status.phase.value in RUNNING
        self.fold.setVisible(has_curves and not is_running)
        is_shown = has_curves and (is_running or self.fold.isChecked())
        self._plot_place.setVisible(is_shown)
        if not is_shown:
            return
        self.prepare_plot()
        self._plot.show_curves(status.losses, status.scores, status.steps)

    def _on_folded(self, is_open: bool) -> None:
        words = self.tr("Hide the curves") if is_open else self.tr("Show the curves")
        self.fold.setIcon(make_icon(self._theme, "chevron-up" if is_open else "chevron-down", "muted"))
        self.fold.setToolTip(words)
        self.fold.setAccessibleName(words)
        self._show_curves(self._session.teaching.status)

    def prepare_plot(self) -> None:
        """Load the plotting library (0.2 to 0.6 s): while the person is idle, or for the first curve."""
        if self._plot is None:
            from fcn_studio.ui.panels.training_plot import TrainingPlot

            self._plot = TrainingPlot(self._theme)
            self._plot_rows.addWidget(self._plot)

    def dispose(self) -> None:
        """Let go of the plot, which holds menus without a parent."""
        if self._plot is not None:
            self._plot.dispose()
            self._plot = None

    def _on_reason_changed(self, *_what: object) -> None:
        """Under the button stands why it cannot be pressed, or what it will do."""
        status = self._session.teaching.status
        reason = self._session.teaching.blocked_reason()
        is_running = status.phase.value in RUNNING
        self._show_recipe(self._session.teaching.recipe)
        self.about.setText(self._describe_recipe() if reason is None else reason)
        self.about.setVisible(not is_running and not (reason is None and self.result.text()))

    def _show_recipe(self, recipe: Any) -> None:
        self.recipes.setCurrentIndex(self.recipes.findData(recipe.name))
        self.recipes.setToolTip(self._session.teaching.explain(recipe))

    def _describe_recipe(self) -> str:
        """What the button will do, in a sentence or two."""
        teaching = self._session.teaching
        if teaching.recipe == teaching.recipes[0]:
            return self.tr("Teaches the network what you labelled in this project, in at most two minutes.")
        steps = self.tr("{0} steps; “Stop” keeps the best so far.").format(f"{teaching.recipe.steps:,}")
        return f"{teaching.recipe.description} {steps}"

    def _show_result(self) -> None:
        """What came of the last run, and the way back while its network is the active one."""
        adopted_id = self._shown.adopted_id
        entry, parent = self._find_parent()
        is_left = adopted_id is not None and entry is not None and entry.id != adopted_id
        text = self.tr("“{0}” is used now.").format(entry.name) if is_left else self._shown.message
        self.result.setText(text)
        self.result.setVisible(bool(text))
        self.back.setVisible(adopted_id is not None and not is_left and parent is not None)
        if parent is not None:
            short = parent.name.partition(" (")[0]  # the tip has the rest
            self.back.setText(self.tr("Back to “{0}”").format(short))
            self.back.setToolTip(self.tr("Use “{0}” again instead of “{1}”").format(parent.name, entry.name))

    def _find_parent(self) -> tuple[Any, Any]:
        entries = self._session.shelf.entries
        active = next((entry for entry in entries if entry.active), None)
        if active is None or not active.parent:
            return active, None
        return active, next((e for e in entries if e.usable and e.card_id == active.parent), None)

    def _on_back(self) -> None:
        _active, parent = self._find_parent()
        if parent is not None:
            self._session.shelf.activate(parent.id)
