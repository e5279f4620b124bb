"""Which classes lie side by side, against a slow count."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fcn_studio.core import contacts
from fcn_studio.core.contacts import LEAST_PIXELS, count_contacts


@given(
    hnp.arrays(
        np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.sampled_from([0, 1, 7, 255])
    ),
    st.sampled_from([1, 25, contacts.STRIP_PIXELS]),
)
def test_contacts_are_those_of_a_slow_count(labels: np.ndarray, strip_pixels: int) -> None:
    counts: Counter[tuple[int, int]] = Counter()
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            for ny, nx in ((y + 1, x), (y, x + 1)):
                if ny < height and nx < width:
                    a, b = sorted((int(labels[y, x]), int(labels[ny, nx])))
                    if a != b and b != 255:
                        counts[a, b] += 1
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(contacts, "STRIP_PIXELS", strip_pixels)
        found = count_contacts(labels)
    assert found == {pair: n for pair, n in counts.items() if n >= LEAST_PIXELS}
