"""The project folder: images, labels, journal, checkpoints, and samples for training.

A program opens one with `open_project`, reads labels with `load_document`, notes every edit in a `Journal`
(made durable by a `JournalWriter`) and keeps the label PNG up to date with `save_labels`.
"""

from fcn_studio.project.compaction import compact_journal
from fcn_studio.project.dataset_source import DatasetSource
from fcn_studio.project.journal import Journal
from fcn_studio.project.journal_writer import JournalWriter
from fcn_studio.project.label_files import LabelPlace
from fcn_studio.project.label_store import JournalPlan, LoadedLabels, load_labels, save_labels
from fcn_studio.project.opening import open_project
from fcn_studio.project.overtaken import Change, do_again, write_aside
from fcn_studio.project.places import remember_store, remembered_store, store_beside
from fcn_studio.project.project import ImageState, Project, load_document
from fcn_studio.project.sample_source import ProjectSource
from fcn_studio.project.shelf import ShelfEntry, read_entry, read_shelf
from fcn_studio.project.sources import open_source

__all__ = [
    "Change",
    "DatasetSource",
    "ImageState",
    "Journal",
    "JournalPlan",
    "JournalWriter",
    "LabelPlace",
    "LoadedLabels",
    "Project",
    "ProjectSource",
    "ShelfEntry",
    "compact_journal",
    "do_again",
    "load_document",
    "load_labels",
    "open_project",
    "open_source",
    "read_entry",
    "read_shelf",
    "remember_store",
    "remembered_store",
    "save_labels",
    "store_beside",
    "write_aside",
]
