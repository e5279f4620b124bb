"""What the session tells: facts in the past tense, sent on the session's own thread."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from psygnal import Signal


class Level(Enum):
    """How loud a notice is."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


class About(Enum):
    """What a notice is about; it means nothing any more when that is gone."""

    PROJECT = "project"  # until another one opens
    IMAGE = "image"  # until another one is asked for
    OPENING = "opening"  # an attempt to open something: until the next one


@dataclass(frozen=True)
class Notice:
    """One sentence for the person; `action` names a command of the command table that cures it.

    until_saved: it means nothing any more once all strokes are written.
    """

    level: Level
    text: str
    action: str | None = None
    until_saved: bool = False
    about: About = About.PROJECT


class Saved(Enum):
    """Where the strokes of the open image are."""

    NOTHING = "nothing to save"
    WRITTEN = "written"  # survives a killed process
    ON_DISK = "on disk"  # survives a power cut
    IN_MEMORY = "in memory only"  # the disk refused; it is tried again


class Phase(Enum):
    """Where a prediction or a training is."""

    IDLE = "idle"
    PREPARING = "preparing"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class PredictionStatus:
    """What the prediction panel shows. `milliseconds` and `engine` are those of the last answer."""

    phase: Phase
    checkpoint_name: str
    engine: str = ""
    milliseconds: float | None = None
    message: str = ""


@dataclass(frozen=True)
class TrainingStatus:
    """What the training panel shows; `losses` are (step, loss), `scores` (step, validation mean IoU).

    adopted_id: the checkpoint that the run has brought and made the active one; None where it did not.
    """

    phase: Phase = Phase.IDLE
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    losses: tuple[tuple[int, float], ...] = ()
    scores: tuple[tuple[int, float], ...] = ()
    message: str = ""
    adopted_id: str | None = None


class SessionEvents:
    """One object with all the session's signals; whoever shows something connects here."""

    project_leaving = Signal()  # another one comes: what a hand has under way ends now
    project_left = Signal()  # another one comes: what was told of the one before is over
    project_opened = Signal()
    images_changed = Signal()
    image_state_changed = Signal(str)  # image id
    thumbnail_ready = Signal(str, object)  # image id, uint8 [h, w, 3]
    thumbnail_failed = Signal(str, str)  # image id, sentence
    image_opening = Signal(str)  # image id
    image_opened = Signal(object)  # Document
    image_failed = Signal(str, str)  # image id, sentence
    labels_changed = Signal(str, object)  # image id, Box
    edit_applied = Signal(str, object)  # image id, Edit: one that was computed, not drawn
    history_changed = Signal()
    undo_changed = Signal()  # whether undo has something to take back, before or without an edit
    protection_changed = Signal()
    saved_changed = Signal(object)  # Saved
    prediction_changed = Signal(str)  # image id
    comparison_changed = Signal(str)  # image id: what another checkpoint says of it
    prediction_status_changed = Signal(object)  # PredictionStatus
    classes_changed = Signal()
    class_chosen = Signal(int)  # class id
    colors_checked = Signal()  # which classes look alike has changed
    checkpoints_changed = Signal()
    training_changed = Signal(object)  # TrainingStatus
    activity_changed = Signal(str)  # what the device does, "" when idle
    export_changed = Signal(int, int)  # images done, images in all
    notice = Signal(object)  # Notice
