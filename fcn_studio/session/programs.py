"""`fcn_studio.open_project`: a session for programs, without a window and without a loop of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import platformdirs

from fcn_studio.core.errors import FcnStudioError, ProjectError
from fcn_studio.core.ports import QueueDispatcher
from fcn_studio.core.settings import Settings
from fcn_studio.session.events import Level, Notice
from fcn_studio.session.session import Session

NAME = "fcn-studio"


class ProgramSession(Session):
    """A session that a program drives: ask for something, then `wait_until` it is there."""

    def __init__(self, device: str = "auto") -> None:
        self._queue = QueueDispatcher()
        super().__init__(
            self._queue,
            Settings({"device": device}),
            settings_path=None,
            cache_dir=platformdirs.user_cache_path(NAME, appauthor=False),
            data_dir=platformdirs.user_data_path(NAME, appauthor=False),
        )
        self._first_error: str | None = None
        self.events.notice.connect(self._on_notice)

    def wait_until(self, reached: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Let answers in until `reached()`; raises FcnStudioError on the first error told meanwhile.

        Raises TimeoutError after `timeout_s` seconds.
        """
        self._first_error = None
        end = time.monotonic() + timeout_s
        while not self._queue.run_until(lambda: reached() or self._first_error is not None, 0.1):
            if time.monotonic() > end:
                raise TimeoutError(f"waited {timeout_s:.0f} s in vain")
        if self._first_error is not None:
            raise FcnStudioError(self._first_error)

    def open_image(self, image_id: str, timeout_s: float = 60.0) -> None:
        """Open an image and wait for its prediction."""
        self.images.open(image_id)
        self.wait_until(
            lambda: (
                self.document is not None
                and self.document.image_id == image_id
                and self.document.prediction is not None
            ),
            timeout_s,
        )

    def _on_notice(self, notice: Notice) -> None:
        if notice.level is Level.ERROR and self._first_error is None:
            self._first_error = notice.text


def open_project(path: Path | str, device: str = "auto", timeout_s: float = 60.0) -> ProgramSession:
    """Open images, a folder or a project as the window does; to be used in a `with` block.

    device: "auto", "cpu" or "cuda". Raises ProjectError with one sentence when it cannot be opened.
    """
    session = ProgramSession(device)
    try:
        session.open([Path(path)])
        session.wait_until(lambda: session.is_open, timeout_s)
    except FcnStudioError as error:
        session.close()
        raise ProjectError(error.user_message) from error
    except BaseException:
        session.close()
        raise
    return session
