"""What is protected, in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from fcn_studio.core.classes import ClassTable
from fcn_studio.core.protect import Protection


def _tr(text: str) -> str:
    return QCoreApplication.translate("Protection", text)


def describe_protection(protection: Protection, classes: ClassTable) -> str:
    """Where the hand may write, in a few words; empty where nothing is protected."""
    parts = []
    if protection.only_unlabelled:
        parts.append(_tr("only unlabelled"))
    if protection.over is not None:
        parts.append(_tr("only over {0}").format(_join(protection.over, classes)))
    if protection.intensity is not None:
        parts.append(_tr("only brightness {0} to {1}").format(*protection.intensity))
    if protection.locked:
        parts.append(_tr("{0} locked").format(_join(protection.locked, classes)))
    return ", ".join(parts)


def _join(ids: frozenset[int], classes: ClassTable) -> str:
    names = [entry.name for entry in classes if entry.id in ids]
    return ", ".join(names) if len(names) <= 3 else _tr("{0} classes").format(len(names))
