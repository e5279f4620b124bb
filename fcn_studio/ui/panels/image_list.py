"""The left panel: the project's images with thumbnails and states, a filter, and how many are reviewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QListView, QVBoxLayout, QWidget

from fcn_studio.ui.panels.image_rows import ID_ROLE, ImageDelegate, ImageFilter, ImageRows
from fcn_studio.ui.panels.sections import GAP, make_heading, make_label, make_row
from fcn_studio.ui.theme import Theme

if TYPE_CHECKING:
    from fcn_studio.session.session import Session

NARROWEST_PX = 220  # the words for a state fit beside the thumbnail, also with a scroll bar


class ImageListPanel(QWidget):
    """Shows the session's images; a click opens one."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.setObjectName("surface")
        self.setAccessibleName(self.tr("Images"))
        self.count = make_label("", "muted")
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Filter by name or state"))
        self.filter.setAccessibleName(self.tr("Filter the images by name or state"))
        self.filter.setClearButtonEnabled(True)
        self.rows = ImageRows(session, self)
        self.shown = ImageFilter(self)
        self.shown.setSourceModel(self.rows)
        self.view = self._make_view(theme)
        self.nothing = make_label(self.tr("No image has this in its name or state."), "muted", wraps=True)
        self.nothing.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 8, 8)
        layout.setSpacing(GAP)
        layout.addLayout(make_row(make_heading(self.tr("Images")), None, self.count))
        layout.addWidget(self.filter)
        layout.addWidget(self.nothing)
        layout.addWidget(self.view, 1)
        self.setMinimumWidth(NARROWEST_PX)
        self._connect()

    def _make_view(self, theme: Theme) -> QListView:
        view = QListView()
        view.setObjectName("images")
        view.setAccessibleName(self.tr("Images of the project"))
        view.setModel(self.shown)
        view.setItemDelegate(ImageDelegate(theme, view))
        view.setMouseTracking(True)
        view.setUniformItemSizes(True)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setSpacing(0)
        return view

    def _connect(self) -> None:
        self.filter.textChanged.connect(self.shown.set_text)
        self.filter.textChanged.connect(self._show_whether_any)
        self.filter.returnPressed.connect(self._open_first)
        self.view.clicked.connect(self._on_row_used)
        self.view.activated.connect(self._on_row_used)
        events = self._session.events
        events.images_changed.connect(self._on_images_changed)
        events.image_state_changed.connect(self._on_state_changed)
        events.thumbnail_ready.connect(self.rows.put_thumbnail)
        events.thumbnail_failed.connect(self._on_thumbnail_failed)
        events.image_opening.connect(self._show_current)
        events.image_opened.connect(self._on_image_opened)
        events.image_failed.connect(self._on_image_failed)

    def ask_filter(self) -> None:
        """Put the cursor into the filter."""
        self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter.selectAll()

    def _on_row_used(self, index: QModelIndex) -> None:
        image_id = index.data(ID_ROLE)
        if image_id and image_id != self._session.images.current_id:
            self._session.images.open(image_id)

    def _show_whether_any(self) -> None:
        self.nothing.setVisible(self.rows.rowCount() > 0 and self.shown.rowCount() == 0)

    def _open_first(self) -> None:
        if self.shown.rowCount():
            self._on_row_used(self.shown.index(0, 0))
            self.view.setFocus()

    def _on_images_changed(self) -> None:
        self.rows.reload()
        self._show_whether_any()
        self._show_count()
        self._show_current(self._session.images.current_id)

    def _on_state_changed(self, image_id: str) -> None:
        self.rows.refresh_state(image_id)
        self._show_whether_any()
        self._show_count()

    def _show_count(self) -> None:
        done, total = self.rows.count_reviewed(), self.rows.rowCount()
        self.count.setText(self.tr("{0} of {1} reviewed").format(done, total) if total else "")

    def _on_image_opened(self, document: object) -> None:
        image_id = getattr(document, "image_id", None)
        self.rows.show_opened(image_id or "")
        self._show_current(image_id)

    def _on_thumbnail_failed(self, image_id: str, sentence: str) -> None:
        document = self._session.document
        if document is None or document.image_id != image_id:  # what is open can be read
            self.rows.show_failed(image_id, sentence)

    def _on_image_failed(self, image_id: str, sentence: str) -> None:
        """The canvas still shows the image before: so does the list, or people would label the wrong one."""
        self.rows.show_failed(image_id, sentence)
        self._show_current(self._session.images.current_id or image_id)

    def _show_current(self, image_id: str | None) -> None:
        index = self.shown.mapFromSource(self.rows.index(self.rows.row_of(image_id), 0))
        if index.isValid():
            flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.view.selectionModel().setCurrentIndex(index, flag)
            self.view.scrollTo(index)
        else:
            self.view.clearSelection()
