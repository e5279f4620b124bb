"""The application without a screen, for the window, the command line and programs."""

from __future__ import annotations

from fcn_studio.session.document import Document
from fcn_studio.session.events import Level, Notice, Phase, Saved, SessionEvents
from fcn_studio.session.programs import ProgramSession, open_project
from fcn_studio.session.session import Session

__all__ = [
    "Document",
    "Level",
    "Notice",
    "Phase",
    "ProgramSession",
    "Saved",
    "Session",
    "SessionEvents",
    "open_project",
]
