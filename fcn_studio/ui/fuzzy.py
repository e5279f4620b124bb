"""Finding a text by a few of its letters, as one types them: "prt" finds "Show prediction"."""

from __future__ import annotations

from dataclasses import dataclass

WORD_START, RUN, LETTER, GAP = 5.0, 6.0, 1.0, 0.15


@dataclass(frozen=True)
class Match:
    """How well a text fits (higher is better), and the places of the letters that were asked for."""

    score: float
    places: tuple[int, ...]


def find_match(query: str, text: str) -> Match | None:
    """The best way to find the letters of `query` in `text` in this order; None when there is none.

    Case and spaces of the query do not count. Letters at the start of a word and next to one another count
    most; of equal ones the shorter text wins.
    """
    letters = [letter for letter in query.casefold() if not letter.isspace()]
    if not letters:
        return Match(0.0, ())
    lowered = text.casefold()
    if len(lowered) != len(text):  # a letter that becomes two (German sharp s): places would not fit
        lowered = text.lower() if len(text.lower()) == len(text) else text
    best: dict[int, Match] = {}  # by the place of the last letter found
    for index, letter in enumerate(letters):
        found: dict[int, Match] = {}
        for place, other in enumerate(lowered):
            if other != letter:
                continue
            gain = LETTER + (WORD_START if _starts_word(text, place) else 0.0)
            if index == 0:
                found[place] = Match(gain - GAP * min(place, 10), (place,))
                continue
            chances = [
                Match(
                    before.score + gain + (RUN if place == last + 1 else -GAP * min(place - last, 10)),
                    (*before.places, place),
                )
                for last, before in best.items()
                if last < place
            ]
            if chances:
                found[place] = max(chances, key=lambda match: match.score)
        if not found:
            return None
        best = found
    top = max(best.values(), key=lambda match: match.score)
    return Match(top.score - 0.01 * len(text), top.places)


def _starts_word(text: str, place: int) -> bool:
    return (
        place == 0 or not text[place - 1].isalnum() or (text[place].isupper() and text[place - 1].islower())
    )
