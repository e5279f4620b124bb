"""Which device networks run on, decided without importing torch where that is possible."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from fcn_studio.core.errors import DeviceError, UsageError

DEVICES = ("auto", "cpu", "cuda")


def sees_nvidia() -> bool:
    """Whether this machine looks as if it had an NVIDIA device; a few file look-ups, no driver call.

    An empty CUDA_VISIBLE_DEVICES (or -1) hides the devices, as CUDA itself has it.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in ("", "-1"):
        return False
    if sys.platform == "win32":
        return Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "nvcuda.dll").exists()
    return (
        Path("/proc/driver/nvidia/version").exists()
        or Path("/dev/nvidiactl").exists()
        or Path("/dev/dxg").exists()  # Windows' Linux subsystem
        or shutil.which("nvidia-smi") is not None
    )


def choose_device(device: str) -> str:
    """ "cpu" or "cuda" for a wish of "auto", "cpu" or "cuda".

    torch is asked (and so imported) only when the wish is cuda, or it is auto and the machine looks as if it
    had an NVIDIA device. Raises DeviceError when cuda is wished for and torch cannot use one, UsageError for
    another word.
    """
    if device not in DEVICES:
        raise UsageError(f"There is no device “{device}”: choose auto, cpu or cuda.")
    if device == "cpu" or (device == "auto" and not sees_nvidia()):
        return "cpu"
    from fcn_studio.inference import torch_engine

    if torch_engine.sees_cuda():
        return "cuda"
    if device == "cuda":
        raise DeviceError(
            "The device cuda was asked for, but torch finds no usable NVIDIA GPU here: "
            "choose auto or cpu as device, or install the driver and a torch with CUDA."
        )
    return "cpu"
