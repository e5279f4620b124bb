"""Dark, light and high contrast: some colour tokens, one style sheet, following the system, switched live."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from string import Template

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QWidget

from fcn_studio.core.resources import resource_path

MODES = ("system", "dark", "light", "contrast")
SMALLEST_FONT_PX = 13


@dataclass(frozen=True)
class Tokens:
    """The colours of one theme, as "#rrggbb"; everything drawn by the window uses these and no others."""

    surface: str  # panels, tool bar, menus
    canvas: str  # round the image
    field: str  # inputs
    raised: str  # buttons, the chosen row
    hover: str
    border: str
    text: str
    muted: str  # text of second rank
    accent: str  # lines, links, progress
    accent_fill: str  # behind `on_accent`
    on_accent: str
    success: str
    warning: str
    error: str

    def color(self, name: str) -> QColor:
        """A token as a QColor; raises AttributeError for a name that is none."""
        return QColor(getattr(self, name))


@cache
def read_tokens(name: str) -> Tokens:
    """The tokens of "dark", "light" or "contrast"."""
    values = json.loads(resource_path("themes", f"{name}.json").read_text("utf-8"))
    return Tokens(**{field.name: values[field.name] for field in fields(Tokens)})


@cache
def _template() -> Template:
    return Template(resource_path("themes", "window.qss").read_text("utf-8"))


def mix(first: str, second: str, share: float) -> str:
    """A colour between two: `share` of `second` (0 to 1)."""
    a, b = QColor(first), QColor(second)
    return QColor.fromRgbF(
        a.redF() + (b.redF() - a.redF()) * share,
        a.greenF() + (b.greenF() - a.greenF()) * share,
        a.blueF() + (b.blueF() - a.blueF()) * share,
    ).name()


def make_style_sheet(tokens: Tokens, font_px: int) -> str:
    """The style sheet of a window whose ordinary text is `font_px` high."""
    values: dict[str, str | int] = {field.name: getattr(tokens, field.name) for field in fields(Tokens)}
    values["disabled"] = mix(tokens.surface, tokens.muted, 0.6)
    values["ring"] = tokens.accent
    values["groove"] = mix(tokens.surface, tokens.muted, 0.35)
    values["knob"] = tokens.text if QColor(tokens.surface).lightnessF() < 0.5 else tokens.surface
    values["small_px"] = max(11, font_px - 1)
    values["title_px"] = font_px + 5
    return _template().substitute(values)


def make_palette(tokens: Tokens) -> QPalette:
    """The same colours for what Qt draws without a style sheet."""
    palette = QPalette()
    role = QPalette.ColorRole
    for target, name in (
        (role.Window, "surface"), (role.Base, "field"), (role.AlternateBase, "raised"),
        (role.Button, "raised"), (role.ToolTipBase, "raised"), (role.Mid, "border"),
        (role.WindowText, "text"), (role.Text, "text"), (role.ButtonText, "text"), (role.ToolTipText, "text"),
        (role.PlaceholderText, "muted"), (role.Highlight, "accent_fill"), (role.HighlightedText, "on_accent"),
        (role.Link, "accent"),
    ):  # fmt: skip
        palette.setColor(target, tokens.color(name))
    faint = QColor(mix(tokens.surface, tokens.muted, 0.6))
    for target in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, target, faint)
    return palette


class Theme(QObject):
    """The theme of one window; `changed` after its colours changed, whoever draws by hand listens to it."""

    changed = Signal()

    def __init__(self, window: QWidget, mode: str = "system") -> None:
        super().__init__(window)
        self._window = window
        self._mode = mode if mode in MODES else "system"
        self._hints = QGuiApplication.styleHints()
        self._scheme = self._hints.colorScheme()
        self._hints.colorSchemeChanged.connect(self._on_system_changed)
        if hasattr(self._hints, "accessibility"):
            self._hints.accessibility().contrastPreferenceChanged.connect(self._on_contrast_changed)
        self._name = self._wanted()
        window.setFont(_make_font(window.font()))
        self._dress()

    @property
    def mode(self) -> str:
        """ "system", "dark", "light" or "contrast": what the person chose."""
        return self._mode

    @property
    def is_dark(self) -> bool:
        return self._name != "light"

    @property
    def tokens(self) -> Tokens:
        return read_tokens(self._name)

    def set_mode(self, mode: str) -> None:
        """Follow the system, or be dark, light or of high contrast whatever the system is."""
        self._mode = mode if mode in MODES else "system"
        self._apply()

    def _wanted(self) -> str:
        if self._mode != "system":
            return self._mode
        if self._wants_contrast():
            return "contrast"
        # A system that does not say (a bare X server) gets the dark one: it is kinder to photographs.
        return "light" if self._scheme == Qt.ColorScheme.Light else "dark"

    def _wants_contrast(self) -> bool:
        """Whether the system asks for high contrast (Qt knows that since 6.10)."""
        accessibility = getattr(self._hints, "accessibility", None)
        if accessibility is None:
            return False
        return bool(accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast)

    def _on_contrast_changed(self, _preference: object) -> None:
        self._apply()

    def _on_system_changed(self, scheme: Qt.ColorScheme) -> None:
        self._scheme = scheme
        self._apply()

    def _apply(self) -> None:
        if self._wanted() != self._name:
            self._name = self._wanted()
            self._dress()
            self.changed.emit()

    def _dress(self) -> None:
        font_px = QFontInfo(self._window.font()).pixelSize()
        self._window.setStyleSheet(make_style_sheet(self.tokens, font_px))
        # After the style sheet: taking a new one, Qt puts the palette back that it found under the old one.
        self._window.setPalette(make_palette(self.tokens))


def _make_font(font: QFont) -> QFont:
    """The system's font, but never smaller than is comfortable (a bare X server offers 12 px)."""
    made = QFont(font)
    if QFontInfo(font).pixelSize() < SMALLEST_FONT_PX:
        made.setPixelSize(SMALLEST_FONT_PX)
    return made
