"""Which colours and weights do the roles have? One table for every widget; a status is never colour alone."""

from typing import Final

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

ROLES: Final = (
    "text",
    "dim",
    "strong",
    "title",
    "head",
    "key",
    "off",
    "ok",
    "warn",
    "bad",
    "in",
    "out",
    "cursor",
    "cursor-blur",
    "sum",
    "frame",
    "danger",
)
"""Names of styles. `frame` is the top line, `danger` the same on a context that may be changed and has a colour."""

ROLE_CSS: Final = """
Painted {
    & > .role--text { color: $foreground; }
    & > .role--dim { color: #8a929c; }
    & > .role--strong { color: $foreground; text-style: bold; }
    & > .role--title { color: $primary; text-style: bold; }
    & > .role--head { color: #a8b0ba; text-style: bold; }
    & > .role--key { color: $accent; text-style: bold; }
    & > .role--off { color: #606a75; }
    & > .role--ok { color: $success; }
    & > .role--warn { color: $warning; }
    & > .role--bad { color: $error; text-style: bold; }
    & > .role--in { color: $primary; }
    & > .role--out { color: $accent; }
    & > .role--cursor { background: $primary 40%; color: $foreground; text-style: bold; }
    & > .role--cursor-blur { background: $foreground 15%; color: $foreground; }
    & > .role--sum { color: $foreground; text-style: bold; }
    & > .role--frame { background: $panel; color: $foreground; }
    & > .role--danger { background: $error 60%; color: $foreground; text-style: bold; }
}
"""

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
