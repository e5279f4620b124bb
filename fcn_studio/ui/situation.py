"""What the commands look at, read from the window's session, canvas and panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fcn_studio.ui.command import Situation
from fcn_studio.ui.tool_deeds import find_guards
from fcn_studio.ui.tools.area import RectangleTool
from fcn_studio.ui.tools.polygon import PolygonTool

if TYPE_CHECKING:
    from fcn_studio.ui.main_window import MainWindow


OUTLINES = (PolygonTool, RectangleTool)


def read_situation(window: MainWindow) -> Situation:
    """The situation now."""
    session, canvas = window.session, window.canvas
    document = session.document
    state, blocked_by = "unlabelled", session.teaching.blocked_reason() or ""
    if document is not None and session.project is not None:
        state = session.project.state_of(document.image_id).value
    return Situation(
        guards=find_guards(session),
        has_project=session.is_open,
        has_document=document is not None,
        has_prediction=document is not None and document.prediction is not None,
        has_labels=state != "unlabelled",
        is_preview=session.classes.is_preview,
        # An outline may begin at any moment, and nothing is told of its points.
        can_undo=session.editing.can_undo or (document is not None and isinstance(canvas.tool, OUTLINES)),
        can_redo=session.editing.can_redo,
        undo_name=session.editing.undo_name,
        redo_name=session.editing.redo_name,
        is_reviewed=state == "reviewed",
        can_train=not blocked_by,
        training_blocked_by=blocked_by,
        is_training=session.teaching.is_running,
        tool=canvas.tool_id,
        device=session.settings["device"],
        theme=window.theme.mode,
        labels_shown=canvas.layer_visible("labels"),
        prediction_shown=canvas.layer_visible("prediction"),
        images_panel_shown=window.images_dock.isVisible(),
        teach_panel_shown=window.teach_dock.isVisible(),
        history_panel_shown=window.history_dock.isVisible(),
        is_full_screen=window.isFullScreen(),
        shown=window.view_controls.shown,
        can_compare=window.view_controls.can_compare,
        class_names={c.shortcut: c.name for c in session.classes.shown if c.shortcut},
    )
