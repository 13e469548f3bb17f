"""Which colours and weights do the roles have? One table for every widget; a status is never colour alone."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color
from textual.theme import Theme

KCON_THEME: Final = Theme(
    name="kcon",
    primary="#5fafd7",
    secondary="#87af87",
    accent="#d7af5f",
    warning="#d7af00",
    error="#ff5f5f",
    success="#87d75f",
    foreground="#d0d0d0",
    background="#101418",
    surface="#161b22",
    panel="#1f2630",
    dark=True,
)


class Role(NamedTuple):
    """How one kind of text looks. Colours are the theme's variables by name, or `#rrggbb`; "" adds nothing."""

    color: str = ""
    background: str = ""
    bold: bool = False


ROLES: Final[Mapping[str, Role]] = {
    "text": Role(),
    "dim": Role("#8a929c"),
    "strong": Role("foreground", bold=True),
    "title": Role("primary", bold=True),
    "head": Role("#a8b0ba", bold=True),
    "key": Role("accent", bold=True),
    "ok": Role("success"),
    "warn": Role("warning"),
    "bad": Role("error", bold=True),
    "in": Role("primary"),
    "out": Role("accent"),
    "cursor": Role("#ffffff", "#2f566d", bold=True),
    "cursor-blur": Role("foreground", "#2b333d"),
    "sum": Role("foreground", bold=True),
    "frame": Role("foreground", "panel"),
}
"""Drawn lines take their styles from here and not from CSS: hundreds of component styles would cost the first
picture a tenth of a second."""


def role_style(name: str, variables: Mapping[str, str]) -> Style:
    """Return the style of a role. variables: the theme's colours by name."""
    role = ROLES[name]
    return Style(
        color=_color(role.color, variables), bgcolor=_color(role.background, variables), bold=role.bold or None
    )


def _color(name: str, variables: Mapping[str, str]) -> RichColor | None:
    if not name:
        return None
    return Color.parse(variables.get(name, name)).rich_color


NAMED_COLORS: Final = {
    "red": "#af3030",
    "orange": "#af5f00",
    "yellow": "#87700f",
    "green": "#2f6f3f",
    "blue": "#2f5f9f",
    "purple": "#6f4f9f",
    "cyan": "#2f7f7f",
    "gray": "#4f565f",
}
"""What a context's `color` may be; another word is tried as a CSS colour."""
