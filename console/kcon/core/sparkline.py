"""How does a series of numbers look in one line of characters?"""

import math
from collections.abc import Sequence
from typing import Final

BLOCKS: Final = "▁▂▃▄▅▆▇█"
ASCII_BLOCKS: Final = "_.-:=+*#"
GAP: Final = " "


def spark(values: Sequence[float], width: int, *, ascii_only: bool = False, floor_zero: bool = True) -> str:
    """Return the newest values as `width` characters, the newest at the right; unknown ones are blank.

    More values than characters are gathered by their maximum, so that a peak is never lost.
    """
    if width <= 0:
        return ""
    points = _gather(values, width)
    known = [point for point in points if not math.isnan(point)]
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    if not known:
        return GAP * width
    low = 0.0 if floor_zero else min(known)
    span = max(known) - low
    text = "".join(GAP if math.isnan(point) else _block(point - low, span, blocks) for point in points)
    return text.rjust(width)


def _block(above: float, span: float, blocks: str) -> str:
    if span <= 0 or above <= 0:
        return blocks[0]
    return blocks[min(len(blocks) - 1, max(1, math.ceil(above / span * (len(blocks) - 1))))]


def _gather(values: Sequence[float], width: int) -> list[float]:
    if len(values) <= width:
        return list(values)
    # Buckets are counted from the newest value, so that a moving window does not make peaks jump about.
    size = math.ceil(len(values) / width)
    points = []
    for end in range(len(values), 0, -size):
        known = [value for value in values[max(0, end - size) : end] if not math.isnan(value)]
        points.append(max(known) if known else math.nan)
    return points[::-1]
