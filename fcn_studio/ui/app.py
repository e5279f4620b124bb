"""Builds everything once: application, dispatcher, session, window; takes it down without a trace."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from fcn_studio.core.settings import Settings
from fcn_studio.session.events import Level, Notice
from fcn_studio.session.session import Session
from fcn_studio.ui.bridge import QtDispatcher
from fcn_studio.ui.idle import IdleWork
from fcn_studio.ui.interrupt import Interrupt
from fcn_studio.ui.main_window import MainWindow

NAME = "fcn-studio"
HINT_AFTER_MS = 1200


class App:
    """The running program: `window`, `session` and what connects them; `close` ends all of it.

    There must be a QApplication. `places` are the files and folders of this person: settings_path, cache_dir,
    data_dir. `overrides` are settings for this run only.
    """

    def __init__(self, *, places: Mapping[str, Path], overrides: Mapping[str, Any] | None = None) -> None:
        settings = Settings.from_json(_read_text(places["settings_path"]))
        self._overridden: dict[str, tuple[Any, Any]] = {}
        for name, value in (overrides or {}).items():
            self._overridden[name] = (settings[name], value)
            settings[name] = value
        self.dispatcher = QtDispatcher()
        self.session = Session(self.dispatcher, settings, **places)
        self.window = MainWindow(self.session)
        self.idle = IdleWork(self.window)
        self._image_to_restore: str = settings["last_image"]
        self._closed = False
        events = self.session.events
        events.image_opened.connect(self._on_first_image)
        events.prediction_changed.connect(self._on_first_overlay)

    def open(self, paths: Sequence[Path] = (), *, samples: bool = False) -> None:
        """Open `paths`, else what was open last, else the samples."""
        last = [Path(text) for text in self.session.settings["last_paths"]]
        if samples:
            self.session.open_samples()
        elif paths:
            self.session.open([path.absolute() for path in paths])
        elif last and all(map(os.path.exists, last)):
            self.session.open(last, first=self._image_to_restore)
        else:
            self.session.open_samples()

    def close(self, timeout_s: float = 10.0) -> bool:
        """Write what is to be kept and end all threads; False when one did not end in time."""
        if self._closed:
            return True
        self._closed = True
        self.idle.stop()
        self.window.keep()
        self.window.dispose()
        for name, (before, during) in self._overridden.items():
            if self.session.settings[name] == during:
                self.session.settings[name] = before
        ended = self.session.close(timeout_s)
        self.dispatcher.close()
        self.window.hide()
        self.window.deleteLater()
        self.dispatcher.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        return ended

    def _on_first_image(self, _document: Any) -> None:
        self.session.events.image_opened.disconnect(self._on_first_image)
        if not self.session.settings["hint_seen"]:
            QTimer.singleShot(HINT_AFTER_MS, self.window.hint, self.window.hint.appear)

    def _on_first_overlay(self, _image_id: str) -> None:
        """From now on heavy imports may come, but only while nobody touches anything (design 3).

        The plots first: while torch loads on the device thread, an import here might wait for its locks.
        """
        self.session.events.prediction_changed.disconnect(self._on_first_overlay)
        self.idle.add(self.window.training.prepare_plot, self.session.teaching.request_warm_up)


def find_places() -> dict[str, Path]:
    """Where this person's settings, cache and samples lie."""
    import platformdirs

    return {
        "settings_path": platformdirs.user_config_path(NAME, appauthor=False) / "settings.json",
        "cache_dir": platformdirs.user_cache_path(NAME, appauthor=False),
        "data_dir": platformdirs.user_data_path(NAME, appauthor=False),
    }


def make_application() -> QApplication:
    """The one QApplication, with the names that the system shows."""
    QGuiApplication.setDesktopFileName(NAME)
    running = QApplication.instance()
    application = running if isinstance(running, QApplication) else QApplication([NAME])
    application.setApplicationName("FCN Studio")
    application.setStyle("Fusion")
    return application


def run(
    paths: Sequence[Path] = (),
    *,
    settings: Mapping[str, Any] | None = None,
    samples: bool = False,
    on_start: Callable[[App], None] | None = None,
) -> int:
    """Show the window until it is closed; returns the exit code.

    settings: values for this run only, such as device and theme. on_start: called with the App once the
    window is shown (tests and benchmarks).
    """
    application = make_application()
    app = App(places=find_places(), overrides=settings)
    interrupt = Interrupt(app.window.close)
    with _told_of_errors(app):
        app.window.show()
        app.open(paths, samples=samples)
        if on_start is not None:
            on_start(app)
        code = application.exec()
    interrupt.close()
    return code if app.close() else 1


@contextlib.contextmanager
def _told_of_errors(app: App) -> Any:
    """An error that nobody caught is written to the terminal and told in the window; the program goes on."""

    def on_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        traceback.print_exception(kind, error, trace)
        text = f"Something went wrong: {error}. Your strokes are safe; if it stays odd, start again."
        app.window.notices.show_notice(Notice(Level.ERROR, text))

    before, sys.excepthook = sys.excepthook, on_error
    try:
        yield
    finally:
        sys.excepthook = before


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
