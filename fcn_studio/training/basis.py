"""How much a measured figure rests on."""

from __future__ import annotations

from dataclasses import dataclass

FEW = 5
"""A mean IoU over fewer images or strokes than this is told with a warning."""


@dataclass(frozen=True)
class Basis:
    """How much a figure rests on: whole images, or strokes of the brush where single ones are held out."""

    images: int = 0
    strokes: int = 0

    @property
    def is_few(self) -> bool:
        """Whether chance has more to say than the network."""
        return 0 < self.images + self.strokes < FEW

    def describe(self, kind: str) -> str:
        """ "1 held-out stroke", "7 held-out images" with the word for what they are."""
        count, noun = (self.strokes, "stroke") if self.strokes else (self.images, "image")
        return f"{count} {kind} {noun}{'' if count == 1 else 's'}"

    def as_figures(self, kind: str) -> dict[str, int]:
        """The count as an entry of a card: "held_out_strokes" or "held_out_images" with "held_out"."""
        return {f"{kind}_strokes": self.strokes} if self.strokes else {f"{kind}_images": self.images}


NOTHING = Basis()
"""Of a run that was measured on nothing."""
