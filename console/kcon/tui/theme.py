"""Which colours and weights do the roles have? One table for every widget; a status is never colour alone.

Four themes come with kcon; files in the themes folder add others:

    # themes/paper.toml
    dark = false
    background = "#fffef8"
    foreground = "#202020"
    accent = "#8a4b00"
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from rich.color import Color as RichColor
from rich.color import ColorParseError
from rich.style import Style
from textual.color import Color
from textual.color import ColorParseError as TextualColorError
from textual.theme import Theme

from kcon.core.wire_text import display_safe

FOLDER: Final = "themes"
FILE_BYTES_MAX: Final = 100_000
THEMES_MAX: Final = 50
COLORS: Final = (
    "primary",
    "secondary",
    "accent",
    "warning",
    "error",
    "success",
    "foreground",
    "background",
    "surface",
    "panel",
    "dim",
    "head",
    "cursor",
    "cursor-text",
    "cursor-blur",
)
"""What a theme says. The last five are kcon's own; the others are Textual's."""
_OWN: Final = COLORS[10:]


def _theme(name: str, *, dark: bool, colors: Mapping[str, str]) -> Theme:
    own = {f"kcon-{key}": colors[key] for key in _OWN}
    return Theme(
        name=name,
        dark=dark,
        primary=colors["primary"],
        secondary=colors["secondary"],
        accent=colors["accent"],
        warning=colors["warning"],
        error=colors["error"],
        success=colors["success"],
        foreground=colors["foreground"],
        background=colors["background"],
        surface=colors["surface"],
        panel=colors["panel"],
        variables=own,
    )


def _table(values: str) -> dict[str, str]:
    return dict(zip(COLORS, values.split(), strict=True))


DARK: Final = _table(
    "#5fafd7 #87af87 #d7af5f #d7af00 #ff5f5f #87d75f #d0d0d0 #101418 #161b22 #1f2630"
    " #8a929c #a8b0ba #2f566d #ffffff #2b333d"
)
LIGHT: Final = _table(
    "#005f87 #3f6f3f #8a4b00 #7a5c00 #b00020 #2f6f1f #202428 #fbfbf8 #f2f2ee #e2e4e0"
    " #5c646c #3a424a #005f87 #ffffff #d0d8de"
)
CONTRAST: Final = _table(
    "#00ffff #ffffff #ffff00 #ffff00 #ff8080 #00ff00 #ffffff #000000 #000000 #303030"
    " #d0d0d0 #ffffff #ffff00 #000000 #505050"
)
ANSI: Final = _table(
    "ansi_bright_cyan ansi_green ansi_yellow ansi_bright_yellow ansi_bright_red ansi_bright_green ansi_white ansi_black"
    " ansi_black ansi_bright_black ansi_white ansi_bright_white ansi_blue ansi_bright_white ansi_bright_black"
)
"""The sixteen colours of the terminal itself."""

THEMES: Final = {
    "dark": _theme("dark", dark=True, colors=DARK),
    "light": _theme("light", dark=False, colors=LIGHT),
    "contrast": _theme("contrast", dark=True, colors=CONTRAST),
    "16-colours": _theme("16-colours", dark=True, colors=ANSI),
}


def load_themes(folder: Path) -> tuple[dict[str, Theme], list[str]]:
    """Read the themes of a folder; what is wrong in a file is a warning, and that theme is not there."""
    found: dict[str, Theme] = {}
    warnings: list[str] = []
    try:
        paths = sorted(path for path in (folder / FOLDER).glob("*.toml"))[:THEMES_MAX]
    except OSError:
        return {}, []
    for path in paths:
        name = display_safe(path.stem)
        try:
            with path.open("rb") as file:
                told = tomllib.loads(file.read(FILE_BYTES_MAX).decode())
            dark = told.get("dark", True) is not False
            colors = (DARK if dark else LIGHT) | {key: str(value) for key, value in told.items() if key in COLORS}
            for color in colors.values():
                Color.parse(color)
            found[name] = _theme(name, dark=dark, colors=colors)
        except (OSError, ValueError, TextualColorError, ColorParseError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            warnings.append(f"Theme {name} is not used: {display_safe(first)}")
    return found, warnings


class Role(NamedTuple):
    """How one kind of text looks. Colours are the theme's variables by name, or `#rrggbb`; "" adds nothing."""

    color: str = ""
    background: str = ""
    bold: bool = False


ROLES: Final[Mapping[str, Role]] = {
    "text": Role(),
    "dim": Role("kcon-dim"),
    "strong": Role("foreground", bold=True),
    "title": Role("primary", bold=True),
    "head": Role("kcon-head", bold=True),
    "key": Role("accent", bold=True),
    "ok": Role("success"),
    "warn": Role("warning"),
    "bad": Role("error", bold=True),
    "in": Role("primary"),
    "out": Role("accent"),
    "cursor": Role("kcon-cursor-text", "kcon-cursor", bold=True),
    "cursor-blur": Role("foreground", "kcon-cursor-blur"),
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
    # A theme of Textual's own does not know kcon's colours.
    found = variables.get(name) or DARK.get(name.removeprefix("kcon-"), name)
    return Color.parse(found).rich_color


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
