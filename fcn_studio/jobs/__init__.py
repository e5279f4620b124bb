"""Work off the caller's thread: the device thread and the io pool. Knows neither Qt nor torch."""

from fcn_studio.jobs.device_thread import DeviceThread
from fcn_studio.jobs.io_pool import IoPool
from fcn_studio.jobs.job import JobHandle, JobState, Priority

__all__ = ["DeviceThread", "IoPool", "JobHandle", "JobState", "Priority"]
