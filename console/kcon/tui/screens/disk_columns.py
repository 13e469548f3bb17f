"""How do sizes, shares and times to full read in a table?"""

from kcon.core.units import format_bytes, format_duration
from kcon.tui.text import UNKNOWN


def show_bytes(value: object) -> str:
    """Write a size."""
    return format_bytes(value) if isinstance(value, int) else UNKNOWN


def show_share(value: object) -> str:
    """Write a part of a whole in percent."""
    return f"{value:.0%}" if isinstance(value, float) else UNKNOWN


def full_role(value: object) -> str:
    """Return the role of how full a disk is."""
    if not isinstance(value, float):
        return "text"
    return "bad" if value >= 0.9 else "warn" if value >= 0.8 else "text"


def show_full_in(value: object) -> str:
    """Write when a disk is full; a dash where it does not grow, or nothing is known."""
    return format_duration(value) if isinstance(value, int) else UNKNOWN
