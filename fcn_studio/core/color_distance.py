"""How far apart two colours look, to every kind of eye.

Distance: Euclidean in OKLab (B. Ottosson, "A perceptual color space for image processing", 2020), times 100,
so that 2 is about what can just be seen side by side. Colour blindness: the matrices for full protanopia,
deuteranopia and tritanopia of G. Machado, M. Oliveira and L. Fernandes, "A Physiologically-based Model for
Simulation of Color Vision Deficiency", IEEE TVCG 15(6), 2009, on linear RGB.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

VISIONS: dict[str, NDArray[np.float64]] = {
    "normal": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ]),
    "tritanopia": np.array([
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip
_TO_CONES = np.array([
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
])  # fmt: skip
_TO_LAB = np.array([
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
])  # fmt: skip


def make_linear(colors: ArrayLike) -> NDArray[np.float64]:
    """Linear RGB [..., 3], 0 to 1, of sRGB colours [..., 3], 0 to 255 (IEC 61966-2-1)."""
    values = np.asarray(colors, np.float64) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def make_oklab(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """OKLab [..., 3] (L 0 to 1, a and b about -0.4 to 0.4) of linear RGB [..., 3]."""
    result: NDArray[np.float64] = np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T
    return result


def make_seen(colors: ArrayLike) -> NDArray[np.float64]:
    """float64 [4, n, 3]: n colours (sRGB, 0 to 255) in OKLab times 100, as each of VISIONS sees them."""
    linear = make_linear(colors).reshape(-1, 3)
    return np.stack([
        100 * make_oklab(np.clip(linear @ matrix.T, 0, 1)) for matrix in VISIONS.values()
    ])  # fmt: skip


def compute_distances(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """float64 [n, m]: how far n colours are from m others for the eye that tells them apart worst."""
    difference = make_seen(first)[:, :, None] - make_seen(second)[:, None, :]
    result: NDArray[np.float64] = np.sqrt((difference**2).sum(-1)).min(0)
    return result


def find_worst_vision(first: Sequence[int], second: Sequence[int]) -> tuple[str, float]:
    """The kind of eye that tells two colours apart worst, and how far apart they are for it."""
    seen = np.linalg.norm(make_seen([first])[:, 0] - make_seen([second])[:, 0], axis=1)
    worst = int(seen.argmin())
    return list(VISIONS)[worst], float(seen[worst])
