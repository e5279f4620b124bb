"""The tree of all errors; `str(error)` is the sentence shown to the person.

FcnStudioError
+-- InputError          bad input of the person
|   +-- ImageReadError, LabelReadError, DatasetError, ProjectError, UsageError
+-- CheckpointError     a broken, foreign or older checkpoint
+-- DownloadError       weights that could not be fetched
+-- StorageError        the disk refused (full, read-only, ...)
|   +-- ReadOnlyError, InUseError, ChangedElsewhereError
+-- TrainingError       training cannot start or go on
+-- DeviceError         the asked-for device is not there
Cancelled               not an error: ends a job that nobody waits for any more
"""

from __future__ import annotations


class FcnStudioError(Exception):
    """Base of all errors that a person may see; the message says which file, what is wrong, what to do."""

    @property
    def user_message(self) -> str:
        return str(self)


class InputError(FcnStudioError):
    """The person gave something that cannot be used."""


class ImageReadError(InputError):
    """An image file that cannot be read."""


class LabelReadError(InputError):
    """A label file that cannot be read or does not fit its image."""


class DatasetError(InputError):
    """A data set folder that is not laid out as it should be."""


class ProjectError(InputError):
    """A project that cannot be opened."""


class UsageError(InputError):
    """A command was given arguments that do not fit together."""


class CheckpointError(FcnStudioError):
    """A checkpoint that is broken, foreign or of an older format."""


class DownloadError(FcnStudioError):
    """A file could not be fetched over the network, or came as something else than was promised."""


class StorageError(FcnStudioError):
    """The disk refused to store something; what existed is unchanged."""


class ReadOnlyError(StorageError):
    """The place does not allow writing."""


class InUseError(StorageError):
    """A file that another window or program is writing to."""


class ChangedElsewhereError(StorageError):
    """A file that another window or program changed since it was read, and that must not be written over."""


class TrainingError(FcnStudioError):
    """Training cannot start or go on."""


class DeviceError(FcnStudioError):
    """The asked-for device is not available."""


class Cancelled(Exception):
    """Raised inside a job when its answer is no longer wanted."""
