"""What reading a picture leaves behind in memory; measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import struct, sys, threading
from pathlib import Path
from fcn_studio.io.images import read_thumbnail

def used():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

path, side = Path(sys.argv[1]), 5000
head = struct.pack("<2sIHHI", b"BM", 54 + 3 * side * side, 0, 0, 54)
with path.open("wb") as file:
    file.write(head + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 3 * side * side, 0, 0, 0, 0))
    file.truncate(54 + 3 * side * side)
before = used()
for _ in range(2):
    thread = threading.Thread(target=read_thumbnail, args=(path, 160))
    thread.start()
    thread.join()
print(used() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is measured by Linux' own count")
def test_threads_that_made_thumbnails_give_the_memory_of_the_picture_back(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "large.bmp")]
    kept = int(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)
    assert kept < 25e6  # of the 100 MB that the picture took
