"""The right column: panels one above the other, squeezed while they can be, scrolled when they cannot."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from fcn_studio.ui.panels.sections import make_line

LEAST_SEEN_PX = 120


class Column(QWidget):
    """Stacks `panels` with lines between them; `foot` stands below them and is never scrolled away."""

    def __init__(self, panels: list[QWidget], foot: QWidget) -> None:
        super().__init__()
        self.setObjectName("surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.scrolled = ScrolledPanels(panels)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.scrolled, 1)
        rows.addWidget(make_line())
        rows.addWidget(foot)
        rows.addStretch(0)


class ScrolledPanels(QScrollArea):
    """Panels as high as they want to be where there is room, then as low as they can be, then scrolled.

    Qt's own `widgetResizable` gives a layout with wrapped text its preferred height and never less; here it
    gets the height of the view as long as its least height fits.
    """

    def __init__(self, panels: list[QWidget]) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumHeight(LEAST_SEEN_PX)
        self._inner = inner = QWidget()
        inner.setObjectName("surface")
        self._rows = QVBoxLayout(inner)
        self._rows.setContentsMargins(0, 2, 0, 0)
        self._rows.setSpacing(0)
        self._rows.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)
        for panel in panels:
            if panel is not panels[0]:
                self._rows.addWidget(make_line())
            self._rows.addWidget(panel)
        self.setWidget(inner)
        inner.installEventFilter(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._inner and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        rows, width = self._rows, self.viewport().width()
        if rows.hasHeightForWidth():
            least, wanted = rows.minimumHeightForWidth(width), rows.heightForWidth(width)
        else:
            least, wanted = rows.minimumSize().height(), rows.sizeHint().height()
        self.setMaximumHeight(max(wanted, LEAST_SEEN_PX))
        self._inner.resize(width, max(least, self.viewport().height()))
